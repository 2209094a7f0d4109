//! Public ids.

use std::{fmt, ops::Deref, sync::Arc};

use serde::{Serialize, Serializer};

/// The public id of a socket: text that may be shown to everybody, and the name of a room that only this socket is in.
///
/// It is different in every namespace and after every reconnection, and has nothing to do with the session's secret id; only
/// clients of Socket.IO 1 and 2 insist that it is [made of it](crate::ServerBuilder::allow_eio3).
///
/// It dereferences to `str`, and can be emitted and used as a room.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::Socket;
///
/// server.on("whisper", |socket: &Socket, to: String, text: String| {
///     socket.to(to).emit("whisper", (socket.id(), text));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(Arc<str>);

impl SocketId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for SocketId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Arc<str>> for SocketId {
    fn from(id: Arc<str>) -> Self {
        Self(id)
    }
}

impl From<SocketId> for Arc<str> {
    fn from(id: SocketId) -> Self {
        id.0
    }
}

impl From<&SocketId> for Arc<str> {
    fn from(id: &SocketId) -> Self {
        id.0.clone()
    }
}

impl PartialEq<str> for SocketId {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for SocketId {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl Serialize for SocketId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
