//! siomio as it is measured: the ordinary server with default settings.
//!
//! `PORT` (3000), `SHARDS` (1). `HANDLERS` says what the handlers of `message` and `message-with-ack` take: `args` (what came, unread,
//! the default), `string`, or `struct`.

use std::{env, io};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use siomio::{Ack, Args, Server, Socket};

/// What `struct` stands for.
#[derive(Deserialize, Serialize)]
struct Message {
    user: String,
    number: u64,
    text: String,
}

fn main() -> io::Result<()> {
    let number = |name: &str, default: u16| {
        env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let shards = u8::try_from(number("SHARDS", 1)).unwrap_or(1);
    let server = Server::builder().shards(shards).build();
    match env::var("HANDLERS").as_deref() {
        Ok("string") => typed::<String>(&server),
        Ok("struct") => typed::<Message>(&server),
        _ => {
            server.on("message", |socket: &Socket, args: Args| {
                socket.emit("message-back", args);
            });
            server.on("message-with-ack", |_: &Socket, args: Args, ack: Ack| ack.send(args));
        }
    }
    server.on("broadcast", |socket: &Socket, args: Args| {
        socket.namespace().emit("broadcasted", args);
    });
    server.listen(("0.0.0.0", number("PORT", 3000)))
}

fn typed<T: DeserializeOwned + Serialize + 'static>(server: &Server) {
    server.on("message", |socket: &Socket, value: T| {
        socket.emit("message-back", value);
    });
    server.on("message-with-ack", |_: &Socket, value: T, ack: Ack| ack.send(value));
}
