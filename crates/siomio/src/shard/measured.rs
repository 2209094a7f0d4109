//! Parts that are not public, for benchmarks.

use std::time::{Duration, Instant};

use super::time::wheel::Wheel;
use crate::mailbox::{Mail, Mailbox};

/// The timer wheel.
#[derive(Debug)]
pub struct BenchWheel {
    wheel: Wheel<u64>,
    now: Instant,
}

impl BenchWheel {
    /// One with so many heartbeats, spread over 25 seconds.
    pub fn with_heartbeats(now: Instant, count: u64) -> Self {
        let mut wheel = Wheel::new(now);
        for number in 0..count {
            let at = now + Duration::from_micros(25_000_000 * number / count.max(1));
            wheel.insert(wheel.tick(at), number);
        }
        Self { wheel, now }
    }

    /// A tick passes; what was due is due again in 25 seconds. Returns how many that were.
    pub fn pass(&mut self, due: &mut Vec<u64>) -> usize {
        self.now += Duration::from_millis(16);
        let mut expired = Vec::new();
        self.wheel.expire(self.now, &mut expired);
        for (_, number) in &expired {
            let at = self.wheel.tick(self.now + Duration::from_secs(25));
            self.wheel.insert(at, *number);
        }
        due.clear();
        due.extend(expired.into_iter().map(|(_, number)| number));
        due.len()
    }
}

/// A shard's letter box.
#[derive(Debug, Default)]
pub struct BenchMailbox {
    mailbox: Mailbox,
    batch: Vec<Mail>,
}

impl BenchMailbox {
    /// Posts so many letters in one batch, and takes them out again. Returns how many came.
    pub fn round(&mut self, count: usize) -> usize {
        let deadline = Instant::now();
        self.batch.extend((0..count).map(|_| Mail::Stop { deadline }));
        self.mailbox.post(&mut self.batch);
        self.mailbox.take(&mut self.batch);
        let came = self.batch.len();
        self.batch.clear();
        came
    }
}
