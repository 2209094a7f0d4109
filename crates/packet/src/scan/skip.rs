//! Finding the ends of values in JSON that has already been accepted.

use super::string::plain_run;

/// Splits the text of an array's elements, without the brackets, at the commas between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Elements<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: trim(text) }
    }

    /// The elements not yet taken.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (element, tail) = self.rest.split_at_checked(skip_value(self.rest))?;
        let tail = trim(tail);
        self.rest = trim(tail.strip_prefix(',').unwrap_or(tail));
        Some(element)
    }
}

/// Without the whitespace of JSON at both ends.
pub(crate) fn trim(text: &str) -> &str {
    match (text.bytes().next(), text.bytes().next_back()) {
        // Nearly always: nobody sends whitespace.
        (Some(b'!'..), Some(b'!'..)) => text,
        _ => text.trim_matches([' ', '\t', '\n', '\r']),
    }
}

/// Length of the value `text` begins with. At least 1 for a text that is not empty, so that a
/// loop over values always ends.
pub(crate) fn skip_value(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = match bytes.first() {
        None => return 0,
        Some(b'"') => skip_string(bytes, 0),
        Some(b'[' | b'{') => skip_container(bytes),
        Some(_) => bytes
            .iter()
            .position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))
            .unwrap_or(bytes.len()),
    };
    end.clamp(1, bytes.len())
}

/// Position behind the string whose opening quote is at `at`.
fn skip_string(bytes: &[u8], at: usize) -> usize {
    let mut at = plain_run(bytes, at + 1);
    while let Some(b'\\') = bytes.get(at) {
        // The escaped character may be a quote; a second one of `\uXXXX` is plain.
        at = plain_run(bytes, at + 2);
    }
    at + 1
}

fn skip_container(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = skip_string(bytes, at);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
