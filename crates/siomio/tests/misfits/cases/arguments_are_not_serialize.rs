//! error[E0277]: `Point` cannot be the arguments of an event
//! at: Point { x: 0.0, y: 1.0 }
//! note: put `#[derive(serde::Serialize)]` on a type of yours

use siomio::Server;

struct Point {
    x: f64,
    y: f64,
}

fn main() {
    Server::new().emit("moved", Point { x: 0.0, y: 1.0 });
}
