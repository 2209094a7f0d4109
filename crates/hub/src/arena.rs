//! Storage with keys that go stale.

mod chunk;
mod key;

use self::chunk::{CHUNK, Chunk};
pub use self::key::Key;

/// A store of values that grows and shrinks: inserting gives a [`Key`], and removing makes room for the next.
///
/// ```text
///   chunks   [ 32 values ] [ given back ] [ up to 32 ] [ up to 32 ]
///              full                         has room ◄──► has room
/// ```
///
/// Values never move. A chunk that is empty gives its memory back once there is room elsewhere.
#[derive(Debug)]
pub struct Arena<T> {
    chunks: Vec<Chunk<T>>,
    /// The first of the chain of chunks with room, without those that were given back.
    with_room: u32,
    /// The first of the chain of chunks that were given back.
    given_back: u32,
    len: u32,
}

/// The end of a chain.
const END: u32 = u32::MAX;

impl<T> Arena<T> {
    /// An empty arena, which holds no memory.
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), with_room: END, given_back: END, len: 0 }
    }

    /// Stores a value.
    ///
    /// # Panics
    /// With 2³² − 32 values in it, which is more than memory holds.
    pub fn insert(&mut self, value: T) -> Key<T> {
        self.insert_with(|_| value)
    }

    /// Stores the value that `make` builds knowing its key.
    pub fn insert_with(&mut self, make: impl FnOnce(Key<T>) -> T) -> Key<T> {
        if self.with_room == END {
            self.make_room();
        }
        let place = self.with_room;
        let chunk = &mut self.chunks[place as usize];
        let key = chunk.insert_with(place * CHUNK, make);
        if chunk.is_full() {
            self.unlink(place);
        }
        self.len += 1;
        key
    }

    /// Takes a value out; `None` when the key is stale.
    pub fn remove(&mut self, key: Key<T>) -> Option<T> {
        let place = key.index / CHUNK;
        let chunk = self.chunks.get_mut(place as usize)?;
        let was_full = chunk.is_full();
        let value = chunk.remove(key)?;
        let is_empty = chunk.is_empty();
        self.len -= 1;
        if was_full {
            self.link(place);
        }
        let is_the_only_one_with_room =
            self.with_room == place && self.chunks[place as usize].after == END;
        if is_empty && !is_the_only_one_with_room {
            self.give_back(place);
        }
        Some(value)
    }

    /// The value, unless the key is stale.
    pub fn get(&self, key: Key<T>) -> Option<&T> {
        self.chunks.get((key.index / CHUNK) as usize)?.get(key)
    }

    /// The value, unless the key is stale.
    pub fn get_mut(&mut self, key: Key<T>) -> Option<&mut T> {
        self.chunks.get_mut((key.index / CHUNK) as usize)?.get_mut(key)
    }

    /// All entries, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (Key<T>, &T)> {
        (0..).step_by(CHUNK as usize).zip(&self.chunks).flat_map(|(first, chunk)| chunk.iter(first))
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes a chunk, or takes one again that was given back.
    fn make_room(&mut self) {
        let mut place = self.given_back;
        if let Some(chunk) = self.chunks.get(place as usize) {
            self.given_back = chunk.after;
        } else {
            place = u32::try_from(self.chunks.len()).unwrap_or(END);
            assert!(place < END / CHUNK, "an arena is full");
            self.chunks.push(Chunk::new());
        }
        self.chunks[place as usize].allocate();
        self.link(place);
    }

    fn give_back(&mut self, place: u32) {
        self.unlink(place);
        let chunk = &mut self.chunks[place as usize];
        chunk.give_back();
        chunk.after = self.given_back;
        self.given_back = place;
    }

    /// Puts a chunk first in the chain of those with room.
    fn link(&mut self, place: u32) {
        let after = self.with_room;
        if let Some(next) = self.chunks.get_mut(after as usize) {
            next.before = place;
        }
        let chunk = &mut self.chunks[place as usize];
        (chunk.before, chunk.after) = (END, after);
        self.with_room = place;
    }

    /// Takes a chunk out of the chain of those with room.
    fn unlink(&mut self, place: u32) {
        let chunk = &self.chunks[place as usize];
        let (before, after) = (chunk.before, chunk.after);
        match self.chunks.get_mut(before as usize) {
            Some(previous) => previous.after = after,
            None => self.with_room = after,
        }
        if let Some(next) = self.chunks.get_mut(after as usize) {
            next.before = before;
        }
    }
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self::new()
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

    /// Follows both chains; whatever holds memory and has room, and nothing else, is in the first.
    fn holds_together<T>(arena: &Arena<T>) {
        let follow = |mut place: u32| {
            let mut chain = Vec::new();
            while let Some(chunk) = arena.chunks.get(place as usize) {
                chain.push(place as usize);
                place = chunk.after;
            }
            chain.sort_unstable();
            chain
        };
        let places = |which: fn(&Chunk<T>) -> bool| {
            (0..arena.chunks.len()).filter(|&place| which(&arena.chunks[place])).collect::<Vec<_>>()
        };
        assert_eq!(follow(arena.given_back), places(|chunk| !chunk.holds_memory()));
        assert_eq!(
            follow(arena.with_room),
            places(|chunk| chunk.holds_memory() && !chunk.is_full())
        );
        let spare = places(|chunk| chunk.holds_memory() && chunk.is_empty());
        assert!(spare.len() <= 1, "{spare:?} are held for nothing");
    }

    #[test]
    fn what_is_empty_gives_its_memory_back() {
        let mut arena = Arena::new();
        let mut keys: Vec<_> = (0..100 * CHUNK).map(|number| arena.insert(number)).collect();
        let survivor = keys.swap_remove(50 * CHUNK as usize);
        for key in &keys {
            assert!(arena.remove(*key).is_some());
        }
        // The survivor's, and one to come back to.
        assert!(arena.chunks.iter().filter(|chunk| chunk.holds_memory()).count() <= 2);
        holds_together(&arena);
        assert_eq!(arena.get(survivor), Some(&(50 * CHUNK)));

        // Coming and going at the edge of a chunk costs no memory each time.
        arena.remove(survivor);
        let held = |arena: &Arena<_>| arena.chunks.iter().position(Chunk::holds_memory);
        let before = held(&arena);
        assert!(before.is_some());
        for _ in 0..3 {
            let key = arena.insert(1);
            arena.remove(key);
            assert_eq!(held(&arena), before);
        }

        // The places are the same, the keys are others.
        for number in 0..100 * CHUNK {
            arena.insert(number);
        }
        assert!(keys.iter().all(|key| arena.get(*key).is_none()));
        assert_eq!(arena.chunks.len(), 100);
        holds_together(&arena);
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(steps in prop::collection::vec((any::<bool>(), 1..150usize, any::<usize>()), 0..30)) {
            let (mut arena, mut model) = (Arena::new(), Vec::<(Key<u32>, u32)>::new());
            let mut gone = Vec::new();
            for (number, (insert, times, pick)) in (0u32..).zip(steps) {
                for turn in 0..times {
                    if insert {
                        let key = arena.insert_with(|_| number);
                        model.push((key, number));
                    } else if !model.is_empty() {
                        // In the order of insertion, or all over the place.
                        let next = if pick % 2 == 0 { 0 } else { pick.wrapping_mul(turn) % model.len() };
                        let (key, value) = model.remove(next);
                        prop_assert_eq!(arena.remove(key), Some(value));
                        gone.push(key);
                    }
                }
                prop_assert_eq!(arena.len(), model.len());
                for (key, value) in &model {
                    prop_assert_eq!(arena.get(*key), Some(value));
                }
                for key in &gone {
                    prop_assert_eq!(arena.get(*key), None);
                    prop_assert_eq!(arena.remove(*key), None);
                }
                holds_together(&arena);
            }
            let mut keys: Vec<_> = model.iter().map(|(key, _)| *key).collect();
            keys.sort_by_key(|key| key.index());
            prop_assert_eq!(arena.iter().map(|(key, _)| key).collect::<Vec<_>>(), keys);
        }
    }
}
