//! Packets, as they come in and as they go out.

mod v3;

use std::{borrow::Cow, error, fmt, str};

use bytes::Bytes;

use crate::base64;

/// A message of the application, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Binary data; owned when it had to be decoded or put together.
    Binary(Cow<'a, [u8]>),
}

/// A packet, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`, which only servers send.
    Open,
    /// `1`: the peer closes.
    Close,
    /// `2`, with what stands behind it.
    Ping(&'a str),
    /// `3`.
    Pong,
    /// `4`, or binary data.
    Message(Message<'a>),
    /// `5`: the peer completes its upgrade.
    Upgrade,
    /// `6`.
    Noop,
}

impl<'a> Packet<'a> {
    /// Reads one packet of revision 4 from a WebSocket text message, or from its part of a polling payload.
    ///
    /// `b` and base64 is a binary message; the alphabet may be the standard or the URL-safe one, and characters
    /// outside of it are passed over, as the reference does.
    ///
    /// # Errors
    /// [`InvalidPacket`] when the text is empty or its first character names no packet type.
    pub fn parse(text: &'a str) -> Result<Self, InvalidPacket> {
        let (&kind, _) = text.as_bytes().split_first().ok_or(InvalidPacket)?;
        // Every accepted first byte is ASCII, so the rest starts on a character.
        Ok(match kind {
            b'0' => Self::Open,
            b'1' => Self::Close,
            b'2' => Self::Ping(&text[1..]),
            b'3' => Self::Pong,
            b'4' => Self::Message(Message::Text(&text[1..])),
            b'5' => Self::Upgrade,
            b'6' => Self::Noop,
            b'b' => Self::Message(Message::Binary(Cow::Owned(base64::decode(&text[1..])))),
            _ => return Err(InvalidPacket),
        })
    }
}

/// What came is not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPacket;

impl fmt::Display for InvalidPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer sent an invalid packet")
    }
}

impl error::Error for InvalidPacket {}

/// Text that is shared by reference.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Text(Bytes);

impl Text {
    /// The text as bytes, which are valid UTF-8.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl TryFrom<Bytes> for Text {
    type Error = str::Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

/// A packet on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// `0` and the handshake.
    Open(Text),
    /// `1`.
    Close,
    /// `2`.
    Ping,
    /// `3`, which revision 3 answers to a ping.
    Pong,
    /// `3probe`, the answer to `2probe`.
    ProbeAnswer,
    /// `4`: a text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
    /// `6`.
    Noop,
}

impl Outgoing {
    /// A text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// What the packet weighs in a queue, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Open(text) | Self::Text(text) => text.len() + 1,
            Self::Binary(data) => data.len(),
            Self::Close | Self::Ping | Self::Pong | Self::Noop | Self::ProbeAnswer => 1,
        }
    }

    /// The packet as a text: its type digit (or probe), and what follows. Binary messages have no digit of their
    /// own: on a WebSocket that takes binary they go as they are.
    pub fn parts(&self) -> (&'static str, &[u8]) {
        match self {
            Self::Open(text) => ("0", text.as_bytes()),
            Self::Close => ("1", b""),
            Self::Ping => ("2", b""),
            Self::Pong => ("3", b""),
            Self::ProbeAnswer => ("3probe", b""),
            Self::Text(text) => ("4", text.as_bytes()),
            Self::Binary(data) => ("", data),
            Self::Noop => ("6", b""),
        }
    }

    /// Appends the packet as a text of revision 4, where binary data is `b` and base64 with padding.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        if let Self::Binary(data) = self {
            out.push(b'b');
            base64::encode(out, data);
        } else {
            let (prefix, data) = self.parts();
            out.extend_from_slice(prefix.as_bytes());
            out.extend_from_slice(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_type() {
        let table = [
            ("0{}", Packet::Open),
            ("1", Packet::Close),
            ("2", Packet::Ping("")),
            ("2probe", Packet::Ping("probe")),
            ("3", Packet::Pong),
            ("3probe", Packet::Pong),
            ("4", Packet::Message(Message::Text(""))),
            ("4häß€😀", Packet::Message(Message::Text("häß€😀"))),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
            ("bAQIDBA==", Packet::Message(Message::Binary(vec![1, 2, 3, 4].into()))),
            ("b", Packet::Message(Message::Binary(vec![].into()))),
        ];
        for (text, packet) in table {
            assert_eq!(Packet::parse(text), Ok(packet), "{text}");
        }
    }

    #[test]
    fn refuses_what_has_no_type() {
        // A multi-byte first character once made a peer of ours panic: slicing must follow characters.
        for text in ["", "abc", "7", "9", "😀", "ß4", " 4", "\u{1e}"] {
            assert_eq!(Packet::parse(text), Err(InvalidPacket), "{text:?}");
        }
    }

    #[test]
    fn takes_base64_as_leniently_as_the_reference() {
        let table: [(&str, &[u8]); 6] = [
            ("b-_8=", &[0xfb, 0xff]),
            ("b+/8=", &[0xfb, 0xff]),
            ("bAQ ID\nBA==", &[1, 2, 3, 4]),
            ("bAQIDBA", &[1, 2, 3, 4]),
            ("bA", &[]),
            ("b!!!!", &[]),
        ];
        for (text, data) in table {
            assert_eq!(
                Packet::parse(text),
                Ok(Packet::Message(Message::Binary(data.into()))),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in any::<String>()) {
            let _ = Packet::parse(&text);
        }

        #[test]
        fn what_is_written_is_read_again(text in any::<String>(), data in any::<Vec<u8>>()) {
            let mut out = Vec::new();
            Outgoing::text(text.as_str()).write_text(&mut out);
            let written = String::from_utf8(out).unwrap();
            prop_assert_eq!(Packet::parse(&written), Ok(Packet::Message(Message::Text(&text))));

            let mut out = Vec::new();
            Outgoing::Binary(data.clone().into()).write_text(&mut out);
            let written = String::from_utf8(out).unwrap();
            prop_assert_eq!(Packet::parse(&written), Ok(Packet::Message(Message::Binary(data.into()))));
        }
    }
}
