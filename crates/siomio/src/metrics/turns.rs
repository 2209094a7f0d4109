//! How long the turns of an event loop take.

use std::time::Duration;

use super::count::Count;

/// How many bounds there are.
const BOUNDS: usize = 13;

const MICROS: [u64; BOUNDS] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000,
];

/// How long the turns of an event loop took. A turn lasts from the moment the loop wakes until everything that came of that is
/// done and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnMetrics {
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub total: Duration,
    /// The last one; of several shards, the longest of these.
    pub last: Duration,
    /// The longest since the start.
    pub longest: Duration,
    /// How many fell behind each of the [bounds](Self::BOUNDS) and not behind the next: the first number counts the turns up to
    /// the first bound, the last one those beyond the last.
    pub buckets: [u64; BOUNDS + 1],
}

impl TurnMetrics {
    /// Upper bounds of the buckets, themselves included: 100 µs to 1 s. The last bucket has none.
    pub const BOUNDS: [Duration; BOUNDS] = {
        let (mut bounds, mut place) = ([Duration::ZERO; BOUNDS], 0);
        while place < BOUNDS {
            bounds[place] = Duration::from_micros(MICROS[place]);
            place += 1;
        }
        bounds
    };

    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.total = self.total.saturating_add(other.total);
        self.last = self.last.max(other.last);
        self.longest = self.longest.max(other.longest);
        for (own, other) in self.buckets.iter_mut().zip(other.buckets) {
            *own += other;
        }
    }
}

/// The same while it is counted, in nanoseconds. The buckets make up the number of turns.
#[derive(Debug, Default)]
pub(crate) struct TurnCounts {
    total: Count,
    last: Count,
    longest: Count,
    buckets: [Count; BOUNDS + 1],
}

impl TurnCounts {
    /// A turn has ended.
    pub(crate) fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = MICROS.iter().position(|bound| nanos <= bound * 1000).unwrap_or(BOUNDS);
        self.buckets[place].add(1);
        self.total.add(nanos);
        self.last.set(nanos);
        self.longest.raise(nanos);
    }

    pub(super) fn read(&self) -> TurnMetrics {
        let buckets: [u64; BOUNDS + 1] = std::array::from_fn(|place| self.buckets[place].get());
        TurnMetrics {
            count: buckets.iter().sum(),
            total: Duration::from_nanos(self.total.get()),
            last: Duration::from_nanos(self.last.get()),
            longest: Duration::from_nanos(self.longest.get()),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_counted_in_the_first_bucket_that_holds_it() {
        for (micros, place) in
            [(0, 0), (100, 0), (101, 1), (1_000, 3), (1_000_000, 12), (1_000_001, 13)]
        {
            let counts = TurnCounts::default();
            counts.record(Duration::from_micros(micros));
            let turns = counts.read();
            assert_eq!(
                turns.buckets.iter().position(|count| *count == 1),
                Some(place),
                "{micros} µs"
            );
            assert_eq!((turns.count, turns.last), (1, Duration::from_micros(micros)));
        }
    }

    #[test]
    fn the_turns_of_several_shards_add_up() {
        let (one, other) = (TurnCounts::default(), TurnCounts::default());
        [3, 9, 5].into_iter().for_each(|millis| one.record(Duration::from_millis(millis)));
        other.record(Duration::from_millis(7));
        let mut turns = one.read();
        turns.add(&other.read());
        let millis = Duration::from_millis;
        assert_eq!((turns.count, turns.total), (4, millis(24)));
        assert_eq!((turns.last, turns.longest), (millis(7), millis(9)));
    }
}
