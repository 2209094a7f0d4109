//! Packets as revision 3 writes them: binary data names its type, too.

use std::borrow::Cow;

use super::{InvalidPacket, Message, Outgoing, Packet};
use crate::base64;

/// The type of a binary message, in front of its data.
const MESSAGE: u8 = 4;

impl<'a> Packet<'a> {
    /// Reads one packet of revision 3 from a WebSocket text message, or from its part of a polling payload.
    ///
    /// Text is that of revision 4. Binary data is `b`, a type digit and base64; where the type is unknown the reference passes
    /// the packet over, and here it reads as a [`Noop`](Self::Noop).
    ///
    /// # Errors
    /// [`InvalidPacket`] when the text is empty or its first character names no packet type.
    pub fn parse_v3(text: &'a str) -> Result<Self, InvalidPacket> {
        let Some(binary) = text.strip_prefix('b') else { return Self::parse(text) };
        let kind = binary.bytes().next().map(|digit| digit.wrapping_sub(b'0'));
        // A type that is known is ASCII, so the rest starts on a character.
        Ok(Self::typed(kind, || Cow::Owned(base64::decode(&binary[1..]))))
    }

    /// Reads one packet of revision 3 from a WebSocket binary message, or from its part of a binary payload: a type byte, and the
    /// data. An empty one, and one whose type is unknown, reads as a [`Noop`](Self::Noop).
    pub fn parse_binary_v3(frame: Cow<'a, [u8]>) -> Self {
        Self::typed(frame.first().copied(), || match frame {
            Cow::Borrowed(frame) => Cow::Borrowed(&frame[1..]),
            Cow::Owned(mut frame) => {
                frame.remove(0);
                Cow::Owned(frame)
            }
        })
    }

    fn typed(kind: Option<u8>, data: impl FnOnce() -> Cow<'a, [u8]>) -> Self {
        match kind {
            Some(0) => Self::Open,
            Some(1) => Self::Close,
            Some(2) => Self::Ping(""),
            Some(3) => Self::Pong,
            Some(MESSAGE) => Self::Message(Message::Binary(data())),
            Some(5) => Self::Upgrade,
            _ => Self::Noop,
        }
    }
}

impl Outgoing {
    /// Appends the packet as a text of revision 3, where binary data is `b4` and base64 with padding.
    pub fn write_text_v3(&self, out: &mut Vec<u8>) {
        if let Self::Binary(data) = self {
            out.extend_from_slice(b"b4");
            base64::encode(out, data);
        } else {
            self.write_text(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(data: &[u8]) -> Packet<'_> {
        Packet::Message(Message::Binary(data.into()))
    }

    #[test]
    fn binary_text_names_its_type() {
        let table = [
            ("b4AQIDBA==", binary(&[1, 2, 3, 4])),
            ("b4", binary(&[])),
            ("b1AQ==", Packet::Close),
            ("b2AQ==", Packet::Ping("")),
            ("b3AQ==", Packet::Pong),
            // Types that there are not.
            ("b9AA", Packet::Noop),
            ("b", Packet::Noop),
            ("bß", Packet::Noop),
            ("b/AA", Packet::Noop),
            // The rest is that of revision 4.
            ("2probe", Packet::Ping("probe")),
            ("4€", Packet::Message(Message::Text("€"))),
        ];
        for (text, packet) in table {
            assert_eq!(Packet::parse_v3(text), Ok(packet), "{text}");
        }
        for text in ["", "7", "abc", "😀", "\u{4}x"] {
            assert_eq!(Packet::parse_v3(text), Err(InvalidPacket), "{text:?}");
        }
    }

    #[test]
    fn binary_frames_begin_with_their_type() {
        for own in [false, true] {
            let read = |frame: &'static [u8]| {
                Packet::parse_binary_v3(if own { frame.to_vec().into() } else { frame.into() })
            };
            assert_eq!(read(&[4, 1, 2]), binary(&[1, 2]));
            assert_eq!(read(&[4]), binary(&[]));
            assert_eq!(read(&[1]), Packet::Close);
            assert_eq!(read(&[2, 7]), Packet::Ping(""));
            for unknown in [&[][..], &[7, 1], &[b'4', 1], &[255]] {
                assert_eq!(read(unknown), Packet::Noop, "{unknown:?}");
            }
        }
    }

    #[test]
    fn binary_data_is_written_with_its_type() {
        let mut out = Vec::new();
        Outgoing::Binary(vec![1, 2].into()).write_text_v3(&mut out);
        Outgoing::text("€").write_text_v3(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "b4AQI=4€");
    }
}
