//! error[E0277]: this closure cannot handle an event
//! note: the type of every parameter is written out, also that of the first, `&Socket`

use siomio::Server;

fn main() {
    Server::new().on("say", |text: String| println!("{text}"));
}
