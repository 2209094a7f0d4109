//! The body of a POST, however it is written.

use std::borrow::Cow;

use super::{jsonp, v3, v3_binary, v4};
use crate::{InvalidPacket, Packet};

/// How the body of a POST is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text of revision 4.
    V4,
    /// Text of revision 3.
    V3,
    /// Bytes of revision 3.
    V3Binary,
    /// Text of revision 3 inside of a form.
    Jsonp,
}

/// The body of a POST, made ready to be taken apart.
///
/// Text that is not UTF-8 gets U+FFFD in the places where it is not.
#[derive(Clone, Debug)]
pub struct Body<'a>(Content<'a>);

#[derive(Clone, Debug)]
enum Content<'a> {
    V4(Cow<'a, str>),
    V3(Cow<'a, str>),
    V3Binary(v3_binary::Payload<'a>),
    Nothing,
    Invalid,
}

/// The packets of a body, and at most one error behind them; made by [`Body::packets`].
#[derive(Clone, Debug)]
pub struct Packets<'a>(Reading<'a>);

#[derive(Clone, Debug)]
enum Reading<'a> {
    V4(v4::Decode<'a>),
    V3(v3::Decode<'a>),
    V3Binary(v3_binary::Decode<'a>),
    Nothing,
    Invalid,
}

impl<'a> Body<'a> {
    /// Takes a body as it came.
    pub fn read(format: Format, body: &'a [u8]) -> Self {
        Self(match format {
            Format::V4 => Content::V4(String::from_utf8_lossy(body)),
            Format::V3 => Content::V3(String::from_utf8_lossy(body)),
            Format::V3Binary => match v3_binary::Payload::read(body) {
                Ok(payload) => Content::V3Binary(payload),
                Err(InvalidPacket) => Content::Invalid,
            },
            Format::Jsonp => match jsonp::unwrap(body) {
                Some(payload) => Content::V3(payload.into()),
                None => Content::Nothing,
            },
        })
    }

    /// Its packets, one by one.
    pub fn packets(&self) -> Packets<'_> {
        Packets(match &self.0 {
            Content::V4(text) => Reading::V4(v4::decode(text)),
            Content::V3(text) => Reading::V3(v3::decode(text)),
            Content::V3Binary(payload) => Reading::V3Binary(payload.packets()),
            Content::Nothing => Reading::Nothing,
            Content::Invalid => Reading::Invalid,
        })
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, InvalidPacket>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Reading::V4(packets) => packets.next(),
            Reading::V3(packets) => packets.next(),
            Reading::V3Binary(packets) => packets.next(),
            Reading::Nothing => None,
            Reading::Invalid => {
                self.0 = Reading::Nothing;
                Some(Err(InvalidPacket))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn every_format_reads_its_own() {
        let hello = [Ok(Packet::Message(Message::Text("hello")))];
        for (format, body) in [
            (Format::V4, &b"4hello"[..]),
            (Format::V3, b"6:4hello"),
            (Format::V3Binary, b"\x00\x06\xff4hello"),
            (Format::Jsonp, b"d=6%3A4hello"),
        ] {
            let body = Body::read(format, body);
            assert_eq!(body.packets().collect::<Vec<_>>(), hello, "{format:?}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        let body = Body::read(Format::V3, b"3:4\xffx");
        let expected = [Ok(Packet::Message(Message::Text("\u{fffd}x")))];
        assert_eq!(body.packets().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_broken_length_among_bytes_spoils_the_whole_body_once() {
        let body = Body::read(Format::V3Binary, b"\x00\x02\xff4a\x00\xff");
        assert_eq!(body.packets().collect::<Vec<_>>(), [Err(InvalidPacket)]);
    }

    #[test]
    fn a_form_without_its_field_holds_nothing() {
        assert_eq!(Body::read(Format::Jsonp, b"x=1").packets().count(), 0);
    }
}
