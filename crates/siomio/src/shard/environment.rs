//! What a shard cannot know by itself.

use std::time::{Duration, Instant};

/// The clock and the random source of a shard.
pub trait Environment {
    /// The time now.
    fn now(&self) -> Instant;

    /// The time of day now, since the Unix epoch.
    fn time_of_day(&self) -> Duration;

    /// Fills a buffer with random bytes that nobody can guess.
    fn random(&mut self, bytes: &mut [u8]);
}
