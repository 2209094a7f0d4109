//! The application's timers.

use std::{
    collections::BTreeMap,
    fmt,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::shard::{local::Local, time::owner::Owner};

/// Timers in the order of their time: as exact as the loop that asks for them, and periodic ones do not drift.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<TimerKey, Timer>,
    serial: u64,
}

/// Names a timer, in the order of expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    at: Instant,
    serial: u64,
}

pub(crate) struct Timer {
    pub(crate) owner: Owner,
    /// Its number among all timers of the shard, which stays when it is set again.
    pub(crate) serial: u64,
    pub(crate) work: Work,
}

/// The closure finds its owner itself.
pub(crate) enum Work {
    Once(Box<RunOnce>),
    Every(Duration, Rc<RunAgain>),
}

type RunOnce = dyn FnOnce(&Rc<Local>);
type RunAgain = dyn Fn(&Rc<Local>);

impl Timers {
    pub(crate) fn insert(&mut self, at: Instant, timer: Timer) -> TimerKey {
        self.serial += 1;
        let key = TimerKey { at, serial: self.serial };
        self.queue.insert(key, timer);
        key
    }

    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Timer> {
        self.queue.remove(&key)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(key, _)| key.at)
    }

    /// Takes the next timer that is due.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(TimerKey, Timer)> {
        let entry = self.queue.first_entry()?;
        (entry.key().at <= now).then(|| entry.remove_entry())
    }

    /// Sets a periodic timer again, on the beat of its first setting: beats that were missed are skipped.
    pub(crate) fn repeat(
        &mut self,
        key: TimerKey,
        now: Instant,
        period: Duration,
        timer: Timer,
    ) -> TimerKey {
        let missed = now.saturating_duration_since(key.at).as_nanos() / period.as_nanos().max(1);
        let beats = u32::try_from(missed).unwrap_or(u32::MAX - 1) + 1;
        self.insert(key.at + period * beats, timer)
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("owner", &self.owner).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use siomio_hub::SocketKey;

    use super::*;

    fn timer(period: Duration) -> Timer {
        Timer {
            owner: Owner::Socket(SocketKey::from_bits(0)),
            serial: 0,
            work: Work::Every(period, Rc::new(|_| {})),
        }
    }

    #[test]
    fn periodic_timers_keep_their_beat_however_late_they_are_served() {
        let (start, period) = (Instant::now(), Duration::from_millis(10));
        let mut timers = Timers::default();
        timers.insert(start + period, timer(period));
        for (served, next) in [(10, 20), (23, 30), (30, 40), (95, 100)] {
            let now = start + Duration::from_millis(served);
            let (key, due) = timers.pop(now).expect("due");
            timers.repeat(key, now, period, due);
            assert_eq!(
                timers.next(),
                Some(start + Duration::from_millis(next)),
                "served at {served}"
            );
        }
    }

    #[test]
    fn equal_times_are_served_in_the_order_of_setting() {
        let now = Instant::now();
        let mut timers = Timers::default();
        let keys = [0; 3].map(|_| timers.insert(now, timer(Duration::ZERO)));
        for key in keys {
            assert_eq!(timers.pop(now).map(|(key, _)| key), Some(key));
        }
        assert!(timers.pop(now).is_none());
    }
}
