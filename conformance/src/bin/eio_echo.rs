//! Engine.IO at `/engine.io/`: every message goes back as it came.

use std::io;

use siomio_conformance::{addresses, builder, run};

fn main() -> io::Result<()> {
    let server = builder(300, 200, 1_000_000).path("/engine.io").build_engine();
    server.on_message(|socket, message| {
        socket.send(message);
    });
    run("eio_echo", server.bind(&addresses(3000)[..])?)
}
