//! Messages on a WebSocket.

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

    /// Appends the packet as the text of a message.
    pub fn write_text(self, packet: &Outgoing, out: &mut Vec<u8>) {
        match self.protocol {
            Protocol::V3 => packet.write_text_v3(out),
            Protocol::V4 => packet.write_text(out),
        }
    }
}
