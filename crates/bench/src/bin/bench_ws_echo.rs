//! siomio's plain WebSockets as they are measured: every message at `/` goes back as it came. `PORT` (3000).

use std::{env, io};

use siomio::Server;

fn main() -> io::Result<()> {
    let port = env::var("PORT").ok().and_then(|text| text.parse().ok()).unwrap_or(3000_u16);
    // The largest message of the measurements is more than the default takes.
    let server = Server::builder().shards(1).max_payload(16 * 1024 * 1024).build();
    server.websocket("/").on_message(|socket, message| {
        socket.send(message);
    });
    server.listen(("0.0.0.0", port))
}
