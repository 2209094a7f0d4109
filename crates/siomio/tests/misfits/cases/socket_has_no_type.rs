//! error[E0282]: type annotations needed
//! at: socket

use siomio::Server;

fn main() {
    Server::new().on("say", |socket, text: String| {
        socket.emit("said", text);
    });
}
