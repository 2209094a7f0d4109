//! Lost connections: what their clients have missed, and who they were.
//!
//! Every event that a client could receive and is not volatile has an [`Offset`], and each hub keeps a [`Log`] of those its
//! sockets could receive, in the order it delivered them. When a connection is lost, its hub keeps the session. A client that comes
//! back names its session and the last offset it saw, maybe to another hub; then
//!
//! 1. the old hub gives the session up: rooms, the packets after that offset in its own order, and, for every origin, how far it
//!    had got;
//! 2. the new hub adds what its own log holds beyond that, and
//! 3. skips what still arrives there but lies before ([`Marks`]).
//!
//! Packets of one origin reach every hub in the order they were made, so nothing is lost, nothing comes twice, and each origin's
//! order is kept.

mod log;
mod prelude;
mod sessions;
mod stays;

use std::{sync::Arc, time::Duration};

pub(crate) use self::{log::Log, prelude::Prelude, sessions::Sessions, stays::Stays};
use crate::{NamespaceId, Offset};

/// How long and how much is kept for clients that come back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// How long after its loss a session can be taken up again. Default 2 minutes.
    pub max_disconnection: Duration,
    /// Most bytes of packets that one hub keeps, and most that it gives up to one client. Default 64 MiB.
    pub max_bytes: usize,
    /// Most lost sessions that one hub keeps. Default 10 000.
    pub max_sessions: usize,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            max_disconnection: Duration::from_secs(120),
            max_bytes: 64 * 1024 * 1024,
            max_sessions: 10_000,
        }
    }
}

/// For every origin, the last sequence that has arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    public: Vec<u64>,
    /// Of packets that stay on their hub: they say what a session has had, and nothing about what another hub knows.
    private: Vec<u64>,
}

impl Marks {
    /// Whether this packet lies at or before the marks.
    pub(crate) fn cover(&self, offset: Offset) -> bool {
        let (marks, origin) = match offset.private_to() {
            Some(hub) => (&self.private, hub),
            None => (&self.public, offset.origin),
        };
        marks.get(usize::from(origin)).is_some_and(|mark| *mark >= offset.sequence)
    }

    /// Whether everything at or before `other` that other hubs could know lies at or before these.
    pub(crate) fn include(&self, other: &Self) -> bool {
        other.public.iter().enumerate().all(|(origin, mark)| self.of(origin) >= *mark)
    }

    /// The last of an origin that other hubs could know.
    pub(crate) fn of(&self, origin: usize) -> u64 {
        self.public.get(origin).copied().unwrap_or_default()
    }

    /// For every origin, whether these are further than `other`, as far as other hubs could know.
    pub(crate) fn ahead_of(&self, other: &Self) -> Vec<bool> {
        self.public.iter().enumerate().map(|(origin, mark)| *mark > other.of(origin)).collect()
    }

    pub(crate) fn set(&mut self, offset: Offset) {
        let (marks, origin) = match offset.private_to() {
            Some(hub) => (&mut self.private, usize::from(hub)),
            None => (&mut self.public, usize::from(offset.origin)),
        };
        if marks.len() <= origin {
            marks.resize(origin + 1, 0);
        }
        marks[origin] = marks[origin].max(offset.sequence);
    }

    /// Moves them to where `other` is further.
    pub(crate) fn advance_to(&mut self, other: &Self) {
        advance(&mut self.public, &other.public);
        advance(&mut self.private, &other.private);
    }
}

fn advance(marks: &mut Vec<u64>, to: &[u64]) {
    if marks.len() < to.len() {
        marks.resize(to.len(), 0);
    }
    for (own, other) in marks.iter_mut().zip(to) {
        *own = (*own).max(*other);
    }
}

/// What a connected socket's session is to those who may have to give it up.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The secret by which the client names it.
    pub(crate) pid: Arc<str>,
    /// Where the log was when it began on this hub.
    pub(crate) since: u64,
    /// What its client had seen last when it began here.
    pub(crate) base: Option<Offset>,
    /// What was sent again when it began here; `None` once that is too old to be asked for.
    pub(crate) prelude: Option<Prelude>,
    /// What was sent last: who has seen this has missed nothing, however long ago it was.
    pub(crate) sent: Option<Offset>,
    /// Where the log was when the socket began to go, or was first sent something that did not reach it: what comes from there on
    /// it has missed.
    pub(crate) until: Option<u64>,
    /// Of the log, this was in the prelude or had been received before.
    pub(crate) marks: Marks,
    /// When it was in which rooms, since it is connected.
    pub(crate) stays: Stays,
    /// It was taken up from an earlier socket.
    pub(crate) is_recovered: bool,
}

impl Session {
    /// A new one.
    pub(crate) fn new(pid: Arc<str>, since: u64) -> Self {
        let (prelude, marks) = (Some(Prelude::default()), Marks::default());
        Self {
            pid,
            since,
            base: None,
            prelude,
            sent: None,
            until: None,
            marks,
            stays: Stays::default(),
            is_recovered: false,
        }
    }
}

/// A session that is given up by one hub, to be taken up by another, or the same.
#[derive(Debug)]
pub struct Recovered {
    /// The secret by which the client names it.
    pub pid: Arc<str>,
    /// The socket's public id.
    pub id: Arc<str>,
    /// The rooms, less that of its own id.
    pub rooms: Vec<Arc<str>>,
    /// The offset that its client has seen last.
    pub(crate) last: Option<Offset>,
    /// The packets it has missed, as far as the old hub knows.
    pub(crate) missed: Prelude,
    /// How far the old hub had got.
    pub(crate) seen: Marks,
}

/// A session whose connection is lost.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) namespace: NamespaceId,
    pub(crate) id: Arc<str>,
    pub(crate) rooms: Vec<Arc<str>>,
    /// Where the log was when it was lost.
    pub(crate) at: u64,
    pub(crate) session: Session,
}

impl Lost {
    /// Whether it was in a room when the log was at this place.
    pub(crate) fn was_in(&self, room: &str, place: u64) -> bool {
        let is_in = || self.rooms.iter().any(|own| **own == *room);
        *self.id == *room || self.session.stays.include(room, place, is_in())
    }
}
