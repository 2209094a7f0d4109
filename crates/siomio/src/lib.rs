//! A Socket.IO server on mio, with no async runtime.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod ack;
mod broadcast;
mod builder;
mod config;
mod cors;
mod engine;
mod error;
mod extensions;
mod handle;
mod handler;
mod handshake;
mod http;
mod id;
mod io;
mod mailbox;
mod middleware;
mod namespace;
mod registry;
mod run;
mod server;
#[doc(hidden)]
pub mod shard;
mod shared;
mod socket;

pub use ack::{Ack, Reply};
pub use broadcast::Broadcast;
pub use builder::ServerBuilder;
pub use cors::Cors;
pub use engine::{EngineServer, EngineSocket};
pub use error::{AckError, ConnectError, Dropped, HandlerError, Sent};
pub use extensions::Data;
pub use handle::SocketHandle;
pub use handler::{Handler, Last};
pub use handshake::Handshake;
pub use http::{Request, Responder};
pub use id::SocketId;
pub use io::Io;
pub use namespace::Namespace;
pub use server::{Bound, Running, Server};
pub use siomio_engine::{CloseReason, Message, Transport};
pub use siomio_http::Method;
pub use siomio_hub::DisconnectReason;
pub use siomio_packet::{ArgError, Args, Binary, EncodeError, FromArg, IntoArgs, Value};
pub use socket::{Socket, Timer};

/// The browser client that comes with the server: one JavaScript file to be served as it is.
pub const BROWSER_CLIENT: &str = include_str!("../assets/siomio.js");
