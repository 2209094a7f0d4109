//! error[E0277]: this closure cannot handle an event
//! note: the closure returns nothing: end its last expression with `;`

use siomio::{Server, Socket};

fn main() {
    Server::new().on("say", |socket: &Socket, text: String| socket.emit("said", text));
}
