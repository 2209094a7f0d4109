//! error[E0277]: this closure cannot handle an event
//! note: leave `async` out

use siomio::{Server, Socket};

fn main() {
    Server::new().on("say", async |socket: &Socket, text: String| {
        socket.emit("said", text);
    });
}
