//! error: OwnsItsData` is not general enough
//! note: `&str` must implement

use siomio::{Server, Socket};

fn main() {
    Server::new().on("say", |socket: &Socket, text: &str| {
        socket.emit("said", text);
    });
}
