//! Storage with keys that go stale.

use std::{cmp, fmt, hash, marker::PhantomData};

/// Names an entry of an [`Arena`]; stays invalid for ever once that entry is gone.
pub struct Key<T> {
    index: u32,
    generation: u32,
    kind: PhantomData<fn() -> T>,
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

/// A growable store of values: inserting gives a [`Key`], and removing makes room for the next.
#[derive(Debug)]
pub struct Arena<T> {
    slots: Vec<Slot<T>>,
    /// The first of the chain of free slots.
    free: u32,
    len: u32,
}

#[derive(Debug)]
enum Slot<T> {
    Used {
        generation: u32,
        value: T,
    },
    /// `generation` is that of the next entry here.
    Free {
        generation: u32,
        next: u32,
    },
}

const END: u32 = u32::MAX;

impl<T> Arena<T> {
    /// An empty arena, which holds no memory.
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: END, len: 0 }
    }

    /// Stores a value.
    ///
    /// # Panics
    /// With 2³² − 1 values in it, which is more than memory holds.
    pub fn insert(&mut self, value: T) -> Key<T> {
        self.insert_with(|_| value)
    }

    /// Stores the value that `make` builds knowing its key.
    pub fn insert_with(&mut self, make: impl FnOnce(Key<T>) -> T) -> Key<T> {
        let index = self.free;
        self.len += 1;
        if let Some(slot) = self.slots.get_mut(index as usize) {
            let Slot::Free { generation, next } = *slot else {
                unreachable!("the chain of free slots is broken")
            };
            let key = Key { index, generation, kind: PhantomData };
            self.free = next;
            *slot = Slot::Used { generation, value: make(key) };
            return key;
        }
        let index = u32::try_from(self.slots.len())
            .ok()
            .filter(|&index| index < END)
            .expect("an arena is full");
        let key = Key { index, generation: 0, kind: PhantomData };
        let value = make(key);
        self.slots.push(Slot::Used { generation: 0, value });
        key
    }

    /// Takes a value out; `None` when the key is stale.
    pub fn remove(&mut self, key: Key<T>) -> Option<T> {
        let slot = self.slots.get_mut(key.index())?;
        if !matches!(slot, Slot::Used { generation, .. } if *generation == key.generation) {
            return None;
        }
        let free = Slot::Free { generation: key.generation.wrapping_add(1), next: self.free };
        let Slot::Used { value, .. } = std::mem::replace(slot, free) else { return None };
        self.free = key.index;
        self.len -= 1;
        Some(value)
    }

    /// The value, unless the key is stale.
    pub fn get(&self, key: Key<T>) -> Option<&T> {
        match self.slots.get(key.index())? {
            Slot::Used { generation, value } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// The value, unless the key is stale.
    pub fn get_mut(&mut self, key: Key<T>) -> Option<&mut T> {
        match self.slots.get_mut(key.index())? {
            Slot::Used { generation, value } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// All entries, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (Key<T>, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| match slot {
            Slot::Used { generation, value } => Some((
                Key { index: index as u32, generation: *generation, kind: PhantomData },
                value,
            )),
            Slot::Free { .. } => None,
        })
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self::new()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_outlives_its_entry_without_meeting_the_next() {
        let mut arena = Arena::new();
        let first = arena.insert("first");
        assert_eq!(arena.remove(first), Some("first"));
        let second = arena.insert("second");
        assert_eq!(second.index(), first.index());
        assert_eq!(arena.get(first), None);
        assert_eq!(arena.remove(first), None);
        assert_eq!(arena.get(second), Some(&"second"));
        assert_eq!(arena.get(Key::from_bits(second.to_bits())), Some(&"second"));
        assert_eq!(arena.get(Key::from_bits(u64::MAX)), None);
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(steps in prop::collection::vec((any::<bool>(), 0..20usize), 0..200)) {
            let (mut arena, mut model) = (Arena::new(), Vec::<(Key<u32>, u32)>::new());
            for (number, (insert, pick)) in (0u32..).zip(steps) {
                if insert || model.is_empty() {
                    let key = arena.insert(number);
                    prop_assert!(model.iter().all(|(other, _)| *other != key));
                    model.push((key, number));
                } else {
                    let (key, value) = model.swap_remove(pick % model.len());
                    prop_assert_eq!(arena.remove(key), Some(value));
                    prop_assert_eq!(arena.get(key), None);
                }
                prop_assert_eq!(arena.len(), model.len());
                for (key, value) in &model {
                    prop_assert_eq!(arena.get(*key), Some(value));
                }
            }
            prop_assert_eq!(arena.iter().count(), model.len());
        }
    }
}
