//! error[E0277]: this closure cannot handle an event
//! note: an `Ack` is the last parameter

use siomio::{Ack, Server, Socket};

fn main() {
    Server::new().on("say", |_: &Socket, ack: Ack, text: String| ack.send(text));
}
