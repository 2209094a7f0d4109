/// What a frame carries: the four low bits of its first byte (RFC 6455 section 5.2).
///
/// The ten reserved values have no variant: a frame that uses one is a
/// [`Violation::ReservedOpCode`](crate::Violation::ReservedOpCode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpCode {
    /// A further fragment of the message begun by an earlier frame (0).
    Continuation,
    /// A text message or its first fragment (1).
    Text,
    /// A binary message or its first fragment (2).
    Binary,
    /// The closing handshake (8).
    Close,
    /// A question whether the peer is there (9).
    Ping,
    /// The answer to a ping (10).
    Pong,
}

impl OpCode {
    /// The opcode of the four low bits of `bits`, or `None` for the reserved ones.
    #[inline]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 0x0f {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// The opcode as it stands on the wire, 0 to 15.
    #[inline]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    /// Whether this is a close, ping or pong: never fragmented, at most
    /// [`MAX_CONTROL_PAYLOAD`](crate::MAX_CONTROL_PAYLOAD) bytes, allowed between the fragments of
    /// a message.
    #[inline]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_of_sixteen_values_are_defined_and_round_trip() {
        let defined: Vec<u8> = (0..16).filter(|&bits| OpCode::from_bits(bits).is_some()).collect();
        assert_eq!(defined, [0, 1, 2, 8, 9, 10]);
        for bits in defined {
            let opcode = OpCode::from_bits(bits).unwrap();
            assert_eq!(opcode.bits(), bits);
            assert_eq!(opcode.is_control(), bits >= 8, "{opcode:?}");
        }
    }
}
