//! error[E0277]: `u32` does not name a room
//! at: number
//! note: a room is a `&str`, `String`, `Arc<str>` or `SocketId`, or several
//! note: make a name of anything else: `format!("game-{id}")`, or `.to_string()`

use siomio::{Server, Socket};

fn main() {
    Server::new().on("join", |socket: &Socket, number: u32| {
        socket.join(number);
    });
}
