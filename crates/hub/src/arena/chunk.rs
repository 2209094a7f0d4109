//! Part of an arena, whose memory comes and goes as one.

use std::marker::PhantomData;

use super::{END, Key};

/// How many values a chunk holds.
pub(super) const CHUNK: u32 = 32;

/// Places side by side, whose memory comes and goes as one.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    /// `None` when the memory was given back.
    slots: Option<Box<[Slot<T>; CHUNK as usize]>>,
    len: u32,
    /// The first of the chain of free places.
    free: u32,
    /// That of the first entry of each place when the memory comes.
    generation: u32,
    /// The neighbours in the chain that it belongs to.
    pub(super) before: u32,
    pub(super) after: u32,
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

impl<T> Chunk<T> {
    pub(super) const fn new() -> Self {
        Self { slots: None, len: 0, free: END, generation: 0, before: END, after: END }
    }

    /// Takes memory for its places, all of them free.
    pub(super) fn allocate(&mut self) {
        let generation = self.generation;
        let next = |place| if place + 1 < CHUNK { place + 1 } else { END };
        let slots = (0..CHUNK).map(|place| Slot::Free { generation, next: next(place) });
        self.slots = slots.collect::<Vec<_>>().try_into().ok();
        self.free = 0;
    }

    /// Gives the memory back, when it is empty; keys of what was in it stay stale.
    pub(super) fn give_back(&mut self) {
        let generations = self.slots.iter().flat_map(|slots| slots.iter()).map(|slot| match slot {
            Slot::Used { generation, .. } | Slot::Free { generation, .. } => *generation,
        });
        self.generation = generations.max().unwrap_or(self.generation);
        self.slots = None;
        self.free = END;
    }

    #[cfg(test)]
    pub(super) const fn holds_memory(&self) -> bool {
        self.slots.is_some()
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len == CHUNK
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Stores a value, when there is room; `first` is the index of its first place.
    pub(super) fn insert_with(&mut self, first: u32, make: impl FnOnce(Key<T>) -> T) -> Key<T> {
        let place = self.free;
        let Some(slot @ &mut Slot::Free { generation, next }) = self.slot_mut(place) else {
            unreachable!("the chain of free places is broken")
        };
        let key = Key { index: first + place, generation, kind: PhantomData };
        *slot = Slot::Used { generation, value: make(key) };
        self.free = next;
        self.len += 1;
        key
    }

    pub(super) fn remove(&mut self, key: Key<T>) -> Option<T> {
        let next = self.free;
        let slot = self.slot_mut(key.index)?;
        if !matches!(slot, Slot::Used { generation, .. } if *generation == key.generation) {
            return None;
        }
        let free = Slot::Free { generation: key.generation.wrapping_add(1), next };
        let Slot::Used { value, .. } = std::mem::replace(slot, free) else { return None };
        self.free = key.index % CHUNK;
        self.len -= 1;
        Some(value)
    }

    pub(super) fn get(&self, key: Key<T>) -> Option<&T> {
        match &self.slots.as_ref()?[(key.index % CHUNK) as usize] {
            Slot::Used { generation, value } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, key: Key<T>) -> Option<&mut T> {
        match self.slot_mut(key.index)? {
            Slot::Used { generation, value } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        Some(&mut self.slots.as_mut()?[(index % CHUNK) as usize])
    }

    pub(super) fn iter(&self, first: u32) -> impl Iterator<Item = (Key<T>, &T)> {
        (first..).zip(self.slots.iter().flat_map(|slots| slots.iter())).filter_map(
            |(index, slot)| match slot {
                Slot::Used { generation, value } => {
                    Some((Key { index, generation: *generation, kind: PhantomData }, value))
                }
                Slot::Free { .. } => None,
            },
        )
    }
}
