//! Escape sequences undone, and lone surrogates replaced. Both take text the scanner has accepted.

use std::borrow::Cow;

use super::string::{Escape, escape, is_high, is_low, is_plain, low_half};

/// The string whose text between the quotes is `raw`; lone surrogates become U+FFFD.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if is_plain(raw) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    each_escape(raw, &mut out, |out, sequence| {
        let text = sequence.text.as_bytes();
        out.push(match sequence.escape {
            Escape::Simple => simple(text.get(1).copied()),
            Escape::Unit(unit) => match low_half(text, 6) {
                Some(low) => combine(unit, low),
                None => char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
            },
        });
    });
    Cow::Owned(out)
}

/// The same JSON with every escape of a lone surrogate replaced by `\ufffd`, so that parsers of
/// well-formed Unicode can read it.
pub(crate) fn mend_surrogates(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    each_escape(json, &mut out, |out, sequence| match sequence.escape {
        Escape::Unit(unit) if sequence.text.len() == 6 && (is_high(unit) || is_low(unit)) => {
            out.push_str("\\ufffd");
        }
        _ => out.push_str(sequence.text),
    });
    out
}

/// One escape sequence, or the two of a surrogate pair together.
struct Sequence<'a> {
    text: &'a str,
    escape: Escape,
}

/// Copies what is not escaped to `out` and asks `replace` to append something for what is.
fn each_escape(text: &str, out: &mut String, replace: impl Fn(&mut String, Sequence<'_>)) {
    let bytes = text.as_bytes();
    let mut rest = text;
    while let Some(plain) = rest.find('\\') {
        let at = text.len() - rest.len() + plain;
        let escape = escape(bytes, at).unwrap_or(Escape::Simple);
        let len = match escape {
            Escape::Simple => 2,
            Escape::Unit(unit) if is_high(unit) && low_half(bytes, at + 6).is_some() => 12,
            Escape::Unit(_) => 6,
        };
        let (before, tail) = rest.split_at(plain);
        // Escapes the scanner has accepted are ASCII and complete.
        let (sequence, tail) = tail.split_at_checked(len).unwrap_or((tail, ""));
        out.push_str(before);
        replace(out, Sequence { text: sequence, escape });
        rest = tail;
    }
    out.push_str(rest);
}

fn simple(letter: Option<u8>) -> char {
    match letter {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(itself) => char::from(itself),
        None => '\\',
    }
}

fn combine(high: u16, low: u16) -> char {
    char::decode_utf16([high, low])
        .next()
        .and_then(Result::ok)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
