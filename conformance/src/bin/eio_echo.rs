//! Engine.IO at `/engine.io/`: every message goes back as it came.

use std::io;

use siomio_conformance::{addresses, builder, eio_echo, run};

fn main() -> io::Result<()> {
    let server = eio_echo::server(builder(300, 200, 1_000_000));
    run("eio_echo", server.bind(&addresses(3000)[..])?)
}
