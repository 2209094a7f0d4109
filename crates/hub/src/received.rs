//! What a message from a client means.

use std::fmt;

use siomio_packet::{Data, DecodeError};

use crate::{Awaiter, NamespaceId, SocketKey};

/// What a message from a client means. Borrows the message, never the hub.
#[derive(Debug)]
pub enum Received<'m> {
    /// Nothing to do: part of a packet, an answer nobody waits for, or a packet that crossed our disconnect.
    Nothing,
    /// The client asks to join a namespace. Go on with [`Hub::begin_connect`](crate::Hub::begin_connect).
    Connect {
        /// The namespace.
        namespace: NamespaceId,
        /// What came along: an object, or nothing.
        auth: Data<'m>,
    },
    /// The client asked for a namespace that does not exist: refuse in its name, or make it. See
    /// [`Hub::begin_lookup`](crate::Hub::begin_lookup) if that takes time.
    UnknownNamespace {
        /// The name it gave.
        name: String,
        /// What came along: an object, or nothing.
        auth: Data<'m>,
    },
    /// An event.
    Event {
        /// The socket it is for.
        socket: SocketKey,
        /// The number under which the client wants it acknowledged.
        id: Option<u64>,
        /// Name and arguments.
        data: Data<'m>,
    },
    /// The answer to something that was sent with [`Hub::expect_ack`](crate::Hub::expect_ack).
    Ack {
        /// The socket that answered.
        socket: SocketKey,
        /// Who waits for it.
        by: Awaiter,
        /// The arguments.
        data: Data<'m>,
    },
    /// The client leaves a namespace. Go on with [`Hub::begin_disconnect`](crate::Hub::begin_disconnect).
    Disconnect {
        /// The socket that is to go.
        socket: SocketKey,
    },
}

/// The client broke a rule: its connection is to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// What it sent is not a packet.
    Decode(DecodeError),
    /// It sent to a namespace that it has not joined.
    NotConnected,
    /// It asked twice for the same namespace.
    ConnectedTwice,
    /// It sent a packet that only servers send.
    UnexpectedKind,
    /// It has to do with more namespaces than it may.
    TooManyNamespaces,
}

impl From<DecodeError> for Violation {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => write!(f, "the client sent an invalid packet: {error}"),
            Self::NotConnected => f.write_str("the client sent to a namespace it has not joined"),
            Self::ConnectedTwice => f.write_str("the client asked twice for the same namespace"),
            Self::UnexpectedKind => f.write_str("the client sent a packet that only servers send"),
            Self::TooManyNamespaces => f.write_str("the client asked for too many namespaces"),
        }
    }
}

impl std::error::Error for Violation {}
