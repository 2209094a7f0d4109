//! Socket.IO with the events that protocol suites and clients ask for.

use std::time::Duration;

use siomio::{Ack, Args, Namespace, Server, ServerBuilder, Socket, Value};

/// How long a client may take to acknowledge.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// A server at `/socket.io/` with the namespaces `/` and `/custom`, which behave alike.
pub fn server(builder: ServerBuilder) -> Server {
    let server = builder.path("/socket.io").build();
    for name in ["/", "/custom"] {
        serve(&server.of(name));
    }
    server
}

fn serve(namespace: &Namespace) {
    namespace.on_connect(|socket| {
        socket.emit("auth", socket.handshake().auth::<Value>().unwrap_or(Value::Null));
    });
    namespace.on("message", |socket: &Socket, args: Args| {
        socket.emit("message-back", args);
    });
    namespace.on("message-with-ack", |_: &Socket, args: Args, ack: Ack| ack.send(args));
    namespace.on("ack-me", |socket: &Socket, args: Args| {
        let handle = socket.handle();
        socket.emit_with_ack("ack-request", args, ACK_TIMEOUT).on_reply(move |answer| {
            if let Ok(answer) = answer {
                handle.emit("ack-response", answer);
            }
        });
    });
    namespace.on("broadcast", |socket: &Socket, args: Args| {
        socket.namespace().emit("broadcast-back", args);
    });
    namespace.on("join", |socket: &Socket, room: String| {
        socket.join(room);
    });
    namespace.on("to-room", |socket: &Socket, room: String, args: Args| {
        socket.to(room).emit("room-back", args);
    });
    namespace.on("bye", |socket: &Socket| socket.disconnect(false));
    namespace.on("bye-all", |socket: &Socket| socket.disconnect(true));
}
