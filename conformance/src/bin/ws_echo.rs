//! Plain WebSockets at `/`: every message goes back as it came.

use std::io;

use siomio_conformance::{addresses, builder, run, ws_echo};

fn main() -> io::Result<()> {
    let server = ws_echo::server(builder(25_000, 20_000, ws_echo::MAX_PAYLOAD));
    run("ws_echo", server.bind(&addresses(3000)[..])?)
}
