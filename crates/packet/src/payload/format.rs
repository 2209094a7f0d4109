use std::cell::Cell;
use std::io::{self, Write};

use bytes::Bytes;
use serde_json::ser::{CompactFormatter, Formatter};

use crate::handover;
use crate::placeholder;

/// Compact JSON in which bytes become placeholders and are set aside.
pub(super) struct Attaching<'a> {
    attachments: &'a mut Vec<Bytes>,
    list: Option<&'a Cell<List>>,
}

/// How the arguments of a packet turned out to be shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// One argument, as long as nothing else is known.
    One,
    /// `()`: none.
    Nothing,
    /// A tuple, whose bracket is about to be opened.
    Opening,
    /// A tuple, whose elements are the arguments.
    Elements,
}

impl<'a> Attaching<'a> {
    pub(super) fn new(attachments: &'a mut Vec<Bytes>) -> Self {
        Self { attachments, list: None }
    }

    /// The same, but the bracket that opens after `list` was set to [`List::Opening`] is left out.
    pub(super) fn list(attachments: &'a mut Vec<Bytes>, list: &'a Cell<List>) -> Self {
        Self { attachments, list: Some(list) }
    }
}

impl Formatter for Attaching<'_> {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        match self.list {
            Some(list) if list.get() == List::Opening => {
                list.set(List::Elements);
                Ok(())
            }
            _ => out.write_all(b"["),
        }
    }

    fn write_byte_array<W: Write + ?Sized>(&mut self, out: &mut W, bytes: &[u8]) -> io::Result<()> {
        placeholder::write(&mut &mut *out, self.attachments.len())?;
        let lent = handover::take_bytes(bytes);
        self.attachments.push(lent.unwrap_or_else(|| Bytes::copy_from_slice(bytes)));
        Ok(())
    }

    fn write_f64<W: Write + ?Sized>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        match handover::take_number(value) {
            Some(number) => out.write_all(number.as_str().as_bytes()),
            None => CompactFormatter.write_f64(out, value),
        }
    }

    /// Also called for numbers beyond the range of `f64`.
    fn write_null<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        match handover::take_number(f64::INFINITY) {
            Some(number) => out.write_all(number.as_str().as_bytes()),
            None => out.write_all(b"null"),
        }
    }
}
