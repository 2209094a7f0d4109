//! What is kept for clients that lose their connection.

use std::time::Duration;

use super::ServerBuilder;
use crate::config::capped;

/// How sessions outlive their connections: who comes back in time is in the same rooms under the same id, and is sent what it has
/// missed.
///
/// It costs memory for every event that is sent, until that is too old, and a longer argument list: every event that could be asked
/// for again carries one argument more, its offset.
///
/// ```
/// use std::time::Duration;
/// use siomio::{Recovery, Server};
///
/// let recovery = Recovery::new().max_disconnection(Duration::from_secs(30));
/// let server = Server::builder().recovery(recovery).build();
/// server.on_connect(|socket| {
///     if !socket.is_recovered() {
///         socket.join("lobby");
///     }
/// });
/// ```
#[derive(Clone, Debug)]
#[must_use = "pass it to ServerBuilder::recovery"]
pub struct Recovery {
    hub: siomio_hub::Recovery,
    skip_middlewares: bool,
}

impl Recovery {
    /// With the default limits.
    pub fn new() -> Self {
        Self { hub: siomio_hub::Recovery::default(), skip_middlewares: true }
    }

    /// How long after the loss of its connection a client can come back. Default 2 minutes.
    pub fn max_disconnection(mut self, duration: Duration) -> Self {
        self.hub.max_disconnection = capped(duration);
        self
    }

    /// Most bytes of events that each shard keeps; the oldest go first. Shards share most of them. Who has missed more than
    /// that comes back as somebody new. Default 64 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.hub.max_bytes = bytes;
        self
    }

    /// Most lost sessions that each shard keeps; the oldest go first. Default 10 000.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.hub.max_sessions = sessions;
        self
    }

    /// Whether a client that comes back passes the namespace's middlewares without being asked. Default `true`: it was asked
    /// before, and its session's private id is as good as a password; but if what it may do can have changed meanwhile, ask
    /// again.
    pub fn skip_middlewares(mut self, skip: bool) -> Self {
        self.skip_middlewares = skip;
        self
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerBuilder {
    /// Keeps the sessions of clients that lose their connection, for clients of version 4.6 and newer that come back. Default: nothing
    /// is kept.
    pub fn recovery(mut self, recovery: impl Into<Option<Recovery>>) -> Self {
        let recovery = recovery.into();
        self.skip_middlewares = recovery.as_ref().is_none_or(|recovery| recovery.skip_middlewares);
        self.hub.recovery = recovery.map(|recovery| recovery.hub);
        self
    }
}
