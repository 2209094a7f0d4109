use std::ops::Deref;

use crate::{OpCode, Violation};

/// The longest payload of a close, ping or pong frame, in bytes (RFC 6455 section 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;

/// The 2 to 14 bytes in front of a frame's payload, as values (RFC 6455 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether this frame ends its message; always set on control frames.
    pub fin: bool,
    /// The first reserved bit: meaningful only to a negotiated extension.
    pub rsv1: bool,
    /// What the frame carries.
    pub opcode: OpCode,
    /// The masking key; present on frames of clients, absent on frames of servers.
    pub mask: Option<[u8; 4]>,
    /// The length of the payload in bytes, at most `i64::MAX`.
    pub len: u64,
}

impl FrameHeader {
    /// The longest header there is, in bytes: a masked one with a 64-bit length.
    pub const MAX_SIZE: usize = 14;

    /// The header at the front of `bytes` and its size, or `None` while some of it is missing.
    ///
    /// Checked here is what holds for any frame of any connection, each rule as soon as the byte
    /// that breaks it is there. What depends on the connection (masking, RSV1, the order of
    /// fragments) is up to the [`Reader`](crate::Reader).
    ///
    /// A length in a longer form than needed is accepted, though RFC 6455 has senders use the
    /// shortest: it is harmless, and other implementations let it pass too.
    ///
    /// # Errors
    /// [`Violation::ReservedBits`] (RSV2 or RSV3), [`Violation::ReservedOpCode`],
    /// [`Violation::FragmentedControl`], [`Violation::ControlTooLong`],
    /// [`Violation::LengthOutOfRange`].
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let [first, rest @ ..] = bytes else { return Ok(None) };
        if first & RSV2_AND_3 != 0 {
            return Err(Violation::ReservedBits);
        }
        let bits = first & 0x0f;
        let opcode = OpCode::from_bits(bits).ok_or(Violation::ReservedOpCode(bits))?;
        let fin = first & FIN != 0;
        if opcode.is_control() && !fin {
            return Err(Violation::FragmentedControl);
        }

        let [second, rest @ ..] = rest else { return Ok(None) };
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL_PAYLOAD {
            return Err(Violation::ControlTooLong);
        }
        let (len, rest) = match short {
            126 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
            len => (u64::from(len), rest),
        };
        if len > i64::MAX as u64 {
            return Err(Violation::LengthOutOfRange);
        }

        let (mask, rest) = if second & MASKED == 0 {
            (None, rest)
        } else {
            match rest.split_first_chunk() {
                Some((key, rest)) => (Some(*key), rest),
                None => return Ok(None),
            }
        };
        let header = Self { fin, rsv1: first & RSV1 != 0, opcode, mask, len };
        Ok(Some((header, bytes.len() - rest.len())))
    }

    /// The header as bytes, its length in the shortest form.
    ///
    /// ```
    /// use siomio_websocket::{FrameHeader, OpCode};
    ///
    /// let header =
    ///     FrameHeader { fin: true, rsv1: false, opcode: OpCode::Binary, mask: None, len: 256 };
    /// assert_eq!(*header.encode(), [0x82, 0x7e, 0x01, 0x00]);
    /// assert_eq!(FrameHeader::parse(&header.encode()), Ok(Some((header, 4))));
    /// ```
    #[inline]
    pub fn encode(&self) -> EncodedHeader {
        let mut bytes = [0; Self::MAX_SIZE];
        bytes[0] = self.opcode.bits();
        if self.fin {
            bytes[0] |= FIN;
        }
        if self.rsv1 {
            bytes[0] |= RSV1;
        }
        let mut size = match self.len {
            len @ 0..=125 => {
                bytes[1] = len as u8;
                2
            }
            len @ 126..=0xffff => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
                4
            }
            len => {
                bytes[1] = 127;
                bytes[2..10].copy_from_slice(&len.to_be_bytes());
                10
            }
        };
        if let Some(key) = self.mask {
            bytes[1] |= MASKED;
            bytes[size..size + 4].copy_from_slice(&key);
            size += 4;
        }
        EncodedHeader { bytes, size: size as u8 }
    }
}

/// A [`FrameHeader`] as bytes, on the stack; dereferences to them.
#[derive(Clone, Copy, Debug)]
pub struct EncodedHeader {
    bytes: [u8; FrameHeader::MAX_SIZE],
    /// 2 to 14.
    size: u8,
}

impl EncodedHeader {
    /// The 2 to 14 bytes of the header.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.size)]
    }
}

impl Deref for EncodedHeader {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for EncodedHeader {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(opcode: OpCode, len: u64) -> FrameHeader {
        FrameHeader { fin: true, rsv1: false, opcode, mask: None, len }
    }

    #[test]
    fn every_length_takes_its_shortest_form() {
        let table: [(u64, &[u8]); 6] = [
            (0, &[0x82, 0]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (0xffff, &[0x82, 126, 0xff, 0xff]),
            (0x1_0000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (i64::MAX as u64, &[0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ];
        for (len, bytes) in table {
            let header = data(OpCode::Binary, len);
            assert_eq!(&*header.encode(), bytes, "{len}");
            assert_eq!(FrameHeader::parse(bytes), Ok(Some((header, bytes.len()))), "{len}");
        }
    }

    #[test]
    fn longer_forms_than_needed_are_read() {
        let header = data(OpCode::Binary, 5);
        assert_eq!(FrameHeader::parse(&[0x82, 126, 0, 5]), Ok(Some((header, 4))));
        let bytes = [0x82, 127, 0, 0, 0, 0, 0, 0, 0, 5];
        assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, 10))));
    }

    #[test]
    fn a_broken_rule_is_named_by_the_byte_that_breaks_it() {
        let table: [(&[u8], Violation); 12] = [
            (&[0xa1], Violation::ReservedBits),
            (&[0x91], Violation::ReservedBits),
            (&[0x83], Violation::ReservedOpCode(3)),
            (&[0x87], Violation::ReservedOpCode(7)),
            (&[0x8b], Violation::ReservedOpCode(11)),
            (&[0x8f], Violation::ReservedOpCode(15)),
            (&[0x08], Violation::FragmentedControl),
            (&[0x09], Violation::FragmentedControl),
            (&[0x0a], Violation::FragmentedControl),
            (&[0x89, 126], Violation::ControlTooLong),
            (&[0x88, 0xff], Violation::ControlTooLong),
            (&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], Violation::LengthOutOfRange),
        ];
        for (bytes, violation) in table {
            let (_, before) = bytes.split_last().unwrap();
            if before.len() < 2 {
                assert_eq!(FrameHeader::parse(before), Ok(None), "{bytes:x?}");
            }
            assert_eq!(FrameHeader::parse(bytes), Err(violation), "{bytes:x?}");
        }
    }

    fn any_header() -> impl Strategy<Value = FrameHeader> {
        let opcode = prop_oneof![
            Just(OpCode::Continuation),
            Just(OpCode::Text),
            Just(OpCode::Binary),
            Just(OpCode::Close),
            Just(OpCode::Ping),
            Just(OpCode::Pong),
        ];
        let len = prop_oneof![0..200u64, 65_000..66_000u64, 0..=i64::MAX as u64];
        (opcode, any::<bool>(), any::<bool>(), any::<Option<[u8; 4]>>(), len).prop_map(
            |(opcode, fin, rsv1, mask, len)| FrameHeader {
                fin: fin || opcode.is_control(),
                rsv1,
                opcode,
                mask,
                len: if opcode.is_control() { len % 126 } else { len },
            },
        )
    }

    proptest! {
        #[test]
        fn parse_undoes_encode_and_waits_for_the_last_byte(header in any_header()) {
            let bytes = header.encode();
            for end in 0..bytes.len() {
                prop_assert_eq!(FrameHeader::parse(&bytes[..end]), Ok(None));
            }
            let mut longer = bytes.to_vec();
            longer.extend([0xff; 3]);
            prop_assert_eq!(FrameHeader::parse(&longer), Ok(Some((header, bytes.len()))));
        }

        #[test]
        fn fourteen_bytes_are_always_enough(bytes: [u8; 14]) {
            prop_assert_ne!(FrameHeader::parse(&bytes), Ok(None));
        }
    }
}
