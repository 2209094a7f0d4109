//! A shard: connections, sessions and sockets that one thread looks after.
//!
//! ```text
//!   bytes ─► turn ─► http ───► (route, session GET and POST) ─┐
//!                 └► channel ► (WebSocket messages) ──────────┴► inbound ─► lifecycle, handlers
//!                       └────► (raw WebSockets) ────► endpoint ─► handlers     │ emit
//!                                                            │ send            │
//!   bytes ◄─ turn ◄─ write_queue ◄─┬───────────────── raw ◄──┘                 │
//!                                  └ perform (engine actions) ◄─ send ◄────────┘
//! ```
//!
//! Nothing in here knows sockets of the operating system, threads or clocks: a [`Shard`] is generic over its streams and is
//! told the time, so it runs on a simulated network as well as on a real one.

mod admission;
mod alarms;
mod body;
mod channel;
mod conn;
mod core;
mod date;
mod destination;
mod endpoint;
mod engine;
mod environment;
mod feed;
mod http;
mod inbound;
mod incoming;
mod lifecycle;
mod local;
mod owner;
mod perform;
mod preface;
mod raw;
mod refusal;
mod requests;
mod revision;
mod send;
mod shutdown;
mod timers;
mod turn;
mod upgrade;
mod wheel;
mod write_queue;

pub use destination::{Destination, destination};
pub use environment::Environment;
pub use turn::{Adopted, Readiness, Shard, Stream};

pub(crate) use self::{core::SessionKey, local::Local, owner::Owner, raw::RawKey, timers::Work};
