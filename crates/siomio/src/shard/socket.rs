//! Sockets of Socket.IO: they come and go, what arrives for them, and what is sent to them.
//!
//! ```text
//!   CONNECT ─► lookup ─► recovering ─► connecting (middlewares, the answer, handlers)
//!   EVENT ───► inbound ─► handlers, or backlog (handlers that block)
//!   emit ────► outbound          broadcast ─► operations          answers to them ─► answers
//!   DISCONNECT, a lost connection ─► leaving
//! ```

pub(crate) mod answers;
pub(crate) mod backlog;
pub(crate) mod connecting;
pub(crate) mod inbound;
pub(crate) mod leaving;
pub(crate) mod listeners;
pub(crate) mod lookup;
pub(crate) mod operations;
pub(crate) mod outbound;
pub(crate) mod recovering;
pub(crate) mod revision;
pub(crate) mod rooms;
