//! siomio as it is soaked.
//!
//! `PORT` (3000). `FAULT` makes it wrong on purpose: `lie`, `leak` or `loss`.

use std::{env, io};

use siomio_bench::soak::server;

fn main() -> io::Result<()> {
    let port = env::var("PORT").ok().and_then(|text| text.parse().ok()).unwrap_or(3000_u16);
    let fault = env::var("FAULT").ok().map(|name| name.parse()).transpose();
    server(fault.map_err(io::Error::other)?).listen(("0.0.0.0", port))
}
