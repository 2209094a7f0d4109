//! siomio as it is measured: the ordinary server with default settings and ordinary handlers.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use siomio::{Ack, Args, Server, Socket};

/// What the handlers of `message` and `message-with-ack` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handlers {
    /// What came, unread.
    Args,
    /// A text.
    String,
    /// An object.
    Struct,
}

#[derive(Deserialize, Serialize)]
struct Message {
    user: String,
    number: u64,
    text: String,
}

/// The server, on so many shards.
pub fn server(shards: u8, handlers: Handlers) -> Server {
    let server = Server::builder().shards(shards).build();
    match handlers {
        Handlers::String => typed::<String>(&server),
        Handlers::Struct => typed::<Message>(&server),
        Handlers::Args => {
            server.on("message", |socket: &Socket, args: Args| {
                socket.emit("message-back", args);
            });
            server.on("message-with-ack", |_: &Socket, args: Args, ack: Ack| ack.send(args));
        }
    }
    server.on("broadcast", |socket: &Socket, args: Args| {
        socket.namespace().emit("broadcasted", args);
    });
    server
}

fn typed<T: DeserializeOwned + Serialize + 'static>(server: &Server) {
    server.on("message", |socket: &Socket, value: T| {
        socket.emit("message-back", value);
    });
    server.on("message-with-ack", |_: &Socket, value: T, ack: Ack| ack.send(value));
}
