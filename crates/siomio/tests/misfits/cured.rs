//! What the cases want to do, in ways that fit.

use std::sync::Arc;

use siomio::{Ack, Server, Socket, SocketHandle};

fn main() {
    let server = Server::new();
    server.on("move", |socket: &Socket, (x, y): (f64, f64)| {
        socket.emit("moved", (x, y));
    });
    server.on("say", |socket: &Socket, text: String| {
        socket.emit("said", text);
    });
    server.on("say", say);
    server.on_blocking("say", |socket: &SocketHandle, text: String| {
        socket.emit("said", text);
    });
    server.on("say", |_: &Socket, text: String, ack: Ack| ack.send(text));
    server.on("sum", |_: &Socket, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, ack: Ack| {
        ack.send(a + b + c + d + e + f + g);
    });
    let name = Arc::new("Ada".to_owned());
    server.on("who", move |socket: &Socket| {
        socket.emit("name", name.as_str());
    });
    server.on("join", |socket: &Socket, number: u32| {
        socket.join(format!("game-{number}"));
    });
}

fn say(socket: &Socket, text: String) {
    socket.emit("said", text);
}
