//! Time that passes when it is told to.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use siomio::shard::Environment;

use super::Random;

/// A clock that stands still. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock {
    origin: Instant,
    now: Rc<Cell<Instant>>,
}

impl Clock {
    /// A clock at its beginning.
    pub fn new() -> Self {
        // An `Instant` can only be had from the system. Nothing depends on which one it is.
        let origin = Instant::now();
        Self { origin, now: Rc::new(Cell::new(origin)) }
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now() - self.origin
    }

    /// Moves the clock to a time; it never goes back.
    pub fn set(&self, time: Instant) {
        self.now.set(time.max(self.now()));
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// The clock and the random source of a simulated shard.
#[derive(Debug)]
pub struct SimEnvironment {
    clock: Clock,
    random: Random,
}

/// The time of day at which every simulation begins: 2001-09-09 01:46:40 UTC.
const DAWN: Duration = Duration::from_secs(1_000_000_000);

impl SimEnvironment {
    /// A shard's surroundings.
    pub const fn new(clock: Clock, random: Random) -> Self {
        Self { clock, random }
    }
}

impl Environment for SimEnvironment {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn time_of_day(&self) -> Duration {
        DAWN + self.clock.elapsed()
    }

    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.random.number() as u8);
    }
}
