//! Engine.IO that sends every message back.

use siomio::{EngineServer, ServerBuilder};

/// A server at `/engine.io/` that sends each message back as it came, text as text and binary as binary.
pub fn server(builder: ServerBuilder) -> EngineServer {
    let server = builder.path("/engine.io").build_engine();
    server.on_message(|socket, message, _| {
        socket.send(message);
    });
    server
}
