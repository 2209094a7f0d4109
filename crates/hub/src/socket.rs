//! One connection in one namespace.

use std::sync::Arc;

use crate::{ClientKey, Key, NamespaceId, acks::Acks};

/// Names a socket.
pub type SocketKey = Key<Socket>;

/// The state of one socket.
///
/// ```text
///  begin_connect ──► Connecting ── accept ──► Connected ── begin_disconnect ──► Leaving ── remove ──► gone
///                        │                                                         ▲
///                        └───────────────── refuse ── (removed at once) ───────────┘ (never reached)
/// ```
#[derive(Debug)]
pub struct Socket {
    pub(crate) id: Arc<str>,
    pub(crate) client: ClientKey,
    pub(crate) namespace: NamespaceId,
    pub(crate) phase: Phase,
    pub(crate) acks: Acks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The application is being asked: the socket may join rooms, but nothing reaches it.
    Connecting,
    Connected,
    /// Disconnected, its rooms still readable for the farewell.
    Leaving,
}
