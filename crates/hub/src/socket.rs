//! One connection in one namespace.

use std::sync::Arc;

use crate::{
    ClientKey, Key, NamespaceId,
    acks::Acks,
    deadlines::DeadlineKey,
    recovery::{Recovered, Session},
};

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
    pub(crate) connecting: Option<Box<Connecting>>,
    /// Its session, where it can be taken up again after a lost connection.
    pub(crate) session: Option<Box<Session>>,
}

/// What matters only until the socket is connected, and only to some.
#[derive(Debug, Default)]
pub(crate) struct Connecting {
    /// By when the application has to decide.
    pub(crate) deadline: Option<DeadlineKey>,
    /// The session it takes up again.
    pub(crate) recovered: Option<Recovered>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The application is being asked: the socket may join rooms, but nothing reaches it.
    Connecting,
    Connected,
    /// Disconnected, its rooms still readable for the farewell.
    Leaving,
}
