//! Payloads of revision 3 as text: each packet behind its length.
//!
//! Engine.IO protocol revision 3, "Payload". The length counts what JavaScript counts, UTF-16 code units: 2 for a
//! character beyond U+FFFF, 1 for any other.

use crate::{InvalidPacket, Outgoing, Packet, base64};

/// Reads a payload packet by packet.
///
/// Ends after the first error; what came before is good and is to be delivered. A length that is no number, reaches behind
/// the end or into the middle of a character is an error, and so is an empty payload. Empty packets are passed over.
///
/// ```
/// use siomio_engine::{InvalidPacket, Message, Packet, payload::v3};
///
/// let packets: Vec<_> = v3::decode("3:4😀0:1:29:").collect();
/// let message = Packet::Message(Message::Text("😀"));
/// assert_eq!(packets, [Ok(message), Ok(Packet::Ping("")), Err(InvalidPacket)]);
/// ```
pub fn decode(body: &str) -> Decode<'_> {
    Decode { rest: Some(body) }
}

/// The packets of a payload; made by [`decode`].
#[derive(Clone, Debug)]
pub struct Decode<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Decode<'a> {
    type Item = Result<Packet<'a>, InvalidPacket>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest.take() {
            let Some((packet, behind)) = split(rest) else { return Some(Err(InvalidPacket)) };
            let packet = match packet {
                "" => None,
                packet => Some(Packet::parse_v3(packet)),
            };
            if packet != Some(Err(InvalidPacket)) {
                self.rest = Some(behind).filter(|behind| !behind.is_empty());
            }
            if packet.is_some() {
                return packet;
            }
        }
        None
    }
}

/// The first packet, and what stands behind it.
fn split(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (length, rest) = text.split_at_checked(colon)?;
    // What does not fit reaches behind the end of anything.
    let length = length.parse().ok()?;
    split_utf16(rest.strip_prefix(':')?, length)
}

/// Splits text behind so many UTF-16 code units, in time that depends on the first part only.
fn split_utf16(text: &str, mut units: usize) -> Option<(&str, &str)> {
    // A unit takes a byte at least.
    if text.as_bytes().get(..units)?.is_ascii() {
        return text.split_at_checked(units);
    }
    for (place, character) in text.char_indices() {
        if units == 0 {
            return text.split_at_checked(place);
        }
        units = units.checked_sub(character.len_utf16())?;
    }
    (units == 0).then_some((text, ""))
}

/// Appends packets as one payload; none of them make `0:`.
pub fn encode<'p>(out: &mut Vec<u8>, packets: impl IntoIterator<Item = &'p Outgoing>) {
    let start = out.len();
    for packet in packets {
        let length = match packet {
            Outgoing::Binary(data) => "b4".len() + base64::encoded_len(data.len()),
            _ => {
                let (kind, data) = packet.parts();
                kind.len() + utf16_len(data)
            }
        };
        out.extend_from_slice(length.to_string().as_bytes());
        out.push(b':');
        packet.write_text_v3(out);
    }
    if out.len() == start {
        out.extend_from_slice(b"0:");
    }
}

/// The length of valid UTF-8 in UTF-16 code units: every character has one byte that does not continue another, and those
/// beyond U+FFFF have a second unit.
fn utf16_len(text: &[u8]) -> usize {
    text.iter().map(|&byte| usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Message;

    fn text(text: &str) -> Result<Packet<'_>, InvalidPacket> {
        Ok(Packet::Message(Message::Text(text)))
    }

    fn written(packets: &[Outgoing]) -> String {
        let mut out = Vec::new();
        encode(&mut out, packets);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lengths_are_those_of_javascript() {
        for (message, payload) in
            [("hello", "6:4hello"), ("€", "2:4€"), ("😀", "3:4😀"), ("a€😀\0", "6:4a€😀\0")]
        {
            assert_eq!(written(&[Outgoing::text(message)]), payload);
            assert_eq!(decode(payload).collect::<Vec<_>>(), [text(message)]);
        }
    }

    #[test]
    fn several_packets_stand_in_a_row() {
        let packets =
            [Outgoing::text("hello"), Outgoing::Binary(vec![1, 2, 3, 4].into()), Outgoing::Pong];
        assert_eq!(written(&packets), "6:4hello10:b4AQIDBA==1:3");
        assert_eq!(written(&[Outgoing::Close]), "1:1");
        assert_eq!(written(&[Outgoing::Noop, Outgoing::Close]), "1:61:1");
        assert_eq!(written(&[]), "0:");
    }

    #[test]
    fn empty_packets_and_binary_ones_of_no_known_type_are_no_errors() {
        assert_eq!(decode("0:").count(), 0);
        assert_eq!(decode("0:0:2:4a0:").collect::<Vec<_>>(), [text("a")]);
        assert_eq!(decode("4:b9AA2:4a").collect::<Vec<_>>(), [Ok(Packet::Noop), text("a")]);
    }

    #[test]
    fn keeps_what_came_before_an_error_and_nothing_after() {
        let error = Err(InvalidPacket);
        for (body, expected) in [
            ("", vec![error.clone()]),
            ("abc", vec![error.clone()]),
            (":4a", vec![error.clone()]),
            ("a:4a", vec![error.clone()]),
            ("-1:4a", vec![error.clone()]),
            ("+2:4a", vec![error.clone()]),
            (" 2:4a", vec![error.clone()]),
            ("2.0:4a", vec![error.clone()]),
            ("1e0:2", vec![error.clone()]),
            ("3:4a", vec![error.clone()]),
            ("2", vec![error.clone()]),
            ("2:4a7", vec![text("a"), error.clone()]),
            ("2:4a1:x2:4b", vec![text("a"), error.clone()]),
            // A length that cuts a character in two.
            ("2:4😀", vec![error.clone()]),
            ("2:4a2:4😀1:2", vec![text("a"), error.clone()]),
            // Bytes are not what is counted.
            ("4:4€", vec![error.clone()]),
            ("99999999999999999999999999:4a", vec![error]),
        ] {
            assert_eq!(decode(body).collect::<Vec<_>>(), expected, "{body:?}");
        }
    }

    #[test]
    fn a_leading_zero_changes_nothing() {
        assert_eq!(decode("0002:4a").collect::<Vec<_>>(), [text("a")]);
    }

    #[test]
    fn a_payload_of_very_many_packets_takes_linear_time() {
        // Quadratic, this would be 10¹¹ steps.
        let body = "1:2".repeat(300_000) + &"é".repeat(100_000);
        assert_eq!(decode(&body).filter(Result::is_ok).count(), 300_000);
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
            let body = written(&packets);
            let expected: Vec<_> = messages.iter().map(|message| Ok(Packet::Message(match message {
                Ok(text) => Message::Text(text),
                Err(data) => Message::Binary(data.into()),
            }))).collect();
            prop_assert_eq!(decode(&body).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn any_body_is_read_without_panic(body in "([0-9]{0,3}:?(\\PC|[4b]){0,4}){0,5}") {
            prop_assert!(decode(&body).count() <= body.len() + 1);
        }
    }
}
