//! error[E0277]: this closure cannot handle an event
//! at: |socket: &Socket, to: Point| {
//! note: not an event handler
//! note: a handler looks like `|socket: &Socket, text: String, ack: Ack| { … }`
//! note: a parameter implements `serde::Deserialize` (derive it) and owns its data

use siomio::{Server, Socket};

struct Point {
    x: f64,
    y: f64,
}

fn main() {
    Server::new().on("move", |socket: &Socket, to: Point| {
        socket.emit("moved", (to.x, to.y));
    });
}
