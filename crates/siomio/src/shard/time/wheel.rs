//! The timer wheel of heartbeats and other coarse deadlines.

use std::{
    num::NonZeroU64,
    time::{Duration, Instant},
};

/// A hashed timer wheel: inserting and expiring cost O(1) however many timers there are. It is late by up to
/// one tick (16 ms), and never early.
///
/// Whoever sets a timer checks on expiry whether there still is something to do, and a deadline that only ever moves later costs nothing
/// until then.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    origin: Instant,
    /// Ticks since the origin that have been worked off.
    current: u64,
    slots: Vec<Vec<Timer<T>>>,
    /// A bit for each slot that is not empty.
    occupied: [u64; SLOTS / 64],
}

/// A moment as a wheel counts it: not before what it was made of, and not much later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(NonZeroU64);

#[derive(Debug)]
struct Timer<T> {
    tick: Tick,
    what: T,
}

const TICK: Duration = Duration::from_millis(16);
/// Two minutes, and a little: heartbeats and most limits are within one round.
const SLOTS: usize = 8192;

impl<T> Wheel<T> {
    pub(crate) fn new(origin: Instant) -> Self {
        let slots = std::iter::repeat_with(Vec::new).take(SLOTS).collect();
        Self { origin, current: 0, slots, occupied: [0; SLOTS / 64] }
    }

    /// The tick at which a timer for this moment expires.
    pub(crate) fn tick(&self, at: Instant) -> Tick {
        let since = at.saturating_duration_since(self.origin);
        let tick = since.as_nanos().div_ceil(TICK.as_nanos()) as u64;
        Tick(NonZeroU64::MIN.saturating_add(tick.max(self.current + 1) - 1))
    }

    pub(crate) fn insert(&mut self, tick: Tick, what: T) {
        self.place(Timer { tick, what });
    }

    /// Takes a timer back, if it was set for less than a round ahead; otherwise it expires in vain.
    pub(crate) fn remove(&mut self, tick: Tick, is_it: impl Fn(&T) -> bool) {
        if tick.0.get() - self.current.min(tick.0.get()) >= SLOTS as u64 {
            return;
        }
        let number = tick.0.get() as usize % SLOTS;
        let slot = &mut self.slots[number];
        let place = slot.iter().rposition(|timer| timer.tick == tick && is_it(&timer.what));
        let Some(place) = place else { return };
        slot.swap_remove(place);
        if slot.is_empty() {
            // Its memory must not wait until its time has come.
            *slot = Vec::new();
            self.occupied[number / 64] &= !(1 << (number % 64));
        }
    }

    /// Appends what is due.
    pub(crate) fn expire(&mut self, now: Instant, due: &mut Vec<(Tick, T)>) {
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
                if timer.tick.0.get() <= until {
                    due.push((timer.tick, timer.what));
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
        let slot = timer.tick.0.get().min(self.current + SLOTS as u64 - 1) as usize % SLOTS;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.slots[slot].push(timer);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn run(deadlines: &[u64], step: u64, until: u64) -> Vec<(u64, u64)> {
        let origin = Instant::now();
        let at = |millis| origin + Duration::from_millis(millis);
        let mut wheel = Wheel::new(origin);
        for deadline in deadlines {
            wheel.insert(wheel.tick(at(*deadline)), *deadline);
        }
        let (mut fired, mut due) = (Vec::new(), Vec::new());
        for now in (0..=until).step_by(step as usize) {
            if let Some(next) = wheel.next() {
                assert!(next > at(now.saturating_sub(step)), "the next expiry lies in the past");
            }
            wheel.expire(at(now), &mut due);
            fired.extend(due.drain(..).map(|(_, deadline)| (deadline, now)));
        }
        fired
    }

    #[test]
    fn is_never_early_and_at_most_a_tick_late() {
        let deadlines = [
            0, 1, 15, 16, 17, 100, 1000, 16_383, 16_384, 131_055, 131_072, 131_100, 150_000,
            300_000,
        ];
        let fired = run(&deadlines, 1, 301_000);
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
    fn what_is_taken_back_does_not_expire() {
        let origin = Instant::now();
        let at = |millis| origin + Duration::from_millis(millis);
        let mut wheel = Wheel::new(origin);
        for number in 0..10 {
            wheel.insert(wheel.tick(at(100 + number % 2)), number);
        }
        let tick = wheel.tick(at(100));
        wheel.remove(tick, |number| *number == 4);
        wheel.remove(tick, |number| *number == 40);
        // Too far away to be found.
        let far = wheel.tick(at(10_000_000));
        wheel.insert(far, 77);
        wheel.remove(far, |number| *number == 77);
        let mut due = Vec::new();
        wheel.expire(at(1_000), &mut due);
        let mut left: Vec<_> = due.into_iter().map(|(_, number)| number).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn the_next_expiry_is_known() {
        let origin = Instant::now();
        let mut wheel = Wheel::new(origin);
        assert_eq!(wheel.next(), None);
        wheel.insert(wheel.tick(origin + Duration::from_millis(100)), ());
        assert_eq!(wheel.next(), Some(origin + Duration::from_millis(112)));
        wheel.expire(origin + Duration::from_millis(111), &mut Vec::new());
        assert_eq!(wheel.next(), Some(origin + Duration::from_millis(112)));
        let mut due = Vec::new();
        wheel.expire(origin + Duration::from_millis(112), &mut due);
        assert_eq!(due.len(), 1);
        assert_eq!(wheel.next(), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Set { delay: u64 },
        TakeBack { pick: usize },
        Pass { time: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        let time = prop_oneof![4 => 0..40u64, 2 => 0..3000u64, 1 => 0..400_000u64];
        prop_oneof![
            4 => time.clone().prop_map(|delay| Step::Set { delay }),
            1 => any::<usize>().prop_map(|pick| Step::TakeBack { pick }),
            3 => time.prop_map(|time| Step::Pass { time }),
        ]
    }

    proptest! {
        #[test]
        fn fires_what_a_list_of_deadlines_would_and_when(steps in prop::collection::vec(step(), 0..80)) {
            const LATE: u64 = 16;
            let origin = Instant::now();
            let at = |millis| origin + Duration::from_millis(millis);
            let (mut wheel, mut now, mut due) = (Wheel::new(origin), 0, Vec::new());
            let (mut set, mut far) = (BTreeMap::new(), BTreeSet::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Set { delay } => {
                        let tick = wheel.tick(at(now + delay));
                        wheel.insert(tick, number);
                        set.insert(number, (now + delay, tick));
                        // A round is a little more than two minutes.
                        if delay > 120_000 {
                            far.insert(number);
                        }
                    }
                    Step::TakeBack { pick } => {
                        let Some(place) = pick.checked_rem(set.len()) else { continue };
                        let (&number, &(deadline, tick)) = set.iter().nth(place).unwrap();
                        set.remove(&number);
                        wheel.remove(tick, |own| *own == number);
                        prop_assert!(deadline + LATE > now, "it would be gone already");
                    }
                    Step::Pass { time } => {
                        now += time;
                        wheel.expire(at(now), &mut due);
                        for (tick, number) in due.drain(..) {
                            let Some((deadline, own)) = set.remove(&number) else {
                                // It was taken back, but was too far away to be found.
                                prop_assert!(far.remove(&number), "{number} fires again");
                                continue;
                            };
                            prop_assert!(deadline <= now && own == tick, "{deadline} is early at {now}");
                        }
                    }
                }
                let first = set.values().map(|(deadline, _)| *deadline).min();
                prop_assert!(first.is_none_or(|first| first + LATE > now), "{first:?} is forgotten at {now}");
                let next = wheel.next();
                if let Some(first) = first {
                    prop_assert!(next.is_some_and(|next| next <= at(first.max(now) + 2 * LATE)), "nobody would look");
                }
                prop_assert!(next.is_none_or(|next| next > at(now)), "the loop would spin");
            }
        }
    }
}
