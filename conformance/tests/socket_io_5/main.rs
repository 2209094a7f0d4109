#[path = "../common/mod.rs"]
mod common;
fn main() {}
