//! What the hub waits for, in the order of time.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use crate::{AckToken, ClientKey, NamespaceId, Outcome, RequestId, SocketKey};

/// A deadline, for taking it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeadlineKey {
    at: Instant,
    /// Keeps equal instants apart, in the order they were set.
    serial: u64,
}

/// What is over.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Due {
    /// An acknowledgement did not come.
    Ack(AckToken),
    /// A connection has joined no namespace: close it. The number is the tag it was opened with.
    Connect(u64),
    /// A request was not answered by all: what there is.
    Request(Outcome),
    /// The application has not decided about a socket that connects: refuse it.
    Decision(SocketKey),
    /// A lost session was not taken up again. The text is its private id.
    Session(Arc<str>),
}

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    queue: BTreeMap<DeadlineKey, Waiting>,
    serial: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    Ack {
        socket: SocketKey,
        id: u64,
    },
    Connect {
        client: ClientKey,
    },
    Gathering {
        request: RequestId,
        namespace: NamespaceId,
    },
    Request(RequestId),
    Decision {
        socket: SocketKey,
    },
    /// A lost session may be too old.
    Sessions,
    /// What was sent again to a socket need not be known any longer.
    Prelude {
        socket: SocketKey,
    },
}

impl Deadlines {
    pub(crate) fn set(&mut self, at: Instant, waiting: Waiting) -> DeadlineKey {
        self.serial += 1;
        let key = DeadlineKey { at, serial: self.serial };
        self.queue.insert(key, waiting);
        key
    }

    pub(crate) fn clear(&mut self, key: DeadlineKey) {
        self.queue.remove(&key);
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(key, _)| key.at)
    }

    pub(crate) fn pop(&mut self, now: Instant) -> Option<Waiting> {
        let entry = self.queue.first_entry()?;
        (entry.key().at <= now).then(|| entry.remove())
    }
}
