//! siomio as it is measured.
//!
//! `PORT` (3000), `SHARDS` (1). `HANDLERS` says what the handlers of `message` and `message-with-ack` take: `args` (what came, unread,
//! the default), `string`, or `struct`.

use std::{env, io};

use siomio_bench::subject::{Handlers, server};

fn main() -> io::Result<()> {
    let number = |name: &str, default: u16| {
        env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let handlers = match env::var("HANDLERS").as_deref() {
        Ok("string") => Handlers::String,
        Ok("struct") => Handlers::Struct,
        _ => Handlers::Args,
    };
    let shards = u8::try_from(number("SHARDS", 1)).unwrap_or(1);
    server(shards, handlers).listen(("0.0.0.0", number("PORT", 3000)))
}
