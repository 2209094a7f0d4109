use std::borrow::Cow;

use crate::utf8::PartialText;
use crate::{Error, Item, OpCode};

/// A message of which only the beginning has arrived.
#[derive(Debug)]
pub(super) struct PartialMessage {
    body: Body,
    /// How many of its frames have begun, at least 1.
    fragments: u32,
}

#[derive(Debug)]
enum Body {
    Text(PartialText),
    Binary(Vec<u8>),
    /// For an extension, whatever the opcode.
    Extended(OpCode, Vec<u8>),
}

impl PartialMessage {
    /// A message that begins with a frame of this opcode, [`OpCode::Text`] or [`OpCode::Binary`], and is put together in this buffer.
    pub(super) fn new(opcode: OpCode, rsv1: bool, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        let body = if rsv1 {
            Body::Extended(opcode, buffer)
        } else if opcode == OpCode::Text {
            Body::Text(PartialText::new(buffer))
        } else {
            Body::Binary(buffer)
        };
        Self { body, fragments: 1 }
    }

    /// A further frame of the message has begun.
    pub(super) fn count_fragment(&mut self) {
        self.fragments = self.fragments.saturating_add(1);
    }

    pub(super) const fn fragments(&self) -> u32 {
        self.fragments
    }

    /// How many bytes of the message are held.
    pub(super) fn len(&self) -> usize {
        match &self.body {
            Body::Text(text) => text.len(),
            Body::Binary(bytes) | Body::Extended(_, bytes) => bytes.len(),
        }
    }

    /// Takes the next piece of a message that will not be longer than `end` bytes.
    pub(super) fn push(&mut self, piece: &[u8], end: usize) -> Result<(), Error> {
        let needed = self.len() + piece.len();
        match &mut self.body {
            Body::Text(text) => {
                let room = room(text.capacity(), needed, end);
                text.push(piece, room)
            }
            Body::Binary(bytes) | Body::Extended(_, bytes) => {
                let room = room(bytes.capacity(), needed, end);
                bytes.reserve_exact(room - bytes.len());
                bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// The message, once its last byte has arrived.
    pub(super) fn finish(self) -> Result<Item<'static>, Error> {
        Ok(match self.body {
            Body::Text(text) => Item::Text(Cow::Owned(text.finish()?)),
            Body::Binary(bytes) => Item::Binary(Cow::Owned(bytes)),
            Body::Extended(opcode, bytes) => Item::Extended { opcode, payload: Cow::Owned(bytes) },
        })
    }
}

/// The capacity a buffer should have to take `needed` bytes: what it has, or else twice of what
/// has arrived, so that copying stays linear, but not beyond the `end` of the message.
fn room(capacity: usize, needed: usize, end: usize) -> usize {
    if needed <= capacity { capacity } else { needed.saturating_mul(2).min(end).max(needed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_what_arrived_and_not_what_was_announced() {
        for (opcode, rsv1) in [(OpCode::Text, false), (OpCode::Binary, false), (OpCode::Text, true)]
        {
            let mut message = PartialMessage::new(opcode, rsv1, Vec::new());
            for arrived in 1..=100 {
                message.push(b"x", 1_000_000).unwrap();
                let capacity = match &message.body {
                    Body::Text(text) => text.capacity(),
                    Body::Binary(bytes) | Body::Extended(_, bytes) => bytes.capacity(),
                };
                assert_eq!(message.len(), arrived);
                assert!(capacity <= 2 * arrived, "{opcode:?}: {capacity} for {arrived}");
            }
        }
    }

    #[test]
    fn a_buffer_doubles_up_to_the_end_of_the_message() {
        let table = [
            // capacity, needed, end, expected
            (0, 0, 1000, 0),
            (0, 10, 1000, 20),
            (20, 20, 1000, 20),
            (20, 21, 1000, 42),
            (20, 21, 25, 25),
            (0, 10, 10, 10),
            (0, usize::MAX - 1, usize::MAX, usize::MAX),
        ];
        for (capacity, needed, end, expected) in table {
            assert_eq!(room(capacity, needed, end), expected, "{capacity} {needed} {end}");
        }
    }
}
