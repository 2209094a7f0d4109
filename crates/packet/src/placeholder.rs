//! `{"_placeholder":true,"num":N}`: what stands in the JSON where an attachment belongs.

use crate::error::PayloadError;
use crate::scan::{Container, Scalar, Sink, unescape};

pub(crate) const FLAG: &str = "_placeholder";
const NUM: &str = "num";

/// The form every encoder writes, up to the number.
const CANONICAL: &str = r#"{"_placeholder":true,"num":"#;

/// Appends the placeholder of attachment `num`.
pub(crate) fn write(out: &mut impl std::io::Write, num: usize) -> std::io::Result<()> {
    write!(out, "{CANONICAL}{num}}}")
}

/// The number of a placeholder in the form every encoder writes; a quick look, not the full rule.
pub(crate) fn canonical(json: &str) -> Option<usize> {
    index(json.strip_prefix(CANONICAL)?.strip_suffix('}')?)
}

/// A `num` as the rule wants it: a non-negative integer in plain digits.
pub(crate) fn index(number: &str) -> Option<usize> {
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if digits { number.parse().ok() } else { None }
}

/// What a key means inside an object that may be a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Flag,
    Num,
    Other,
}

impl Key {
    pub(crate) fn new(name: &str) -> Self {
        match name {
            FLAG => Self::Flag,
            NUM => Self::Num,
            _ => Self::Other,
        }
    }
}

/// Refuses placeholders that name none of `count` attachments.
///
/// An object is a placeholder when its `_placeholder` is `true`; as everywhere in JavaScript, the
/// last of several equal keys counts.
pub(crate) struct Check {
    count: u32,
    open: Vec<Frame>,
}

/// An open container. In an array the key stays [`Key::Other`], so its elements mean nothing.
struct Frame {
    key: Key,
    flagged: bool,
    num: Option<usize>,
}

impl Check {
    pub(crate) fn new(count: u32) -> Self {
        Self { count, open: Vec::new() }
    }

    fn member(&mut self, flagged: bool, num: Option<usize>) {
        if let Some(frame) = self.open.last_mut() {
            match frame.key {
                Key::Flag => frame.flagged = flagged,
                Key::Num => frame.num = num,
                Key::Other => {}
            }
        }
    }
}

impl Sink for Check {
    fn open(&mut self, _: Container) {
        self.member(false, None);
        self.open.push(Frame { key: Key::Other, flagged: false, num: None });
    }

    fn close(&mut self) -> Result<(), PayloadError> {
        match self.open.pop() {
            Some(Frame { flagged: true, num, .. })
                if num.is_none_or(|num| num >= self.count as usize) =>
            {
                Err(PayloadError::Placeholder)
            }
            _ => Ok(()),
        }
    }

    fn key(&mut self, raw: &str) {
        if let Some(frame) = self.open.last_mut() {
            frame.key = Key::new(&unescape(raw));
        }
    }

    fn scalar(&mut self, scalar: Scalar<'_>) {
        match scalar {
            Scalar::Bool(true) => self.member(true, None),
            Scalar::Number(text) => self.member(false, index(text)),
            _ => self.member(false, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::scan;

    #[test]
    fn only_indices_of_attachments_pass() {
        let cases = [
            (r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#, true),
            (r#"[{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]"#, true),
            (r#"[{"num":1,"x":[{}],"_placeholder":true}]"#, true),
            (r#"[{"_placeholder":true,"num":2}]"#, false),
            (r#"[{"_placeholder":true,"num":-1}]"#, false),
            (r#"[{"_placeholder":true,"num":0.5}]"#, false),
            (r#"[{"_placeholder":true,"num":0e0}]"#, false),
            (r#"[{"_placeholder":true,"num":99999999999999999999999}]"#, false),
            (r#"[{"_placeholder":true,"num":"0"}]"#, false),
            (r#"[{"_placeholder":true,"num":"splice"}]"#, false),
            (r#"[{"_placeholder":true,"num":[0]}]"#, false),
            (r#"[{"_placeholder":true,"num":true}]"#, false),
            (r#"[{"_placeholder":true}]"#, false),
            (r#"[{"\u005fplaceholder":true,"num":2}]"#, false),
            (r#"[{"x":{"y":[{"_placeholder":true,"num":2}]}}]"#, false),
            // Not placeholders.
            (r#"[{"_placeholder":false,"num":9}]"#, true),
            (r#"[{"_placeholder":1,"num":9}]"#, true),
            (r#"[{"_placeholder":[true],"num":9}]"#, true),
            (r#"[{"_placeholder":{"a":true},"num":9}]"#, true),
            (r#"["_placeholder",true,"num",9]"#, true),
            // The last of equal keys counts.
            (r#"[{"_placeholder":true,"num":9,"_placeholder":false}]"#, true),
            (r#"[{"_placeholder":true,"num":9,"num":1}]"#, true),
            (r#"[{"_placeholder":true,"num":1,"num":9}]"#, false),
            (r#"[{"_placeholder":true,"num":1,"num":[]}]"#, false),
        ];
        for (json, legal) in cases {
            let result = scan(json, 128, &mut Check::new(2));
            let expected = if legal { None } else { Some(PayloadError::Placeholder) };
            assert_eq!(result.err(), expected, "{json}");
        }
    }

    #[test]
    fn the_canonical_form_is_recognised() {
        let cases = [
            (r#"{"_placeholder":true,"num":0}"#, Some(0)),
            (r#"{"_placeholder":true,"num":12}"#, Some(12)),
            (r#"{"_placeholder":true,"num":}"#, None),
            (r#"{"_placeholder":true,"num":+1}"#, None),
            (r#"{"_placeholder":true,"num":1,"num":2}"#, None),
            (r#"{"_placeholder":true,"num":1"#, None),
        ];
        for (json, num) in cases {
            assert_eq!(canonical(json), num, "{json}");
        }
    }
}
