//! Payloads of revision 4: packets kept apart by the record separator.
//!
//! Engine.IO protocol revision 4, "Encoding of payloads". Nobody escapes the separator: a text message that holds
//! the character U+001E cannot travel over polling. JSON escapes it, so Socket.IO is not concerned.

use crate::{InvalidPacket, Outgoing, Packet};

/// Stands between the packets of a payload.
pub const SEPARATOR: char = '\u{1e}';

/// Reads a payload packet by packet.
///
/// Ends after the first error, because nothing behind it can be trusted; what came before is good and is to be
/// delivered. An empty payload is an error: it holds an empty packet.
///
/// ```
/// use siomio_engine::{InvalidPacket, Packet, payload::v4};
///
/// let packets: Vec<_> = v4::decode("2\u{1e}x\u{1e}3").collect();
/// assert_eq!(packets, [Ok(Packet::Ping("")), Err(InvalidPacket)]);
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
        let rest = self.rest.take()?;
        let (packet, behind) = match rest.split_once(SEPARATOR) {
            Some((packet, behind)) => (packet, Some(behind)),
            None => (rest, None),
        };
        let packet = Packet::parse(packet);
        if packet.is_ok() {
            self.rest = behind;
        }
        Some(packet)
    }
}

/// Appends packets as one payload.
pub fn encode<'p>(out: &mut Vec<u8>, packets: impl IntoIterator<Item = &'p Outgoing>) {
    for (index, packet) in packets.into_iter().enumerate() {
        if index > 0 {
            out.push(SEPARATOR as u8);
        }
        packet.write_text(out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Message;

    fn text(text: &str) -> Result<Packet<'_>, InvalidPacket> {
        Ok(Packet::Message(Message::Text(text)))
    }

    #[test]
    fn reads_the_transcripts_of_the_protocol() {
        let binary = Ok(Packet::Message(Message::Binary(vec![1, 2, 3, 4].into())));
        let packets: Vec<_> = decode("4hello\u{1e}2\u{1e}bAQIDBA==").collect();
        assert_eq!(packets, [text("hello"), Ok(Packet::Ping("")), binary]);
    }

    #[test]
    fn keeps_what_came_before_an_error_and_nothing_after() {
        for (body, expected) in [
            ("", vec![Err(InvalidPacket)]),
            ("4a\u{1e}", vec![text("a"), Err(InvalidPacket)]),
            ("\u{1e}4a", vec![Err(InvalidPacket)]),
            ("4a\u{1e}xx\u{1e}4b", vec![text("a"), Err(InvalidPacket)]),
        ] {
            assert_eq!(decode(body).collect::<Vec<_>>(), expected, "{body:?}");
        }
    }

    #[test]
    fn writes_the_separator_between_packets_only() {
        let mut out = Vec::new();
        encode(
            &mut out,
            &[Outgoing::text("test1"), Outgoing::Noop, Outgoing::Binary(vec![1, 2, 3, 4].into())],
        );
        assert_eq!(String::from_utf8(out).unwrap(), "4test1\u{1e}6\u{1e}bAQIDBA==");
    }

    proptest! {
        #[test]
        fn decode_reverses_encode(messages in prop::collection::vec("[^\u{1e}]{0,20}", 1..8)) {
            let packets: Vec<_> = messages.iter().map(|m| Outgoing::text(m.as_str())).collect();
            let mut out = Vec::new();
            encode(&mut out, &packets);
            let body = String::from_utf8(out).unwrap();
            let expected: Vec<_> = messages.iter().map(|m| text(m)).collect();
            prop_assert_eq!(decode(&body).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn any_body_is_read_without_panic(body in any::<String>()) {
            prop_assert!(decode(&body).count() <= body.len() + 1);
        }
    }
}
