//! Strings in JSON.

use std::borrow::Cow;

/// Appends a string in quotes, escaped as `JSON.stringify` does it.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match u8::try_from(character).ok().and_then(escape) {
            Some(escaped) => out.push_str(&escaped),
            None => out.push(character),
        }
    }
    out.push('"');
}

/// How a byte is written in a JSON string, if not as it is.
pub(crate) fn escape(byte: u8) -> Option<Cow<'static, str>> {
    Some(match byte {
        b'"' => "\\\"".into(),
        b'\\' => "\\\\".into(),
        b'\n' => "\\n".into(),
        b'\r' => "\\r".into(),
        b'\t' => "\\t".into(),
        0x08 => "\\b".into(),
        0x0c => "\\f".into(),
        0..0x20 => format!("\\u{byte:04x}").into(),
        _ => return None,
    })
}
