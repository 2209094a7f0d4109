//! What was sent again, and may have to be once more.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Broadcast, Offset};

/// What is sent to a client when it comes back, in order. If the client does not see it, it asks for it again; but all of it is as
/// old as the oldest, so that however often it asks, it is not kept for ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prelude {
    packets: Vec<Arc<Broadcast>>,
    /// When the oldest was first sent again, if it was.
    since: Option<Instant>,
}

impl Prelude {
    pub(crate) fn packets(&self) -> &[Arc<Broadcast>] {
        &self.packets
    }

    pub(crate) fn add(&mut self, packets: impl Iterator<Item = Arc<Broadcast>>) {
        self.packets.extend(packets);
    }

    /// It is sent now, maybe not for the first time.
    pub(crate) fn send(&mut self, now: Instant) {
        if !self.packets.is_empty() {
            self.since.get_or_insert(now);
        }
    }

    /// When it is too old to be asked for. Nothing never is.
    pub(crate) fn until(&self, max_age: Duration) -> Option<Instant> {
        self.since.map(|since| since + max_age)
    }

    /// What is left of it for a client that has seen this last, and this when it was sent; `None` if it has seen something else.
    pub(crate) fn after(&self, last: Option<Offset>, base: Option<Offset>) -> Option<Self> {
        let seen = self.packets.iter().position(|packet| packet.offset() == last);
        let from = seen.map(|seen| seen + 1).or_else(|| (last == base).then_some(0))?;
        let packets = self.packets[from..].to_vec();
        // What comes after the last of it has not been sent again yet.
        let since = self.since.filter(|_| !packets.is_empty());
        Some(Self { packets, since })
    }
}
