//! Acknowledgements that a socket's client owes.

use std::collections::BTreeMap;

use crate::{RequestId, deadlines::DeadlineKey};

/// Names something that somebody waits for; the caller chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AckToken(pub u64);

/// Who waits for an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaiter {
    /// Whoever sent the event to this socket alone.
    One(AckToken),
    /// Whoever sent it to many.
    Gathering(RequestId),
}

/// What one socket owes, in the order it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Acks(BTreeMap<u64, Awaited>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    pub(crate) by: Awaiter,
    /// Those of a gathering have one deadline together.
    pub(crate) deadline: Option<DeadlineKey>,
}

impl Acks {
    pub(crate) fn insert(&mut self, id: u64, awaited: Awaited) {
        self.0.insert(id, awaited);
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Awaited> {
        self.0.remove(&id)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that will never come.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Awaited> + use<> {
        std::mem::take(&mut self.0).into_values()
    }
}
