//! error[E0277]: `Rc<i32>` cannot be sent between threads safely
//! note: to implement `Handler<Socket
//! error[E0277]: `Rc<i32>` cannot be shared between threads safely
//! note: to implement `Handler<Socket

use std::rc::Rc;

use siomio::{Server, Socket};

fn main() {
    let number = Rc::new(7);
    Server::new().on("who", move |socket: &Socket| {
        socket.emit("number", *number);
    });
}
