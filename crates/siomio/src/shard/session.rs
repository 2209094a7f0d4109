//! Sessions of Engine.IO: who may open one, what requests do to them, what they ask for, and what is sent to them.
//!
//! ```text
//!   request ─► admission ─► requests ─► engine::Session ─► perform ─► the connection's queue
//!                                            ▲
//!                            send ───────────┘   (or straight into the queue of a WebSocket)
//! ```

pub(crate) mod admission;
pub(crate) mod engine;
pub(crate) mod perform;
pub(crate) mod requests;
pub(crate) mod send;
mod told;
