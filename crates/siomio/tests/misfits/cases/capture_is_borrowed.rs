//! error[E0373]: closure may outlive the current function
//! note: use the `move` keyword

use siomio::{Server, Socket};

fn main() {
    let name = "Ada".to_owned();
    Server::new().on("who", |socket: &Socket| {
        socket.emit("name", &name);
    });
}
