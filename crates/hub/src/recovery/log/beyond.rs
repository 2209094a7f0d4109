//! What a hub has delivered and another had not.

use std::sync::Arc;

use super::Log;
use crate::{
    Broadcast, NamespaceId,
    recovery::{Marks, Recovered},
};

impl Log {
    /// What this hub has delivered and the one that gave a session up had not.
    ///
    /// No packets for one socket alone: they are made only while that is connected here, and whoever gave its session up since has
    /// them.
    pub(super) fn beyond(
        &self,
        namespace: NamespaceId,
        recovered: &Recovered,
    ) -> impl Iterator<Item = &Arc<Broadcast>> {
        let is_in =
            |room: &str| *recovered.id == *room || recovered.rooms.iter().any(|own| **own == *room);
        self.entries
            .range(self.first_beyond(&recovered.seen)..)
            .filter(move |entry| {
                entry.offset.private_to().is_none()
                    && !recovered.seen.cover(entry.offset)
                    && entry.is_for(namespace, is_in)
            })
            .map(|entry| &entry.packet)
    }

    /// The first entry that another hub could know and that lies beyond these marks, or one before it. When many clients come back
    /// at once, it matters that this does not look at all that is kept.
    fn first_beyond(&self, seen: &Marks) -> usize {
        let mut ahead = self.seen.ahead_of(seen);
        let mut origins = ahead.iter().filter(|is_ahead| **is_ahead).count();
        let mut first = self.entries.len();
        while origins > 0 && first > 0 {
            first -= 1;
            let offset = self.entries[first].offset;
            if offset.private_to().is_some() {
                continue;
            }
            let origin = usize::from(offset.origin);
            // Sequences of one origin grow: there is nothing of it before this one that lies beyond.
            if offset.sequence <= seen.of(origin).saturating_add(1)
                && ahead.get_mut(origin).is_some_and(std::mem::take)
            {
                origins -= 1;
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;
    use siomio_packet::Payload;

    use super::{super::Entry, *};
    use crate::{Offset, Recovery, Selector, recovery::Prelude};

    const HUB: u16 = 1;
    const ROOMS: [&str; 3] = ["id", "a", "b"];

    /// What is recorded next: of which origin, how many of that it skips, and for whom.
    #[derive(Clone, Debug)]
    struct Next {
        origin: u16,
        skipped: u64,
        room: usize,
        namespace: u64,
    }

    fn next() -> impl Strategy<Value = Next> {
        let skipped = prop_oneof![4 => Just(0), 1 => 1..4u64];
        (0..5u16, skipped, 0..4usize, 0..2u64).prop_map(|(origin, skipped, room, namespace)| Next {
            origin,
            skipped,
            room,
            namespace,
        })
    }

    /// A log of one packet after another. The fourth origin makes packets for one socket.
    #[allow(clippy::disallowed_methods, reason = "time has to start somewhere")]
    fn log(max_bytes: usize, next: &[Next]) -> Log {
        let now = Instant::now();
        let mut log = Log::new(Recovery { max_bytes, ..Recovery::default() }, HUB);
        let mut sequences = [0; 5];
        for Next { origin, skipped, room, namespace } in next {
            let sequence = &mut sequences[usize::from(*origin)];
            *sequence += skipped + 1;
            let offset = match origin {
                4 => Offset::private(HUB, *sequence),
                _ => Offset { origin: *origin, sequence: *sequence },
            };
            let packet = Arc::new(Broadcast::new("/".into(), &Payload::new(), Some(offset)));
            let to =
                ROOMS.get(*room).map_or_else(Selector::all, |room| Selector::all().room(*room));
            log.record(now, NamespaceId::from_bits(*namespace), &to, &packet);
        }
        log
    }

    /// Marks at these sequences of the five origins.
    fn marks(sequences: [u64; 5]) -> Marks {
        let mut marks = Marks::default();
        for (origin, sequence) in (0..4).zip(sequences) {
            marks.set(Offset { origin, sequence });
        }
        marks.set(Offset::private(HUB, sequences[4]));
        marks
    }

    fn recovered(seen: Marks) -> Recovered {
        let (pid, id, rooms) = ("pid".into(), "id".into(), vec!["a".into()]);
        Recovered { pid, id, rooms, last: None, missed: Prelude::default(), seen }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn it_is_what_a_walk_through_the_whole_log_finds(
            next in proptest::collection::vec(next(), 0..60),
            seen in proptest::array::uniform5(0..20u64),
            max_bytes in prop_oneof![Just(usize::MAX), 0..6000usize],
        ) {
            let (log, session) = (log(max_bytes, &next), recovered(marks(seen)));
            let main = NamespaceId::from_bits(0);
            let is_missed = |entry: &&Entry| {
                !session.seen.cover(entry.offset)
                    && entry.offset.private_to().is_none()
                    && entry.is_for(main, |room| ["id", "a"].contains(&room))
            };
            let all = log.entries.iter().filter(is_missed).map(|entry| entry.offset);
            let found = log.beyond(main, &session).filter_map(|packet| packet.offset());
            prop_assert_eq!(found.collect::<Vec<_>>(), all.collect::<Vec<_>>());
        }
    }

    #[test]
    fn it_goes_no_further_back_than_it_has_to() {
        let one = |origin| Next { origin, skipped: 0, room: 3, namespace: 0 };
        let next: Vec<_> = (0..1000).map(|count| one([0, 1, 4][count % 3])).collect();
        let log = log(usize::MAX, &next);
        let first = |seen| log.first_beyond(&marks(seen));
        assert_eq!(first([334, 333, 0, 0, 0]), 1000, "it has seen everything that it could know");
        assert_eq!(first([400, 333, 9, 9, 0]), 1000, "and more");
        assert_eq!(first([334, 331, 0, 0, 0]), 3 * 331 + 1);
        assert_eq!(first([330, 331, 0, 0, 0]), 3 * 330);
        assert_eq!(first([334, 0, 0, 0, 0]), 1, "the first of an origin is enough");
    }
}
