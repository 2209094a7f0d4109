//! error[E0277]: this closure cannot handle an event
//! note: behind it there are eight at most

use siomio::{Server, Socket};

fn main() {
    Server::new().on(
        "sum",
        |_: &Socket, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8| {
            println!("{}", a + b + c + d + e + f + g + h + i);
        },
    );
}
