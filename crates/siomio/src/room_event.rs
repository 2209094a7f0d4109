//! What happens to rooms.

use std::sync::Arc;

use crate::{Namespace, SocketId};

/// Something that has happened to a room; see [`Namespace::on_room_event`].
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::RoomEvent;
///
/// server.on_room_event(|event| match event {
///     RoomEvent::Created { .. } | RoomEvent::Deleted { .. } => println!("{}", event.room()),
///     RoomEvent::Joined { room, id, .. } => println!("{id} joins {room}"),
///     RoomEvent::Left { room, id, .. } => println!("{id} leaves {room}"),
///     _ => {}
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Somebody is about to join a room that nobody was in.
    Created {
        /// Where.
        namespace: Namespace,
        /// The room.
        room: Arc<str>,
    },
    /// A socket has joined.
    Joined {
        /// Where.
        namespace: Namespace,
        /// The room.
        room: Arc<str>,
        /// Who.
        id: SocketId,
    },
    /// A socket has left, or is gone.
    Left {
        /// Where.
        namespace: Namespace,
        /// The room.
        room: Arc<str>,
        /// Who.
        id: SocketId,
    },
    /// The last one has left.
    Deleted {
        /// Where.
        namespace: Namespace,
        /// The room.
        room: Arc<str>,
    },
}

impl RoomEvent {
    /// The room.
    pub const fn room(&self) -> &Arc<str> {
        match self {
            Self::Created { room, .. }
            | Self::Joined { room, .. }
            | Self::Left { room, .. }
            | Self::Deleted { room, .. } => room,
        }
    }

    /// The namespace.
    pub const fn namespace(&self) -> &Namespace {
        match self {
            Self::Created { namespace, .. }
            | Self::Joined { namespace, .. }
            | Self::Left { namespace, .. }
            | Self::Deleted { namespace, .. } => namespace,
        }
    }
}
