//! Socket.IO at `/socket.io/`, with the events that protocol suites and clients ask for.

use std::{io, time::Duration};

use siomio::{Ack, Args, Namespace, Socket, Value};
use siomio_conformance::{addresses, builder, run};

/// How long a client may take to acknowledge.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> io::Result<()> {
    let server = builder(300, 200, 1_000_000).build();
    for name in ["/", "/custom"] {
        serve(&server.of(name));
    }
    run("sio_conformance", server.bind(&addresses(3000)[..])?)
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
