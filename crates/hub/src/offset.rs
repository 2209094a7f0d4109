//! Names of packets that clients can ask for again.

use std::fmt;

/// Where a packet was made, and the how manieth it was there. The same for all who receive it.
///
/// On the wire it is the last argument of an event: opaque to clients, which send back the last one they saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset {
    /// The maker. Packets for one socket alone, which no other hub hears of, have an origin of their own.
    pub origin: u16,
    /// Grows with every packet of the maker, and begins at 1.
    pub sequence: u64,
}

/// Marks the origins of packets that stay on their hub.
const PRIVATE: u16 = 0x8000;

impl Offset {
    /// A packet for one socket alone, made on this hub.
    pub(crate) const fn private(hub: u16, sequence: u64) -> Self {
        Self { origin: hub | PRIVATE, sequence }
    }

    /// The hub, if only that one knows the packet.
    pub(crate) const fn private_to(self) -> Option<u16> {
        if self.origin & PRIVATE == 0 { None } else { Some(self.origin & !PRIVATE) }
    }

    /// Reads what a client sent.
    pub fn parse(text: &str) -> Option<Self> {
        let (sequence, origin) = text.split_once('-')?;
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex(sequence) || !is_hex(origin) {
            return None;
        }
        let sequence = u64::from_str_radix(sequence, 16).ok()?;
        Some(Self { origin: u16::from_str_radix(origin, 16).ok()?, sequence })
    }

    /// Bytes from the comma in front of it to the bracket behind it.
    pub(crate) fn len(self) -> usize {
        self.to_string().len() + ",\"\"]".len()
    }

    /// Makes it the last argument of an event's payload.
    pub fn append_to(self, payload: &mut Vec<u8>) {
        if payload.last() == Some(&b']') {
            payload.pop();
            payload.extend_from_slice(format!(",\"{self}\"]").as_bytes());
        }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010x}-{:x}", self.sequence, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        for (origin, sequence) in [(0, 1), (255, 0xff_ffff_ffff), (u16::MAX, u64::MAX)] {
            let offset = Offset { origin, sequence };
            assert_eq!(Offset::parse(&offset.to_string()), Some(offset));
        }
        for text in
            ["", "-", "1", "1-", "-1", "+1-1", "1-1-1", "1-10000", "g-1", "1 -1", "\u{0661}-1"]
        {
            assert_eq!(Offset::parse(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_the_last_argument() {
        let mut payload = br#"["a",1]"#.to_vec();
        Offset { origin: 2, sequence: 255 }.append_to(&mut payload);
        assert_eq!(payload, br#"["a",1,"00000000ff-2"]"#);
    }
}
