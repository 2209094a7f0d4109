use std::str;

use super::BodyLength;
use super::fields::elements;
use crate::Error;

/// Gathers what the header lines of a request say about the length of its body (RFC 9112 §6.3).
///
/// Wherever two readers could disagree about the length the request is refused, for that is how
/// requests are smuggled past a proxy.
#[derive(Debug)]
pub(super) struct Framing {
    length: Option<u64>,
    coding: Coding,
}

/// The transfer codings seen so far, in order, over all lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Absent,
    Chunked,
    /// Something else than `chunked`.
    Unknown,
    /// Something else, then `chunked`: well framed, but nothing here decodes it.
    UnknownThenChunked,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self { length: None, coding: Coding::Absent }
    }

    /// A `Content-Length` line.
    pub(super) fn content_length(&mut self, value: &[u8]) -> Result<(), Error> {
        let length = parse_decimal(value).ok_or(Error::ContentLengthInvalid)?;
        match self.length.replace(length) {
            None => Ok(()),
            Some(_) => Err(Error::ContentLengthRepeated),
        }
    }

    /// A `Transfer-Encoding` line.
    pub(super) fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Error> {
        for element in elements(value) {
            let is_chunked = element.eq_ignore_ascii_case(b"chunked");
            self.coding = match (self.coding, is_chunked) {
                (Coding::Absent, true) => Coding::Chunked,
                (Coding::Unknown, true) => Coding::UnknownThenChunked,
                (Coding::Absent | Coding::Unknown, false) if is_coding(element) => Coding::Unknown,
                // Nothing may follow `chunked`, not even itself.
                _ => return Err(Error::TransferEncodingInvalid),
            };
        }
        Ok(())
    }

    pub(super) fn finish(self, is_http_1_1: bool) -> Result<BodyLength, Error> {
        match (self.coding, self.length) {
            (Coding::Absent, None) => Ok(BodyLength::None),
            (Coding::Absent, Some(length)) => Ok(BodyLength::Length(length)),
            (_, Some(_)) => Err(Error::ContentLengthAndTransferEncoding),
            (_, None) if !is_http_1_1 => Err(Error::TransferEncodingInHttp10),
            (Coding::Chunked, None) => Ok(BodyLength::Chunked),
            (Coding::Unknown, None) => Err(Error::TransferEncodingInvalid),
            (Coding::UnknownThenChunked, None) => Err(Error::TransferEncodingUnsupported),
        }
    }
}

/// Digits and nothing else, as 64 bits.
fn parse_decimal(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None; // `str::parse` would take a sign
    }
    str::from_utf8(value).ok()?.parse().ok()
}

/// Whether an element can be a transfer coding, possibly with parameters.
fn is_coding(element: &[u8]) -> bool {
    element.first().is_some_and(u8::is_ascii_alphanumeric)
}
