//! How long the application's code holds up a shard.
//!
//! Reading the clock is dear beside a small handler, so calls are measured in laps: one read of the clock behind [`LAP`] of
//! them, and the one at the end of the turn. If a lap was slow something in it was, and the next [`CLOSELY`] calls are measured
//! each by itself.

use std::{
    cell::Cell,
    fmt,
    time::{Duration, Instant},
};

use super::local::Local;
use crate::trace::{Took, log};

/// Most calls that are measured together, and most connections that are read or written meanwhile.
const LAP: u32 = 16;
/// Calls that are measured alone after something was slow.
const CLOSELY: u32 = 256;

/// A shard's look at the clock.
#[derive(Debug)]
pub(crate) struct Watch {
    /// From here on something is slow.
    limit: Duration,
    /// When the turn began.
    began: Cell<Instant>,
    /// Something slow was told of in this turn.
    is_told: Cell<bool>,
    /// When the lap began; not long ago, unless `is_old`.
    since: Cell<Instant>,
    is_old: Cell<bool>,
    /// Calls in this lap, and the first of them.
    calls: Cell<u32>,
    /// Connections that were read in this lap.
    reads: Cell<u32>,
    /// When the last turn ended.
    ended: Cell<Instant>,
    first: Cell<Name>,
    /// So many calls are measured alone.
    closely: Cell<u32>,
}

impl Watch {
    pub(crate) fn new(now: Instant, limit: Duration) -> Self {
        Self {
            limit,
            began: Cell::new(now),
            is_told: Cell::default(),
            since: Cell::new(now),
            is_old: Cell::default(),
            calls: Cell::default(),
            reads: Cell::default(),
            ended: Cell::new(now),
            first: Cell::default(),
            closely: Cell::default(),
        }
    }

    /// A turn begins.
    pub(crate) fn begin(&self, now: Instant) {
        self.began.set(now);
        self.is_told.set(false);
        self.lap(now);
    }

    /// When the last turn ended.
    pub(crate) fn ended(&self) -> Instant {
        self.ended.get()
    }

    fn lap(&self, now: Instant) {
        self.since.set(now);
        self.is_old.set(false);
        self.reads.set(0);
    }
}

impl Local {
    /// Runs code of the application, which has this name, and sees how long it takes.
    ///
    /// # Errors
    /// What it said if it panicked.
    pub(crate) fn call<R>(&self, name: &str, run: impl FnOnce() -> R) -> Result<R, String> {
        let watch = &self.watch;
        if watch.closely.get() > 0 {
            return self.call_alone(name, run);
        }
        if watch.calls.get() == 0 {
            watch.first.set(Name::new(name));
            if watch.is_old.get() {
                watch.lap(self.clock());
            }
        }
        let result = self.catch(name, run);
        // Only now: it may have called others.
        watch.calls.set(watch.calls.get() + 1);
        if watch.calls.get() >= LAP {
            self.pause();
        }
        result
    }

    #[cold]
    fn call_alone<R>(&self, name: &str, run: impl FnOnce() -> R) -> Result<R, String> {
        let began = self.clock();
        let result = self.catch(name, run);
        let (now, watch) = (self.clock(), &self.watch);
        watch.closely.set(watch.closely.get().saturating_sub(1));
        watch.lap(now);
        self.took(now - began, 1, || Name::new(name));
        result
    }

    /// A connection was read. Many of them without a call are a lap, too.
    pub(crate) fn was_read(&self) {
        let reads = self.watch.reads.get() + 1;
        self.watch.reads.set(reads);
        if reads >= LAP {
            self.pause();
        }
    }

    /// So many connections are going to be written.
    pub(crate) fn will_write(&self, count: usize) {
        if count > LAP as usize {
            self.pause();
        }
    }

    /// What comes next, or came just now, is not the application's and may take its time.
    pub(crate) fn pause(&self) {
        let watch = &self.watch;
        if watch.calls.get() == 0 {
            return watch.is_old.set(true);
        }
        self.end_lap(self.clock());
    }

    /// The turn is over.
    pub(crate) fn end_turn(&self) {
        let (now, watch) = (self.clock(), &self.watch);
        if watch.calls.get() > 0 {
            self.end_lap(now);
        }
        watch.ended.set(now);
        let took = now.saturating_duration_since(watch.began.get());
        self.counts.turns.record(took);
        if took >= watch.limit && !watch.is_told.get() {
            log!(WARN, "siomio::server", "slow turn", shard = self.index, took = Took(took));
        }
    }

    fn end_lap(&self, now: Instant) {
        let watch = &self.watch;
        let (calls, since) = (watch.calls.replace(0), watch.since.get());
        watch.lap(now);
        self.took(now.saturating_duration_since(since), calls, || watch.first.get());
    }

    fn took(&self, took: Duration, calls: u32, first: impl Fn() -> Name) {
        if took >= self.watch.limit {
            self.counts.slow_handlers.add(1);
            self.watch.closely.set(CLOSELY);
            self.watch.is_told.set(true);
            let others = calls - 1;
            log!(
                WARN,
                "siomio::handler",
                "slow handler",
                handler = first(),
                others = others,
                shard = self.index,
                took = Took(took)
            );
        }
    }

    pub(super) fn clock(&self) -> Instant {
        self.core.borrow().environment.now()
    }
}

/// The beginning of a handler's name, kept without an allocation.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    text: [u8; 31],
    len: u8,
}

impl Name {
    fn new(name: &str) -> Self {
        let mut own = Self::default();
        let mut len = name.len().min(own.text.len());
        while !name.is_char_boundary(len) {
            len -= 1;
        }
        own.text[..len].copy_from_slice(&name.as_bytes()[..len]);
        own.len = len as u8;
        own
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(&self.text[..usize::from(self.len)]);
        write!(f, "{}", text.unwrap_or_default().escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::{Server, shard::Environment};

    /// A clock that stands until somebody moves it.
    #[derive(Clone)]
    struct Clock(Rc<Cell<Instant>>);

    impl Clock {
        fn pass(&self, millis: u64) {
            self.0.set(self.0.get() + Duration::from_millis(millis));
        }
    }

    impl Environment for Clock {
        fn now(&self) -> Instant {
            self.0.get()
        }

        fn time_of_day(&self) -> Duration {
            Duration::ZERO
        }

        fn random(&mut self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    /// A shard whose limit is 50 ms.
    fn shard() -> (Rc<Local>, Clock) {
        let clock = Clock(Rc::new(Cell::new(Instant::now())));
        let io = Server::builder().shards(1).build().io();
        let local = Local::new(io.shared().clone(), 0, Box::new(clock.clone()));
        local.watch.begin(clock.now());
        (local, clock)
    }

    /// Calls something so often, which takes so many milliseconds each time.
    fn call((local, clock): &(Rc<Local>, Clock), count: u32, millis: u64) {
        for _ in 0..count {
            local.call("test", || clock.pass(millis)).unwrap();
        }
    }

    #[test]
    fn a_call_is_slow_from_the_limit_on() {
        for (millis, slow) in [(49, 0), (50, 1), (500, 1)] {
            let shard = shard();
            call(&shard, 1, millis);
            shard.0.pause();
            assert_eq!(shard.0.counts.slow_handlers.get(), slow, "{millis} ms");
        }
    }

    #[test]
    fn what_was_slow_together_is_then_measured_alone() {
        let shard = shard();
        call(&shard, 8, 7);
        shard.0.pause();
        assert_eq!(shard.0.counts.slow_handlers.get(), 1);
        for _ in 0..31 {
            call(&shard, 8, 7);
            shard.0.pause();
        }
        assert_eq!(shard.0.counts.slow_handlers.get(), 1, "none of them was");
        // And then together again.
        call(&shard, 8, 0);
        shard.0.pause();
        call(&shard, 8, 7);
        shard.0.pause();
        assert_eq!(shard.0.counts.slow_handlers.get(), 2);
    }

    #[test]
    fn many_calls_are_measured_in_laps() {
        let shard = shard();
        call(&shard, 1000, 3);
        shard.0.pause();
        assert_eq!(shard.0.counts.slow_handlers.get(), 0);
        call(&shard, 16, 4);
        assert_eq!(shard.0.counts.slow_handlers.get(), 1, "without a pause");
    }

    #[test]
    fn nobody_is_blamed_for_what_others_did_before() {
        let shard = shard();
        shard.1.pass(1000);
        shard.0.pause();
        call(&shard, 1, 1);
        shard.0.pause();
        assert_eq!(shard.0.counts.slow_handlers.get(), 0);
        shard.0.end_turn();
        shard.0.watch.begin(shard.1.now());
        shard.1.pass(1);
        call(&shard, 1, 1);
        shard.0.end_turn();
        assert_eq!(shard.0.counts.slow_handlers.get(), 0);
    }

    #[test]
    fn a_handler_that_calls_others_is_measured_too() {
        let shard = shard();
        let outer = || {
            call(&shard, 16, 0);
            shard.1.pass(60);
        };
        shard.0.call("outer", outer).unwrap();
        shard.0.pause();
        assert_eq!(shard.0.counts.slow_handlers.get(), 1);
    }

    #[test]
    fn a_turn_lasts_until_it_is_ended() {
        let shard = shard();
        call(&shard, 1, 20);
        shard.1.pass(5);
        shard.0.end_turn();
        shard.0.watch.begin(shard.1.now());
        shard.0.end_turn();
        let turns = shard.0.counts.read().turns;
        assert_eq!((turns.count, turns.last), (2, Duration::ZERO));
        assert_eq!(turns.longest, Duration::from_millis(25));
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(Name::new("message").to_string(), "message");
        assert_eq!(Name::new("a\nb").to_string(), "a\\nb");
        let long = format!("{}ä and more", "x".repeat(30));
        assert_eq!(Name::new(&long).to_string(), "x".repeat(30));
        assert_eq!(Name::new(&"y".repeat(50)).to_string(), "y".repeat(31));
    }
}
