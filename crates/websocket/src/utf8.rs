use std::str;

use crate::Error;

/// Text that arrives in pieces cut anywhere, also inside a character.
///
/// Every byte is validated once, as soon as it arrives; the text is a `String` from the start, so
/// that handing it over costs nothing.
#[derive(Debug, Default)]
pub(crate) struct PartialText {
    text: String,
    /// The beginning of a character whose rest has not arrived: so far valid, 0 to 3 bytes.
    tail: [u8; 4],
    tail_len: u8,
}

impl PartialText {
    /// An empty one, with the memory of a buffer that is empty.
    pub(crate) fn new(buffer: Vec<u8>) -> Self {
        Self { text: String::from_utf8(buffer).unwrap_or_default(), ..Self::default() }
    }

    /// Takes the next piece, after growing to a capacity of `room` bytes.
    pub(crate) fn push(&mut self, piece: &[u8], room: usize) -> Result<(), Error> {
        self.text.reserve_exact(room.saturating_sub(self.text.len()));
        let piece = self.complete_tail(piece)?;
        let (whole, cut) = piece.split_at(piece.len() - cut_character(piece));
        self.text.push_str(str::from_utf8(whole).map_err(|_| Error::InvalidUtf8)?);
        if !cut.is_empty() {
            // Some beginnings are wrong whatever follows; then this is the moment to say so.
            if is_hopeless(cut) {
                return Err(Error::InvalidUtf8);
            }
            self.tail[..cut.len()].copy_from_slice(cut);
            self.tail_len = cut.len() as u8;
        }
        Ok(())
    }

    /// The text, once its last piece has arrived.
    pub(crate) fn finish(self) -> Result<String, Error> {
        if self.tail_len == 0 { Ok(self.text) } else { Err(Error::InvalidUtf8) }
    }

    /// How many bytes have been taken.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + usize::from(self.tail_len)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Moves bytes from `piece` behind the cut character until it is whole; gives back the rest.
    fn complete_tail<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], Error> {
        while self.tail_len > 0 {
            let [next, rest @ ..] = piece else { break };
            let len = usize::from(self.tail_len) + 1;
            // A tail of four bytes is either a character or hopeless, so this stays in bounds.
            self.tail[len - 1] = *next;
            let tail = &self.tail[..len];
            match str::from_utf8(tail) {
                Ok(character) => {
                    self.text.push_str(character);
                    self.tail_len = 0;
                }
                Err(_) if is_hopeless(tail) => return Err(Error::InvalidUtf8),
                Err(_) => self.tail_len = len as u8,
            }
            piece = rest;
        }
        Ok(piece)
    }
}

/// How many bytes at the end of `piece` begin a character without ending it, judged by its first
/// byte alone: 0 to 3.
fn cut_character(piece: &[u8]) -> usize {
    for (before, &byte) in piece.iter().rev().take(3).enumerate() {
        let width = match byte {
            0x80..=0xbf => continue,
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        let present = before + 1;
        return if width > present { present } else { 0 };
    }
    0
}

/// Whether no continuation makes `beginning`, which is not UTF-8 as it stands, valid.
fn is_hopeless(beginning: &[u8]) -> bool {
    str::from_utf8(beginning).is_err_and(|error| error.error_len().is_some())
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many bytes are taken, one by one, before the first one that is refused.
    fn accepted(bytes: &[u8]) -> usize {
        let mut text = PartialText::default();
        bytes.iter().position(|byte| text.push(&[*byte], 0).is_err()).unwrap_or(bytes.len())
    }

    #[test]
    fn the_first_wrong_byte_is_refused_at_once() {
        let table: [(&[u8], usize); 12] = [
            (b"ok", 2),
            (b"\x80", 0),
            (b"a\xc0\xaf", 1),        // overlong, two bytes
            (b"\xe0\x80\xaf", 1),     // overlong, three bytes
            (b"\xf0\x80\x80\xaf", 1), // overlong, four bytes
            (b"\xed\xa0\x80", 1),     // a surrogate
            (b"\xf4\x90\x80\x80", 1), // beyond U+10FFFF
            (b"\xf5", 0),             // never a first byte
            (b"\xe2\x82\x41", 2),     // a character cut by another
            (b"\xf0\x9f\x98\x80", 4), // U+1F600
            (b"\xf0\x9f\x98\x80\xff", 4),
            (b"\xf4\x8f\xbf\xbf", 4), // U+10FFFF
        ];
        for (bytes, expected) in table {
            assert_eq!(accepted(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn text_may_not_end_inside_a_character() {
        let mut text = PartialText::default();
        assert_eq!(text.push(b"a\xe2\x82", 0), Ok(()));
        assert_eq!(text.len(), 3);
        assert_eq!(text.finish(), Err(Error::InvalidUtf8));
    }

    /// How many bytes there are up to and with the first that makes it impossible to go on to UTF-8.
    pub(crate) fn hopeless(bytes: &[u8]) -> Option<usize> {
        let is_hopeless = |end: &usize| {
            str::from_utf8(&bytes[..*end]).is_err_and(|error| error.error_len().is_some())
        };
        (1..=bytes.len()).find(is_hopeless)
    }

    /// Bytes with a good chance of being nearly UTF-8.
    pub(crate) fn nearly_text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => ".{0,4}".prop_map(String::into_bytes),
            1 => proptest::collection::vec(any::<u8>(), 0..3),
            1 => proptest::collection::vec(0x80..=0xffu8, 0..3),
        ];
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library_at_any_split(
            bytes in nearly_text(),
            cuts in proptest::collection::vec(1usize..6, 1..20),
        ) {
            let mut text = PartialText::default();
            let mut rest = &bytes[..];
            let mut result = Ok(());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() || result.is_err() {
                    break;
                }
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                result = text.push(piece, 0);
                rest = after;
            }
            let incremental = result.and_then(|()| text.finish());
            let whole = String::from_utf8(bytes).map_err(|_| Error::InvalidUtf8);
            prop_assert_eq!(incremental, whole);
        }
    }
}
