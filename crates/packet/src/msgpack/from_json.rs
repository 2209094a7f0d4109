//! From JSON to MessagePack, attachments put in their places.

use bytes::Bytes;

use super::write;
use crate::error::PayloadError;
use crate::placeholder::{self, Key};
use crate::scan::{Container, Scalar, Sink, scan, unescape};
use crate::value::{Class, Number};

/// A value of MessagePack, but for the heads of its containers, whose lengths are known only when
/// they end, and for its attachments, which are copied only once: they are put in at the end.
#[derive(Debug)]
pub(super) struct Value<'a> {
    attachments: &'a [Bytes],
    body: Vec<u8>,
    /// In the order of their places.
    parts: Vec<Part>,
    /// The open containers, outermost first.
    open: Vec<Open>,
}

/// What belongs in front of a place in the body.
#[derive(Debug)]
struct Part {
    at: usize,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Array(usize),
    Map(usize),
    /// An attachment, by its number.
    Attachment(usize),
}

#[derive(Debug)]
struct Open {
    /// Its head among the parts.
    part: usize,
    len: usize,
    /// The key whose value is due; [`Key::Other`] in an array.
    key: Key,
    flagged: bool,
    num: Option<usize>,
}

impl<'a> Value<'a> {
    /// Reads JSON; lone surrogate escapes become U+FFFD.
    pub(super) fn read(json: &str, attachments: &'a [Bytes]) -> Result<Self, PayloadError> {
        let body = Vec::with_capacity(json.len());
        let mut value = Self { attachments, body, parts: Vec::new(), open: Vec::new() };
        scan(json, u16::MAX, &mut value)?;
        Ok(value)
    }

    /// Adds a member whose value is `undefined`, if the value is an object with no other member
    /// than `beside`.
    pub(super) fn complete(&mut self, beside: &str, key: &str) {
        let mut name = Vec::new();
        write::text(&mut name, beside);
        if let Some(Part { what: What::Map(len @ 1), .. }) = self.parts.first_mut() {
            if self.body.starts_with(&name) {
                *len += 1;
                write::text(&mut self.body, key);
                self.body.extend_from_slice(&write::UNDEFINED);
            }
        }
    }

    /// Appends everything to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        const LONGEST_HEAD: usize = 5;
        let attached: usize = self.attachments.iter().map(Bytes::len).sum();
        out.reserve(self.body.len() + attached + self.parts.len() * LONGEST_HEAD);
        let mut body = &*self.body;
        let mut at = 0;
        for part in &self.parts {
            let (before, behind) = body.split_at_checked(part.at - at).unwrap_or((body, &[]));
            out.extend_from_slice(before);
            (body, at) = (behind, part.at);
            match part.what {
                What::Array(len) => write::array(out, len),
                What::Map(len) => write::map(out, len),
                What::Attachment(num) => {
                    write::binary(out, self.attachments.get(num).map_or(&[], |bytes| &bytes[..]));
                }
            }
        }
        out.extend_from_slice(body);
    }

    /// Counts a value in the container it belongs to.
    fn count(&mut self, flagged: bool, num: Option<usize>) {
        if let Some(open) = self.open.last_mut() {
            open.len += 1;
            match open.key {
                Key::Flag => open.flagged = flagged,
                Key::Num => open.num = num,
                Key::Other => {}
            }
        }
    }
}

impl Sink for Value<'_> {
    fn open(&mut self, container: Container) {
        self.count(false, None);
        let part = self.parts.len();
        let what = match container {
            Container::Array => What::Array(0),
            Container::Object => What::Map(0),
        };
        self.parts.push(Part { at: self.body.len(), what });
        self.open.push(Open { part, len: 0, key: Key::Other, flagged: false, num: None });
    }

    fn close(&mut self) -> Result<(), PayloadError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let num = open.num.filter(|num| open.flagged && *num < self.attachments.len());
        let Some(part) = self.parts.get_mut(open.part) else { return Ok(()) };
        match (&mut part.what, num) {
            (What::Array(len), _) | (What::Map(len), None) => *len = open.len,
            (what, Some(num)) => {
                // The object was a placeholder: nothing of it goes out.
                *what = What::Attachment(num);
                self.body.truncate(part.at);
                self.parts.truncate(open.part + 1);
            }
            (What::Attachment(_), None) => {}
        }
        Ok(())
    }

    fn key(&mut self, raw: &str) {
        let key = unescape(raw);
        write::text(&mut self.body, &key);
        if let Some(open) = self.open.last_mut() {
            open.key = Key::new(&key);
        }
    }

    fn scalar(&mut self, scalar: Scalar<'_>) {
        let num = match scalar {
            Scalar::Number(text) => placeholder::index(text),
            _ => None,
        };
        self.count(scalar == Scalar::Bool(true), num);
        let out = &mut self.body;
        match scalar {
            Scalar::Null => out.push(write::NIL),
            Scalar::Bool(bool) => write::bool(out, bool),
            Scalar::String(raw) => write::text(out, &unescape(raw)),
            Scalar::Number(text) => match Number::from_text(text).class() {
                Class::Unsigned(number) => write::unsigned(out, number),
                Class::Signed(number) => write::signed(out, number),
                Class::Float(number) => write::float(out, number),
            },
        }
    }
}
