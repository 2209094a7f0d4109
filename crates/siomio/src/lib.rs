//! A Socket.IO server on mio, with no async runtime.
//!
//! Clients are the official ones: `socket.io-client` 3 and 4 in browsers and elsewhere, over long-polling, over WebSocket,
//! and while they move from one to the other; and 1 and 2, where [`allow_eio3`](ServerBuilder::allow_eio3) lets them in.
//! Handlers are closures; a server is a few lines:
//!
//! ```no_run
//! use siomio::{Ack, Server, Socket};
//!
//! let io = Server::new();
//! io.on_connect(|socket| {
//!     socket.join("lobby");
//! });
//! io.on("message", |socket: &Socket, text: String| {
//!     socket.to("lobby").emit("message", (socket.id(), text));
//! });
//! io.on("sum", |_: &Socket, a: f64, b: f64, ack: Ack| ack.send(a + b));
//! io.listen("0.0.0.0:3000")?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! In the repository, `docs/guide` leads from a first server to production, and `docs/from-javascript.md` says what every call of the
//! JavaScript server is here.
//!
//! # Who is who
//!
//! - [`Server`] is configured by [`ServerBuilder`], listens and runs. It stands for its [`Io`].
//! - [`Io`] is a handle to the server for any thread. It stands for the main [`Namespace`], `/`.
//! - [`Namespace`] is where handlers and middlewares are registered and broadcasts begin. [`Io::of_pattern`] and its kin are parents,
//!   which make namespaces when clients ask for them.
//! - [`Socket`] is a client in a namespace, as its handlers see it; it has [`Data`], [`Timer`]s, and closures of its own.
//!   [`SocketHandle`] is the same client for other threads and for later. [`Broadcast`] is many of them, [`RemoteSocket`] one on
//!   whichever server it is.
//! - [`Handshake`] is how a client came, [`Event`] what it sends, as those see it who see everything, [`Args`], [`Value`] and
//!   [`Binary`] what is in it.
//! - [`Ack`] answers an event; [`Reply`] is the answer to one of ours, [`Replies`] those of many. [`Sent`] is what became of what was
//!   sent.
//! - [`Request`] and [`Responder`] are plain HTTP beside it; [`ClientFiles`] is the official client, for browsers to load.
//! - [`Engine`] is the transport beneath: middlewares, headers, refused requests. [`EngineServer`] is Engine.IO without
//!   Socket.IO.
//! - [`Endpoint`] and [`WebSocket`] are WebSockets without any of that: frames in and out, on the same port.
//! - [`Adapter`] joins servers to others; [`Recovery`] keeps sessions of clients that lose their connection; [`parser`] has other wire
//!   formats.
//!
//! # Order
//!
//! Events of a client reach handlers in the order they were sent. What one thread emits reaches a client in the order it was
//! made, whatever it was made with. Across an upgrade from polling to WebSocket nothing is lost and nothing overtakes.
//!
//! # Threads
//!
//! Each shard is an event loop that looks after its own clients, and a handler runs on the loop of its client: it must not
//! block, for others wait behind it. What takes long has two places to go:
//!
//! - a handler that is registered with [`on_blocking`](Namespace::on_blocking) runs on a thread of a pool and may block; the order of
//!   its client's events is kept;
//! - a thread of your own answers through a [`SocketHandle`], an [`Ack`], a [`Permit`] or a [`Responder`].
//!
//! Inside a handler everything of the server may be used; nothing is locked meanwhile. A handler that panics costs its own socket.
//!
//! # Who does not read
//!
//! What waits for a client is bounded. Beyond [`high_water`](ServerBuilder::high_water), [`Sent::HighWater`] says so and
//! [`on_drain`](Namespace::on_drain) tells when it is over; beyond [`max_buffered`](ServerBuilder::max_buffered) the client is
//! disconnected, or gets no more, as [`Overflow`] says. [Volatile](Socket::volatile) events go only to those who can take them at
//! once.
//!
//! # Watching a server
//!
//! [`Io::metrics`] tells what there is and what has happened, and [`Metrics::to_prometheus`] writes it for Prometheus. With the
//! feature `tracing` the server tells of what happens through the crate `tracing`: the end of the server and what it cannot do at
//! the levels `INFO` to `ERROR`, as well as panics and handlers that hold up a loop; sessions, sockets and whatever a client can
//! cause at will at `DEBUG`, connections at `TRACE`. The targets are `siomio::server`, `siomio::http`, `siomio::engine`,
//! `siomio::socket`, `siomio::websocket` and `siomio::handler`. Ids of sessions are secrets, of which only the beginning is told;
//! what clients send is not told at all.
//!
//! # What is lost
//!
//! Delivery is at most once: what is on its way when a connection is lost is lost. With [`Recovery`], a client that comes back in
//! time is who it was, and is sent what it has missed; that makes most interruptions invisible, and is no guarantee. Where it
//! matters, ask for an acknowledgement and send again.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod ack;
mod addresses;
mod blocking;
mod broadcast;
mod builder;
mod client_files;
mod cluster;
mod config;
mod cookie;
mod cors;
mod dispatch;
mod emitter;
mod endpoint;
mod engine;
mod error;
mod event;
mod extensions;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod guarded;
#[cfg(doctest)]
mod guide;
mod handle;
mod handler;
mod handshake;
mod hooks;
mod http;
mod id;
mod io;
mod mailbox;
mod metrics;
mod middleware;
mod namespace;
mod origin;
mod overflow;
mod registry;
mod remote_socket;
mod reply;
mod room_event;
mod room_names;
mod run;
mod server;
#[doc(hidden)]
pub mod shard;
mod shared;
mod socket;
mod timer;
mod trace;
mod websocket;

pub use ack::Ack;
pub use broadcast::Broadcast;
pub use builder::{Recovery, ServerBuilder};
pub use client_files::ClientFiles;
pub use cluster::{Adapter, Node};
pub use cookie::{Cookie, Priority, SameSite};
pub use cors::Cors;
pub use emitter::Emitter;
pub use endpoint::{Endpoint, Rejection};
pub use engine::{Carrier, EngineServer, EngineSocket, EngineSocketHandle};
pub use error::{AckError, ConnectError, Dropped, HandlerError, Incomplete, Sent};
pub use event::Event;
pub use extensions::Data;
pub use gate::{Decision, Next};
pub use handle::SocketHandle;
pub use handler::{Handler, Last};
pub use handshake::Handshake;
pub use hooks::{ConnectionError, Engine, HookPanic};
pub use http::{Request, Responder};
pub use id::SocketId;
pub use io::Io;
pub use metrics::{Metrics, ShardMetrics, TurnMetrics};
pub use middleware::Permit;
pub use namespace::{Namespace, NamespaceDecision, NamespaceRequest};
pub use overflow::Overflow;
pub use remote_socket::RemoteSocket;
pub use reply::{Replies, Reply};
pub use room_event::RoomEvent;
pub use room_names::RoomNames;
pub use server::{Bound, Running, Server};
pub use siomio_engine::{BadRequest, CloseReason, Message, Protocol, Refusal, Sid, Transport};
pub use siomio_http::{Headers, InvalidHeader, Method};
pub use siomio_hub::{
    Answer, Broadcast as BroadcastPacket, DisconnectReason, Flags, Gathering, Operation, RequestId,
    Selector, SocketInfo,
};
pub use siomio_packet::{ArgError, Args, ArgsRef, Binary, EncodeError, FromArg, IntoArgs, Value};
pub use siomio_websocket::{CloseCode, Error as FrameError};
pub use socket::{Listener, Socket};
pub use timer::Timer;
pub use websocket::{ReadyState, WebSocket, WebSocketError, WebSocketHandle};

/// Wire formats other than Socket.IO's own, for [`ServerBuilder::parser`].
pub mod parser {
    #[cfg(feature = "msgpack")]
    pub use siomio_packet::MsgPack;
    pub use siomio_packet::{Data, DecodeError, Encoded, Kind, Limits, Packet, Parser, Wire};
}

/// The browser client that comes with the server: one JavaScript file to be served as it is.
pub const BROWSER_CLIENT: &str = include_str!("../assets/siomio.js");

/// The examples of the README are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
