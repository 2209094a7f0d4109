//! error[E0283]: type annotations needed
//! at: text

use siomio::{Server, Socket};

fn main() {
    Server::new().on("say", |socket: &Socket, text| {
        socket.emit("heard", ());
    });
}
