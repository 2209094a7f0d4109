//! Payloads of revision 3 as bytes: each packet behind its kind and its length.
//!
//! A packet is `00` for text or `01` for binary data, the decimal digits of its length as bytes 0 to 9, `ff`, and so many
//! bytes: UTF-8, or a type byte and the data. (The text of the protocol leaves the type byte out; the reference does not.)

use std::{borrow::Cow, ops::Range, str};

use crate::{InvalidPacket, Outgoing, Packet};

const TEXT: u8 = 0;
const BINARY: u8 = 1;
const END_OF_LENGTH: u8 = 0xff;
/// The type byte of a message.
const MESSAGE: u8 = 4;

/// As many digits as JavaScript's largest number has.
const MAX_DIGITS: usize = 310;

/// A payload whose lengths are right.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    bytes: Cow<'a, [u8]>,
}

/// The packets of a payload; made by [`Payload::packets`].
#[derive(Clone, Debug)]
pub struct Decode<'a> {
    rest: &'a [u8],
}

/// One packet as it stands in the payload.
struct Part {
    is_text: bool,
    /// Where its content is.
    content: Range<usize>,
}

impl<'a> Payload<'a> {
    /// Checks the lengths, all of them before the first packet is read. An empty payload is none too few.
    ///
    /// Halves of surrogate pairs, which JavaScript may send and UTF-8 does not allow, become U+FFFD; the bytes are copied
    /// for that only.
    ///
    /// # Errors
    /// [`InvalidPacket`] when something else than `00` or `01` stands where a packet begins, when a length has no digits,
    /// more than 310 or others than 0 to 9, or when it reaches behind the end.
    pub fn read(bytes: &'a [u8]) -> Result<Self, InvalidPacket> {
        let mut payload = Cow::Borrowed(bytes);
        let mut start = 0;
        while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
            let part = first(rest).ok_or(InvalidPacket)?;
            let content = start + part.content.start..start + part.content.end;
            start = content.end;
            if part.is_text && str::from_utf8(&bytes[content.clone()]).is_err() {
                replace_surrogates(&mut payload.to_mut()[content]);
            }
        }
        Ok(Self { bytes: payload })
    }

    /// Its packets, one by one. Ends after the first error.
    pub fn packets(&self) -> Decode<'_> {
        Decode { rest: &self.bytes }
    }
}

impl<'a> Iterator for Decode<'a> {
    type Item = Result<Packet<'a>, InvalidPacket>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let Some(Part { is_text, content }) = first(rest) else { return Some(Err(InvalidPacket)) };
        let (behind, content) = (&rest[content.end..], &rest[content]);
        let packet = if is_text {
            str::from_utf8(content).map_err(|_| InvalidPacket).and_then(Packet::parse_v3)
        } else {
            Ok(Packet::parse_binary_v3(content.into()))
        };
        if packet.is_ok() {
            self.rest = behind;
        }
        Some(packet)
    }
}

/// Finds the first packet.
fn first(bytes: &[u8]) -> Option<Part> {
    let is_text = match *bytes.first()? {
        TEXT => true,
        BINARY => false,
        _ => return None,
    };
    let digits = bytes[1..].iter().take(MAX_DIGITS + 1).position(|&byte| byte == END_OF_LENGTH)?;
    let start = 1 + digits + 1;
    let length = match &bytes[1..=digits] {
        [] => return None,
        digits => digits.iter().try_fold(0_usize, |length, &digit| {
            (digit <= 9).then(|| length.saturating_mul(10).saturating_add(digit.into()))
        })?,
    };
    let end = start.checked_add(length).filter(|&end| end <= bytes.len())?;
    Some(Part { is_text, content: start..end })
}

/// Puts U+FFFD, which is as long, in place of every half of a surrogate pair. Whatever else is no UTF-8 stays as it is.
fn replace_surrogates(mut bytes: &mut [u8]) {
    while let Err(error) = str::from_utf8(bytes) {
        let (_, invalid) = bytes.split_at_mut(error.valid_up_to());
        let Some((half @ [0xed, 0xa0..=0xbf, 0x80..=0xbf], behind)) =
            invalid.split_first_chunk_mut()
        else {
            return;
        };
        half.copy_from_slice("\u{fffd}".as_bytes());
        bytes = behind;
    }
}

/// Appends packets as one payload.
pub fn encode<'p>(out: &mut Vec<u8>, packets: impl IntoIterator<Item = &'p Outgoing>) {
    for packet in packets {
        if let Outgoing::Binary(data) = packet {
            write_head(out, BINARY, 1 + data.len());
            out.push(MESSAGE);
            out.extend_from_slice(data);
        } else {
            let (kind, data) = packet.parts();
            write_head(out, TEXT, kind.len() + data.len());
            packet.write_text_v3(out);
        }
    }
}

fn write_head(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    out.extend(length.to_string().bytes().map(|digit| digit - b'0'));
    out.push(END_OF_LENGTH);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Message;

    type Packets<'a> = Vec<Result<Packet<'a>, InvalidPacket>>;

    fn text(text: &str) -> Result<Packet<'_>, InvalidPacket> {
        Ok(Packet::Message(Message::Text(text)))
    }

    fn binary(data: &[u8]) -> Result<Packet<'_>, InvalidPacket> {
        Ok(Packet::Message(Message::Binary(data.into())))
    }

    /// Compares the packets of a payload.
    fn check(body: &[u8], expected: &Packets<'_>) {
        let payload = Payload::read(body).expect("the lengths are right");
        assert_eq!(&payload.packets().collect::<Packets<'_>>(), expected, "{body:x?}");
    }

    #[test]
    fn the_bytes_are_those_of_the_reference() {
        let packets = [Outgoing::text("€"), Outgoing::Binary(vec![1, 2, 3, 4].into())];
        let mut out = Vec::new();
        encode(&mut out, &packets);
        assert_eq!(out, b"\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04");
        check(&out, &vec![text("€"), binary(&[1, 2, 3, 4])]);
    }

    #[test]
    fn longer_lengths_have_more_digits() {
        let data = vec![7; 1233];
        let mut out = Vec::new();
        encode(&mut out, &[Outgoing::Binary(data.clone().into())]);
        assert_eq!(out[..7], [1, 1, 2, 3, 4, 0xff, 4]);
        check(&out, &vec![binary(&data)]);
    }

    #[test]
    fn an_empty_payload_and_unknown_types_of_binary_data_are_no_errors() {
        check(b"", &vec![]);
        check(b"\x01\x02\xff\x09x\x01\x00\xff", &vec![Ok(Packet::Noop), Ok(Packet::Noop)]);
    }

    #[test]
    fn text_that_is_no_packet_ends_the_payload_and_spares_what_came_before() {
        for bad in
            [&b"\x00\x00\xff"[..], b"\x00\x01\xffx", b"\x00\x02\xff4\xff", b"\x00\x03\xff4\xc0\x80"]
        {
            let body = [b"\x00\x02\xff4a", bad, b"\x00\x02\xff4b"].concat();
            check(&body, &vec![text("a"), Err(InvalidPacket)]);
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_are_replaced() {
        check(b"\x00\x05\xff4\xed\xa0\xbdx", &vec![text("\u{fffd}x")]);
        check(b"\x00\x07\xff4\xed\xa0\xbd\xed\xb8\x80", &vec![text("\u{fffd}\u{fffd}")]);
        // But not what is broken in other ways, and nothing in binary data.
        check(b"\x00\x06\xff4\xed\xa0\xbd\xff\xff", &vec![Err(InvalidPacket)]);
        check(b"\x00\x03\xff4\xed\xa0\x01\x04\xff\x04\xed\xa0\xbd", &vec![Err(InvalidPacket)]);
        check(
            b"\x00\x04\xff4\xed\xa0\xbd\x01\x04\xff\x04\xed\xa0\xbd",
            &vec![text("\u{fffd}"), binary(b"\xed\xa0\xbd")],
        );
    }

    #[test]
    fn broken_lengths_spoil_everything() {
        let digits =
            |count: usize, last: &[u8]| [&[0][..], &vec![0; count - 1], &[1, 0xff], last].concat();
        for body in [
            &b"\x00"[..],
            b"\x01",
            b"\x00\xff4a",
            b"\x00\x02",
            b"\x00\x024a",
            b"\x00\x0a\xff4aaaaaaaaa",
            b"\x00\x32\xff4a",
            b"\x00\x03\xff4a",
            b"\x02\x02\xff4a",
            b"4a",
            b"\x00\x02\xff4a\x00",
            &digits(311, b"2"),
        ] {
            assert!(Payload::read(body).is_err(), "{body:x?}");
        }
        check(&digits(310, b"2"), &vec![Ok(Packet::Ping(""))]);
    }

    #[test]
    fn a_length_bomb_costs_nothing() {
        let bomb = [&[1][..], &[9; 310], &[0xff, 4]].concat();
        assert!(Payload::read(&bomb).is_err());
        // A length is looked for in a few bytes, not in all that follow.
        let body = [&b"\x00\x01\xff2".repeat(200_000)[..], &[0; 100_000]].concat();
        assert!(Payload::read(&body).is_err());
    }

    proptest! {
        #[test]
        fn decode_reverses_encode(messages in prop::collection::vec(
            prop_oneof![any::<String>().prop_map(Ok), any::<Vec<u8>>().prop_map(Err)], 0..8,
        )) {
            let packets: Vec<_> = messages.iter().map(|message| match message {
                Ok(text) => Outgoing::text(text.as_str()),
                Err(data) => Outgoing::Binary(data.clone().into()),
            }).collect();
            let mut body = Vec::new();
            encode(&mut body, &packets);
            let expected = messages.iter().map(|message| match message {
                Ok(text) => self::text(text),
                Err(data) => binary(data),
            }).collect();
            check(&body, &expected);
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in any::<Vec<u8>>(),
            parts in prop::collection::vec((0_u8..2, prop::collection::vec(any::<u8>(), 0..9)), 0..5),
        ) {
            let _ = Payload::read(&bytes);
            let mut body = Vec::new();
            for (kind, content) in parts {
                write_head(&mut body, kind, content.len());
                body.extend(content);
            }
            let payload = Payload::read(&body).unwrap();
            prop_assert!(payload.packets().count() <= 5);
        }
    }
}
