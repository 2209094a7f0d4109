//! Socket.IO at `/socket.io/`, with the events that protocol suites and clients ask for.

use std::io;

use siomio_conformance::{addresses, builder, run, sio_conformance};

fn main() -> io::Result<()> {
    let server = sio_conformance::server(builder(300, 200, 1_000_000));
    run("sio_conformance", server.bind(&addresses(3000)[..])?)
}
