//! What could be asked for again.

mod beyond;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Broadcast, NamespaceId, Offset, Recovery, Selector,
    recovery::{Lost, Marks, Prelude, Recovered, Session, Stays},
};

/// The packets that the sockets of one hub could receive, in the order of delivery: bounded by age and by bytes.
#[derive(Debug)]
pub(crate) struct Log {
    config: Recovery,
    origin: u16,
    /// Of the last packet that was made here for many, and of the last for one.
    sequence: u64,
    private: u64,
    seen: Marks,
    /// Of what is kept no longer.
    trimmed: Marks,
    entries: VecDeque<Entry>,
    /// How many were kept before these.
    first: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    offset: Offset,
    namespace: NamespaceId,
    to: Selector,
    packet: Arc<Broadcast>,
}

impl Log {
    pub(crate) fn new(config: Recovery, origin: u16) -> Self {
        let (seen, trimmed) = (Marks::default(), Marks::default());
        let entries = VecDeque::new();
        Self { config, origin, sequence: 0, private: 0, seen, trimmed, entries, first: 0, bytes: 0 }
    }

    /// A name for a packet that is made here.
    pub(crate) fn next_offset(&mut self) -> Offset {
        self.sequence += 1;
        Offset { origin: self.origin, sequence: self.sequence }
    }

    /// A name for a packet that is made here, for a socket of this hub alone.
    pub(crate) fn next_private_offset(&mut self) -> Offset {
        self.private += 1;
        Offset::private(self.origin, self.private)
    }

    /// Where the log is: what is recorded from now on has this place or one behind it.
    pub(crate) fn place(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The place of the first packet that is still known.
    pub(crate) const fn begins(&self) -> u64 {
        self.first
    }

    /// How old a packet may become.
    pub(crate) const fn max_age(&self) -> Duration {
        self.config.max_disconnection
    }

    pub(crate) const fn seen(&self) -> &Marks {
        &self.seen
    }

    pub(crate) fn record(
        &mut self,
        now: Instant,
        namespace: NamespaceId,
        to: &Selector,
        packet: &Arc<Broadcast>,
    ) {
        let Some(offset) = packet.offset() else { return };
        self.seen.set(offset);
        self.bytes += cost(packet);
        let (to, packet) = (to.clone(), packet.clone());
        self.entries.push_back(Entry { at: now, offset, namespace, to, packet });
        while let Some(oldest) = self.entries.front() {
            let is_old = now.saturating_duration_since(oldest.at) > self.config.max_disconnection;
            if !is_old && self.bytes <= self.config.max_bytes {
                break;
            }
            self.trimmed.set(oldest.offset);
            self.bytes -= cost(&oldest.packet);
            self.first += 1;
            self.entries.pop_front();
        }
    }

    /// What a lost session has missed after the last offset that its client saw; `None` if that is not known any more, neither what was
    /// said nor in which rooms it was, or is too much.
    /// Without an offset, the client has seen nothing.
    pub(crate) fn give_up(
        &self,
        now: Instant,
        lost: Lost,
        last: Option<Offset>,
    ) -> Option<Recovered> {
        let (mut missed, from) = self.missed_from(now, &lost, last)?;
        if self.first + (from as u64) < lost.session.stays.known_from() {
            return None;
        }
        let own = (self.first..).zip(&self.entries).skip(from).filter(|(place, entry)| {
            entry.is_for(lost.namespace, |room| lost.was_in(room, *place))
                && !lost.session.marks.cover(entry.offset)
        });
        missed.add(own.map(|(_, entry)| entry.packet.clone()));
        // Of the log it never is, but what was sent again before comes on top.
        let bytes: usize = missed.packets().iter().map(|packet| cost(packet)).sum();
        if bytes > self.config.max_bytes {
            return None;
        }
        let Lost { id, rooms, session, .. } = lost;
        // The session may have been on a hub that had seen more than this one has by now.
        let mut seen = session.marks;
        seen.advance_to(&self.seen);
        Some(Recovered { pid: session.pid, id, rooms, last, missed, seen })
    }

    /// What a client that has seen this last has missed of what was sent again before, and the entry that is next.
    fn missed_from(
        &self,
        now: Instant,
        lost: &Lost,
        last: Option<Offset>,
    ) -> Option<(Prelude, usize)> {
        let session = &lost.session;
        if last == session.sent {
            return Some((Prelude::default(), self.entry_at(lost.at)?));
        }
        // Of a session that is lost, it is not forgotten in time.
        let is_known =
            |it: &&Prelude| it.until(self.config.max_disconnection).is_none_or(|until| until > now);
        let prelude = session.prelude.as_ref().filter(is_known);
        if let Some(rest) = prelude.and_then(|prelude| prelude.after(last, session.base)) {
            return Some((rest, self.entry_at(session.since)?));
        }
        let begins = session.since.saturating_sub(self.first) as usize;
        let mut own = self.entries.iter().skip(begins).rev();
        let behind = own.position(|entry| Some(entry.offset) == last)?;
        Some((Prelude::default(), self.entries.len() - behind))
    }

    /// The entry that has this place, or would have it; `None` if it is kept no longer.
    fn entry_at(&self, place: u64) -> Option<usize> {
        usize::try_from(place.checked_sub(self.first)?).ok()
    }

    /// Whether everything is still here that a hub has not seen that had got so far.
    pub(crate) fn reaches_back_to(&self, seen: &Marks) -> bool {
        seen.include(&self.trimmed)
    }

    /// Makes a session that another hub, or this one, has given up one of this hub's, from this place of the log on.
    pub(crate) fn take_up(
        &self,
        now: Instant,
        namespace: NamespaceId,
        mut recovered: Recovered,
    ) -> Session {
        let mut prelude = std::mem::take(&mut recovered.missed);
        prelude.add(self.beyond(namespace, &recovered).cloned());
        prelude.send(now);
        let Recovered { pid, last: base, seen: marks, .. } = recovered;
        let sent = prelude.packets().last().map_or(base, |packet| packet.offset());
        let (since, prelude) = (self.place(), Some(prelude));
        let (stays, is_recovered) = (Stays::default(), true);
        Session { pid, since, base, prelude, sent, until: None, marks, stays, is_recovered }
    }
}

impl Entry {
    fn is_for(&self, namespace: NamespaceId, is_in: impl Fn(&str) -> bool) -> bool {
        self.namespace == namespace && self.to.means(is_in)
    }
}

/// What an entry adds to memory, about.
fn cost(packet: &Broadcast) -> usize {
    packet.size() + size_of::<Entry>() + 64
}
