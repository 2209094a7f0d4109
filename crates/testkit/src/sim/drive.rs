//! Clients and the world, taking turns.

use std::time::Duration;

use super::World;

/// Something that acts by itself, such as a client.
pub trait Actor {
    /// Does something, if there is something to do; returns whether there was.
    fn act(&mut self, world: &mut World) -> bool;
}

impl World {
    /// Lets actors and the world take turns in any order, and time pass when nobody has anything to do, until `done`
    /// says so or the time is over. Returns whether it was done.
    pub fn drive<A: Actor>(
        &mut self,
        actors: &mut [A],
        within: Duration,
        done: impl Fn(&[A]) -> bool,
    ) -> bool {
        let until = self.now() + within;
        loop {
            if done(actors) {
                return true;
            }
            let happened = if self.random.one_in(2) || actors.is_empty() {
                self.step()
            } else {
                let actor = self.random.below(actors.len());
                actors[actor].act(self)
            };
            // The world comes last: a client that does nothing may still have made room for more bytes.
            if happened || actors.iter_mut().any(|actor| actor.act(self)) || self.step() {
                continue;
            }
            if self.now() >= until {
                return false;
            }
            self.tick(until);
        }
    }
}

/// Runs a test for many seeds: 0 and up. `SIM_SEED` names a single one instead, `SIM_TIMES` multiplies their number.
pub fn seeds(count: u64, test: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SIM_SEED") {
        Some(seed) => test(seed),
        None => (0..count * number("SIM_TIMES").unwrap_or(1)).for_each(test),
    }
}
