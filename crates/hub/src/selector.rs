//! Who is meant.

use std::sync::Arc;

/// The recipients of a broadcast in a namespace: the sockets in any of `rooms` (or everyone, if none is named), less those
/// in any of `except`. A socket's id is a room of its own.
///
/// ```
/// use siomio_hub::Selector;
///
/// let to = Selector::all().room("lobby").room("hall").except("muted");
/// assert_eq!((to.rooms.len(), to.except.len()), (2, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Union of these rooms; none means everyone in the namespace.
    pub rooms: Vec<Arc<str>>,
    /// Less the members of these.
    pub except: Vec<Arc<str>>,
}

impl Selector {
    /// Everyone.
    pub const fn all() -> Self {
        Self { rooms: Vec::new(), except: Vec::new() }
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

    /// Whether somebody in these rooms is meant. `rooms` is asked whether it has a name.
    pub(crate) fn means(&self, is_in: impl Fn(&str) -> bool) -> bool {
        (self.rooms.is_empty() || self.rooms.iter().any(|room| is_in(room)))
            && !self.except.iter().any(|room| is_in(room))
    }
}
