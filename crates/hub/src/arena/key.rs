//! Names of the entries of an arena.

use std::{cmp, fmt, hash, marker::PhantomData};

/// Names an entry of an [`Arena`](super::Arena); stays invalid for ever once that entry is gone.
pub struct Key<T> {
    pub(super) index: u32,
    pub(super) generation: u32,
    pub(super) kind: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// The key as a number, generation in the upper half.
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The key from its number. Any number is a key; most name nothing.
    pub const fn from_bits(bits: u64) -> Self {
        Self { index: bits as u32, generation: (bits >> 32) as u32, kind: PhantomData }
    }

    /// Where the entry is: unique among the entries that live at the same time, and dense.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

// By hand: a key is plain data whatever `T` is.
impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl<T> Eq for Key<T> {}

/// In the order of their numbers.
impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        self.to_bits().cmp(&other.to_bits())
    }
}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> hash::Hash for Key<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.to_bits().hash(state);
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}v{}", self.index, self.generation)
    }
}
