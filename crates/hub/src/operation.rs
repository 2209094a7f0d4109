//! What one hub asks of the others.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::Selector;

/// Something to be done to sockets wherever they live: on this hub, on those of other shards, on other nodes. The
/// operations are the same for all of them; only how they travel differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Send an event.
    Broadcast {
        /// To whom.
        to: Selector,
        /// What.
        packet: Arc<Broadcast>,
    },
    /// Join rooms.
    Join {
        /// Who.
        who: Selector,
        /// The rooms.
        rooms: Vec<Arc<str>>,
    },
    /// Leave rooms.
    Leave {
        /// Who.
        who: Selector,
        /// The rooms.
        rooms: Vec<Arc<str>>,
    },
    /// Disconnect.
    Disconnect {
        /// Whom.
        who: Selector,
        /// Close the connections as well.
        close: bool,
    },
}

/// An event for many: encoded once, shared by reference.
#[derive(Debug)]
pub struct Broadcast {
    /// The packet's text, head and payload: valid UTF-8.
    pub text: Bytes,
    /// What goes behind it.
    pub attachments: Vec<Bytes>,
    /// The packet in the form that the WebSocket transport writes; filled by the first who needs it.
    pub framed: OnceLock<Bytes>,
}

impl Broadcast {
    /// A packet that has not been framed yet.
    pub const fn new(text: Bytes, attachments: Vec<Bytes>) -> Self {
        Self { text, attachments, framed: OnceLock::new() }
    }
}
