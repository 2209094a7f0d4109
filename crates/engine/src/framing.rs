//! Messages on a WebSocket.

use std::borrow::Cow;

use crate::{Outgoing, Protocol};

/// How binary messages go out on a session's WebSocket; texts are the same in all of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The revision of the protocol: 3 puts a type in front of binary data.
    pub protocol: Protocol,
    /// Binary data goes as base64 text (`b64` in the query of the WebSocket).
    pub base64: bool,
}

impl Framing {
    /// The framing in which nearly all clients take binary data: as it is.
    pub const PLAIN: Self = Self { protocol: Protocol::V4, base64: false };

    /// What stands in front of the data in a binary message.
    pub const fn binary_prefix(self) -> &'static [u8] {
        match self.protocol {
            Protocol::V3 => &[4],
            Protocol::V4 => &[],
        }
    }

    /// The packet as a message: whether it is a binary one, and its payload, which is borrowed where it is the data itself.
    ///
    /// ```
    /// use siomio_engine::{Framing, Outgoing};
    ///
    /// let (text, data) = (Outgoing::text("hello"), Outgoing::Binary(vec![1, 2, 3].into()));
    /// assert_eq!(Framing::PLAIN.message(&text), (false, b"4hello".into()));
    /// assert_eq!(Framing::PLAIN.message(&data), (true, (&[1, 2, 3]).into()));
    /// let base64 = Framing { base64: true, ..Framing::PLAIN };
    /// assert_eq!(base64.message(&data), (false, b"bAQID".into()));
    /// ```
    pub fn message(self, packet: &Outgoing) -> (bool, Cow<'_, [u8]>) {
        match packet {
            Outgoing::Binary(data) if !self.base64 => match self.binary_prefix() {
                [] => (true, Cow::Borrowed(data)),
                prefix => (true, Cow::Owned([prefix, data].concat())),
            },
            _ => {
                let mut text = Vec::new();
                self.write_text(packet, &mut text);
                (false, Cow::Owned(text))
            }
        }
    }

    /// Appends the packet as the text of a message.
    pub fn write_text(self, packet: &Outgoing, out: &mut Vec<u8>) {
        match self.protocol {
            Protocol::V3 => packet.write_text_v3(out),
            Protocol::V4 => packet.write_text(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_message_has_its_type_in_front_in_revision_3_only() {
        let data = Outgoing::Binary(vec![1, 2].into());
        let [v3, v4] =
            [Protocol::V3, Protocol::V4].map(|protocol| Framing { protocol, base64: false });
        assert_eq!(v3.message(&data), (true, [4, 1, 2].as_slice().into()));
        let (is_binary, payload) = v4.message(&data);
        assert!(is_binary && matches!(payload, Cow::Borrowed(&[1, 2])), "nothing is copied");
    }

    #[test]
    fn for_who_takes_no_binary_messages_all_are_text() {
        let data = Outgoing::Binary(vec![1, 2].into());
        for (protocol, text) in [(Protocol::V3, "b4AQI="), (Protocol::V4, "bAQI=")] {
            let framing = Framing { protocol, base64: true };
            assert_eq!(framing.message(&data), (false, text.as_bytes().into()), "{protocol:?}");
            assert_eq!(framing.message(&Outgoing::Ping), (false, b"2".into()));
        }
    }
}
