//! Engine.IO at `/engine.io/`, for the test suites of clients.

use std::io;

use siomio_conformance::{addresses, builder, eio_client_suite, run};

fn main() -> io::Result<()> {
    let builder = builder(500, 20_000, 100).cors(None);
    let server = eio_client_suite::server(builder);
    run("eio_client_suite", server.bind(&addresses(3000)[..])?)
}
