//! The body of a JSON string, eight bytes at a time.

/// Where a string ends and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Body {
    /// Position of the closing quote.
    pub(super) end: usize,
    pub(super) lone_surrogate: bool,
}

/// Reads on from behind an opening quote; `Err` is the position of the offending byte.
pub(super) fn body(bytes: &[u8], start: usize) -> Result<Body, usize> {
    let mut at = start;
    let mut lone_surrogate = false;
    loop {
        at = plain_run(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(Body { end: at, lone_surrogate }),
            Some(b'\\') => match escape(bytes, at).ok_or(at)? {
                Escape::Simple => at += 2,
                Escape::Unit(unit) => {
                    at += 6;
                    if is_high(unit) && low_half(bytes, at).is_some() {
                        at += 6;
                    } else {
                        lone_surrogate |= is_high(unit) || is_low(unit);
                    }
                }
            },
            _ => return Err(at),
        }
    }
}

/// Whether a text means itself between quotes.
pub(crate) fn is_plain(text: &str) -> bool {
    plain_run(text.as_bytes(), 0) == text.len()
}

/// Bytes that are looked at together in a long string.
const STRIDE: usize = 64;

/// Position of the first quote, backslash or control character at or after `at`, or the end.
pub(super) fn plain_run(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const SLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);

    // Long strings in strides: whether something is in one at all the compiler finds out with vector instructions, and where is for
    // the words to tell.
    while let Some(stride) = bytes.get(at..).and_then(<[u8]>::first_chunk::<STRIDE>) {
        let is_special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < b' ';
        if stride.iter().fold(false, |found, byte| found | is_special(byte)) {
            break;
        }
        at += STRIDE;
    }
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let (quote, slash) = (word ^ QUOTES, word ^ SLASHES);
        // Each term has the high bit of a byte set where that byte is zero (or below a space). A
        // borrow can raise false marks, but only above a true one, and the lowest mark decides.
        let marks = (quote.wrapping_sub(ONES) & !quote
            | slash.wrapping_sub(ONES) & !slash
            | word.wrapping_sub(SPACES) & !word)
            & HIGHS;
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            break;
        }
        at += 1;
    }
    at
}

/// An escape sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// Two characters: `\n` and the like.
    Simple,
    /// Six characters: `\u` and a UTF-16 code unit.
    Unit(u16),
}

/// The escape that begins at the backslash at `at`.
pub(super) fn escape(bytes: &[u8], at: usize) -> Option<Escape> {
    match bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(Escape::Simple),
        b'u' => {
            let digits = bytes.get(at + 2..at + 6)?;
            let unit = digits.iter().try_fold(0, |unit, &digit| {
                Some(unit << 4 | char::from(digit).to_digit(16)? as u16)
            })?;
            Some(Escape::Unit(unit))
        }
        _ => None,
    }
}

/// The second half of a surrogate pair, if its escape stands at `at`.
pub(super) fn low_half(bytes: &[u8], at: usize) -> Option<u16> {
    match (bytes.get(at)?, escape(bytes, at)?) {
        (b'\\', Escape::Unit(unit)) if is_low(unit) => Some(unit),
        _ => None,
    }
}

pub(super) fn is_high(unit: u16) -> bool {
    matches!(unit, 0xd800..=0xdbff)
}

pub(super) fn is_low(unit: u16) -> bool {
    matches!(unit, 0xdc00..=0xdfff)
}
