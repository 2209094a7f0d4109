//! Engine.IO alone: messages over polling and WebSocket, without namespaces and events.

mod handle;
mod server;
mod socket;

pub use handle::EngineSocketHandle;
pub use server::EngineServer;
pub use socket::{Carrier, EngineSocket};
