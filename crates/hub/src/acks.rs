//! Acknowledgements that a socket's client owes.

use std::collections::BTreeMap;

use crate::deadlines::DeadlineKey;

/// Names an awaited acknowledgement; the caller chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AckToken(pub u64);

/// What one socket owes. Holds no memory while that is nothing.
#[derive(Debug, Default)]
pub(crate) struct Acks(Option<Box<BTreeMap<u64, Awaited>>>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    pub(crate) token: AckToken,
    pub(crate) deadline: DeadlineKey,
}

impl Acks {
    pub(crate) fn insert(&mut self, id: u64, awaited: Awaited) {
        self.0.get_or_insert_default().insert(id, awaited);
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Awaited> {
        let table = self.0.as_mut()?;
        let awaited = table.remove(&id);
        if table.is_empty() {
            self.0 = None;
        }
        awaited
    }

    /// Everything that will never come, in the order it was asked for.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Awaited> + use<> {
        self.0.take().map(|table| *table).unwrap_or_default().into_values()
    }
}
