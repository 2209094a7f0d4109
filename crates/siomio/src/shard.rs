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

mod conn;
mod core;
mod destination;
mod environment;
mod hook;
mod local;
pub mod measured;
mod raw;
mod session;
mod shutdown;
mod socket;
mod space;
mod time;
mod turn;
mod watch;

pub use destination::{Destination, destination};
pub use environment::Environment;
pub use turn::{Adopted, Readiness, Shard, Stream};

pub(crate) use self::{
    core::SessionKey,
    local::Local,
    raw::RawKey,
    socket::{
        listeners::{Listeners, Once},
        recovering::Recovering,
    },
    space::Space,
    time::{Owner, Work},
};
