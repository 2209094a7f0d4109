//! Bodies of the fuzz targets. They live here so that a change of the library breaks the build and not the fuzzers; no part
//! of the public interface.

use crate::{Error, Item, Limits, Reader, Role};

/// Reads what a peer sends, as a whole and in pieces, and checks that both come to the same. The first byte says how long the pieces are
/// and whose peer it is.
///
/// # Panics
/// If something does not hold.
pub fn reader(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else { return };
    let role = if first & 0x80 == 0 { Role::Server } else { Role::Client };
    let whole = read(role, bytes, usize::MAX);
    let torn = read(role, bytes, 1 + usize::from(first & 0x7f) % 40);
    assert_eq!(whole, torn, "wherever it is cut");
}

fn read(role: Role, bytes: &[u8], piece: usize) -> (Vec<Item<'static>>, Option<Error>) {
    let limits = Limits { max_message: 4096, max_frame: 2048, max_fragments: 8 };
    let (mut reader, mut items) = (Reader::new(role, limits), Vec::new());
    for piece in bytes.to_vec().chunks_mut(piece.min(bytes.len().max(1))) {
        let mut rest = piece;
        loop {
            let available = rest.len();
            match reader.read(rest) {
                Err(error) => return (items, Some(error)),
                Ok(step) => {
                    assert!(step.consumed <= available);
                    let (consumed, item) = (step.consumed, step.item.map(Item::into_owned));
                    let Some(item) = item else {
                        assert_eq!(consumed, available, "nothing waits outside");
                        break;
                    };
                    items.push(item);
                    rest = &mut rest[consumed..];
                }
            }
        }
        assert!(reader.buffered() <= limits.max_message + 125, "what is held is bounded");
    }
    (items, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_hold(bytes in any::<Vec<u8>>()) {
            super::reader(&bytes);
        }

        #[test]
        fn bytes_that_look_like_frames_hold(
            first: u8,
            frames in proptest::collection::vec((0_u8..16, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..140)), 0..6),
        ) {
            let mut bytes = vec![first];
            for (opcode, fin, payload) in frames {
                let masked = if first & 0x80 == 0 { 0x80 } else { 0 };
                bytes.push(opcode | if fin { 0x80 } else { 0 });
                bytes.push(masked | payload.len().min(125) as u8);
                if masked != 0 {
                    bytes.extend([0; 4]);
                }
                bytes.extend(&payload[..payload.len().min(125)]);
            }
            super::reader(&bytes);
        }
    }
}
