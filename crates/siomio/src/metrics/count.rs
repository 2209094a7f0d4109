//! A number that one thread writes and any thread reads.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// A number that one thread changes, at the price of a plain integer: there is a load and a store, and no locked instruction.
/// Whoever reads it sees it a moment later.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }

    pub(crate) fn sub(&self, less: u64) {
        self.set(self.get().wrapping_sub(less));
    }

    /// What was so much is so much now.
    pub(crate) fn change(&self, before: usize, now: usize) {
        self.set(self.get().wrapping_add(now as u64).wrapping_sub(before as u64));
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Makes it this, if it was less.
    pub(crate) fn raise(&self, value: u64) {
        if value > self.get() {
            self.set(value);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
