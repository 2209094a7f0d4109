//! The timer wheel of heartbeats and other coarse deadlines.

use std::time::{Duration, Instant};

/// A hashed timer wheel: inserting and expiring cost O(1) however many timers there are. It is late by up to
/// one tick (16 ms), and never early.
///
/// Timers cannot be taken back. Whoever sets one checks on expiry whether there still is something to do, and a
/// deadline that only ever moves later costs nothing until then.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    origin: Instant,
    /// Ticks since the origin that have been worked off.
    current: u64,
    slots: Vec<Vec<Timer<T>>>,
    /// A bit for each slot that is not empty.
    occupied: [u64; SLOTS / 64],
}

#[derive(Debug)]
struct Timer<T> {
    tick: u64,
    what: T,
}

const TICK: Duration = Duration::from_millis(16);
const SLOTS: usize = 1024;

impl<T> Wheel<T> {
    pub(crate) fn new(origin: Instant) -> Self {
        let slots = std::iter::repeat_with(Vec::new).take(SLOTS).collect();
        Self { origin, current: 0, slots, occupied: [0; SLOTS / 64] }
    }

    pub(crate) fn insert(&mut self, at: Instant, what: T) {
        let since = at.saturating_duration_since(self.origin);
        let tick = since.as_nanos().div_ceil(TICK.as_nanos()) as u64;
        self.place(Timer { tick: tick.max(self.current + 1), what });
    }

    /// Appends what is due.
    pub(crate) fn expire(&mut self, now: Instant, due: &mut Vec<T>) {
        let until =
            (now.saturating_duration_since(self.origin).as_nanos() / TICK.as_nanos()) as u64;
        // After one round every slot has been seen.
        let from = self.current.max(until.saturating_sub(SLOTS as u64));
        self.current = until.max(self.current);
        for tick in from + 1..=until {
            let slot = tick as usize % SLOTS;
            if self.occupied[slot / 64] & (1 << (slot % 64)) == 0 {
                continue;
            }
            self.occupied[slot / 64] &= !(1 << (slot % 64));
            for timer in std::mem::take(&mut self.slots[slot]) {
                if timer.tick <= until {
                    due.push(timer.what);
                } else {
                    self.place(timer);
                }
            }
        }
    }

    /// When [`expire`](Self::expire) is to be called next; it may find nothing.
    pub(crate) fn next(&self) -> Option<Instant> {
        let start = (self.current as usize + 1) % SLOTS;
        let ahead = (0..=SLOTS / 64).find_map(|step| {
            let word = (start / 64 + step) % (SLOTS / 64);
            let mut bits = self.occupied[word];
            if step == 0 {
                bits &= u64::MAX << (start % 64);
            }
            (bits != 0).then(|| {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                (slot + SLOTS - start) % SLOTS
            })
        })?;
        let nanos = TICK.as_nanos() as u64 * (self.current + 1 + ahead as u64);
        Some(self.origin + Duration::from_nanos(nanos))
    }

    fn place(&mut self, timer: Timer<T>) {
        // What lies beyond the horizon waits in the last slot and is placed again from there.
        let slot = timer.tick.min(self.current + SLOTS as u64 - 1) as usize % SLOTS;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.slots[slot].push(timer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(deadlines: &[u64], step: u64, until: u64) -> Vec<(u64, u64)> {
        let origin = Instant::now();
        let at = |millis| origin + Duration::from_millis(millis);
        let mut wheel = Wheel::new(origin);
        for deadline in deadlines {
            wheel.insert(at(*deadline), *deadline);
        }
        let (mut fired, mut due) = (Vec::new(), Vec::new());
        for now in (0..=until).step_by(step as usize) {
            if let Some(next) = wheel.next() {
                assert!(next > at(now.saturating_sub(step)), "the next expiry lies in the past");
            }
            wheel.expire(at(now), &mut due);
            fired.extend(due.drain(..).map(|deadline| (deadline, now)));
        }
        fired
    }

    #[test]
    fn is_never_early_and_at_most_a_tick_late() {
        let deadlines =
            [0, 1, 15, 16, 17, 100, 1000, 16_383, 16_384, 16_400, 20_000, 45_000, 100_000];
        let fired = run(&deadlines, 1, 101_000);
        assert_eq!(fired.len(), deadlines.len());
        for (deadline, now) in fired {
            assert!(now >= deadline && now <= deadline + 17, "{deadline} fired at {now}");
        }
    }

    #[test]
    fn a_long_sleep_misses_nothing() {
        let fired = run(&[5, 10_000, 30_000, 59_000], 60_000, 60_000);
        assert_eq!(fired.len(), 4);
    }

    #[test]
    fn the_next_expiry_is_known() {
        let origin = Instant::now();
        let mut wheel = Wheel::new(origin);
        assert_eq!(wheel.next(), None);
        wheel.insert(origin + Duration::from_millis(100), ());
        assert_eq!(wheel.next(), Some(origin + Duration::from_millis(112)));
        wheel.expire(origin + Duration::from_millis(111), &mut Vec::new());
        assert_eq!(wheel.next(), Some(origin + Duration::from_millis(112)));
        let mut due = Vec::new();
        wheel.expire(origin + Duration::from_millis(112), &mut due);
        assert_eq!(due.len(), 1);
        assert_eq!(wheel.next(), None);
    }
}
