//! error[E0277]: `Point: serde
//! at: Point { x: 0.0, y: 1.0 }
//! note: consider adding `#[derive(serde::Serialize)]` to your `Point` type

use siomio::Server;

struct Point {
    x: f64,
    y: f64,
}

fn main() {
    Server::new().emit("moved", ("ann", Point { x: 0.0, y: 1.0 }));
}
