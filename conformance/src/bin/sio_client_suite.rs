//! Socket.IO at `/socket.io/`, for the test suites of clients.

use std::io;

use siomio_conformance::{addresses, builder, run, sio_client_suite};

fn main() -> io::Result<()> {
    let builder = builder(2_000, 20_000, 1_000_000).cors(None);
    let server = sio_client_suite::server(builder);
    run("sio_client_suite", server.bind(&addresses(3210)[..])?)
}
