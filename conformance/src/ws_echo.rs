//! Plain WebSockets that send every message back.

use siomio::{Server, ServerBuilder};

/// Messages of 16 MiB pass, and a little more.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024 + 1024;

/// A server whose WebSockets at `/` send each message back as it came, text as text and binary as binary. Messages may come in
/// 131 072 fragments, and four of the largest may wait for a client that does not read.
pub fn server(builder: ServerBuilder) -> Server {
    let server = builder.max_fragments(131_072).max_buffered(4 * MAX_PAYLOAD).build();
    server.websocket("/").on_message(|socket, message| {
        socket.send(message);
    });
    server
}
