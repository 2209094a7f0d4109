//! error[E0277]: this closure cannot handle an event
//! note: a handler looks like `|socket: &SocketHandle, text: String, ack: Ack| { … }`

use siomio::{Server, Socket};

fn main() {
    Server::new().on_blocking("say", |socket: &Socket, text: String| {
        socket.emit("said", text);
    });
}
