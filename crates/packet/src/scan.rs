//! One pass over JSON text: is it well-formed, and does it stay within the allowed depth?
//!
//! The scanner is iterative, so depth costs a bit and not a stack frame, and it feeds a [`Sink`]:
//! nothing (validation alone), the placeholder check, or the builder of a [`Value`](crate::Value).
//! All of them therefore agree on what JSON is.

mod escape;
mod skip;
mod string;
#[cfg(test)]
mod tests;

pub(crate) use escape::{mend_surrogates, unescape};
pub(crate) use skip::{Elements, skip_value, trim};
pub(crate) use string::is_plain;

use crate::error::PayloadError;
use string::Body;

/// Checks that `text` is one JSON value (RFC 8259) of at most `max_depth` nested containers.
pub(crate) fn scan<S: Sink>(
    text: &str,
    max_depth: u16,
    sink: &mut S,
) -> Result<Scanned, PayloadError> {
    let mut scanner = Scanner { text, at: 0, nest: Nest::new(max_depth), lone_surrogate: false };
    scanner.document(sink)?;
    Ok(Scanned { lone_surrogate: scanner.lone_surrogate })
}

/// What the scan noticed beside validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Some string holds the escape of half a surrogate pair, which only JavaScript can read.
    pub(crate) lone_surrogate: bool,
}

/// A scalar as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    /// What stands between the quotes; see [`unescape`].
    String(&'a str),
}

/// Receives the parts of a document in order.
pub(crate) trait Sink {
    fn open(&mut self, container: Container);
    /// The innermost container ends; the sink may refuse it.
    fn close(&mut self) -> Result<(), PayloadError>;
    /// The text between a key's quotes.
    fn key(&mut self, raw: &str);
    fn scalar(&mut self, scalar: Scalar<'_>);
}

/// Validation alone.
impl Sink for () {
    fn open(&mut self, _: Container) {}

    fn close(&mut self) -> Result<(), PayloadError> {
        Ok(())
    }

    fn key(&mut self, _: &str) {}

    fn scalar(&mut self, _: Scalar<'_>) {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Array,
    Object,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    nest: Nest,
    lone_surrogate: bool,
}

impl Scanner<'_> {
    fn document<S: Sink>(&mut self, sink: &mut S) -> Result<(), PayloadError> {
        loop {
            self.value(sink)?;
            // A value is complete: close what ends with it, until one more value is due.
            loop {
                self.whitespace();
                let Some(container) = self.nest.innermost() else {
                    return if self.at == self.text.len() { Ok(()) } else { self.syntax() };
                };
                match (container, self.peek()) {
                    (Container::Array, Some(b',')) => self.at += 1,
                    (Container::Object, Some(b',')) => {
                        self.at += 1;
                        self.key(sink)?;
                    }
                    (Container::Array, Some(b']')) | (Container::Object, Some(b'}')) => {
                        self.close(sink)?;
                        continue;
                    }
                    _ => return self.syntax(),
                }
                break;
            }
        }
    }

    /// Reads a scalar, an empty container, or the way down to the first of either.
    fn value<S: Sink>(&mut self, sink: &mut S) -> Result<(), PayloadError> {
        loop {
            self.whitespace();
            match self.peek() {
                Some(b'"') => {
                    let raw = self.string()?;
                    sink.scalar(Scalar::String(raw));
                }
                Some(b'-' | b'0'..=b'9') => {
                    let number = self.number()?;
                    sink.scalar(Scalar::Number(number));
                }
                Some(b'[') => {
                    self.open(Container::Array, sink)?;
                    if self.peek() != Some(b']') {
                        continue;
                    }
                    self.close(sink)?;
                }
                Some(b'{') => {
                    self.open(Container::Object, sink)?;
                    if self.peek() != Some(b'}') {
                        self.key(sink)?;
                        continue;
                    }
                    self.close(sink)?;
                }
                Some(b't') => self.literal("true", Scalar::Bool(true), sink)?,
                Some(b'f') => self.literal("false", Scalar::Bool(false), sink)?,
                Some(b'n') => self.literal("null", Scalar::Null, sink)?,
                _ => return self.syntax(),
            }
            return Ok(());
        }
    }

    fn open<S: Sink>(&mut self, container: Container, sink: &mut S) -> Result<(), PayloadError> {
        self.nest.push(container)?;
        sink.open(container);
        self.at += 1;
        self.whitespace();
        Ok(())
    }

    fn close<S: Sink>(&mut self, sink: &mut S) -> Result<(), PayloadError> {
        self.at += 1;
        self.nest.pop();
        sink.close()
    }

    /// Reads `"key" :`, whitespace allowed around it.
    fn key<S: Sink>(&mut self, sink: &mut S) -> Result<(), PayloadError> {
        self.whitespace();
        if self.peek() != Some(b'"') {
            return self.syntax();
        }
        let raw = self.string()?;
        sink.key(raw);
        self.whitespace();
        if self.peek() != Some(b':') {
            return self.syntax();
        }
        self.at += 1;
        Ok(())
    }

    fn literal<S: Sink>(
        &mut self,
        word: &str,
        scalar: Scalar<'_>,
        sink: &mut S,
    ) -> Result<(), PayloadError> {
        let rest = self.bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return self.syntax();
        }
        self.at += word.len();
        sink.scalar(scalar);
        Ok(())
    }

    fn whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    fn syntax<T>(&self) -> Result<T, PayloadError> {
        Err(PayloadError::Syntax { at: self.at })
    }
}

impl<'a> Scanner<'a> {
    /// Reads a string whose opening quote is the next byte; returns what stands between the quotes.
    fn string(&mut self) -> Result<&'a str, PayloadError> {
        let start = self.at + 1;
        match string::body(self.bytes(), start) {
            Ok(Body { end, lone_surrogate }) => {
                self.lone_surrogate |= lone_surrogate;
                self.at = end + 1;
                Ok(self.slice(start, end))
            }
            Err(at) => {
                self.at = at;
                self.syntax()
            }
        }
    }

    fn number(&mut self) -> Result<&'a str, PayloadError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.slice(start, self.at))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), PayloadError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { self.syntax() } else { Ok(()) }
    }

    /// Both ends lie beside ASCII characters, so they are character boundaries.
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }
}

/// The open containers, one bit each. The innermost 64 need no heap.
struct Nest {
    limit: u16,
    depth: u16,
    /// The innermost containers; bit 0 is the innermost, 1 stands for an object.
    top: u64,
    /// Full words of the containers further out.
    below: Vec<u64>,
}

impl Nest {
    fn new(limit: u16) -> Self {
        Self { limit, depth: 0, top: 0, below: Vec::new() }
    }

    fn push(&mut self, container: Container) -> Result<(), PayloadError> {
        if self.depth == self.limit {
            return Err(PayloadError::TooDeep { limit: self.limit });
        }
        if self.depth % 64 == 0 && self.depth > 0 {
            self.below.push(self.top);
        }
        self.top = self.top << 1 | u64::from(container == Container::Object);
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.top >>= 1;
        if self.depth % 64 == 0 {
            self.top = self.below.pop().unwrap_or_default();
        }
    }

    fn innermost(&self) -> Option<Container> {
        match (self.depth, self.top & 1) {
            (0, _) => None,
            (_, 0) => Some(Container::Array),
            _ => Some(Container::Object),
        }
    }
}
