//! Who is meant.

use std::sync::Arc;

use crate::NamespaceId;

/// The recipients of a broadcast: the sockets in any of `rooms` (or everyone, if none is named), less those in any of
/// `except`. A socket's id is a room of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The namespace.
    pub namespace: NamespaceId,
    /// Union of these rooms; none means everyone in the namespace.
    pub rooms: Vec<Arc<str>>,
    /// Less the members of these.
    pub except: Vec<Arc<str>>,
}

impl Selector {
    /// Everyone in a namespace.
    pub const fn new(namespace: NamespaceId) -> Self {
        Self { namespace, rooms: Vec::new(), except: Vec::new() }
    }

    /// The members of this room, too.
    #[must_use]
    pub fn room(mut self, room: impl Into<Arc<str>>) -> Self {
        self.rooms.push(room.into());
        self
    }

    /// Not the members of this room.
    #[must_use]
    pub fn except(mut self, room: impl Into<Arc<str>>) -> Self {
        self.except.push(room.into());
        self
    }
}
