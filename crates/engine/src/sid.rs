//! Session ids.

use std::{fmt, str};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The secret id of a session: 20 URL-safe base64 characters over 15 bytes.
///
/// The first byte names the shard that owns the session, hidden behind the second; the other 14 bytes are
/// random (112 bits), so that an id cannot be guessed. Who knows it can speak for the session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid([u8; Self::LEN]);

impl Sid {
    /// Length in characters.
    pub const LEN: usize = 20;

    /// Makes an id that `shard` owns from 15 random bytes (the first is overwritten).
    pub fn new(shard: u8, mut entropy: [u8; 15]) -> Self {
        entropy[0] = shard ^ entropy[1];
        let mut text = [b'A'; Self::LEN];
        // 15 bytes are exactly 20 characters, so this cannot fail.
        let _ = URL_SAFE_NO_PAD.encode_slice(entropy, &mut text);
        Self(text)
    }

    /// Reads an id as a client sent it; `None` when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; Self::LEN] = text.as_bytes().try_into().ok()?;
        let sid = Self(bytes);
        sid.decode().map(|_| sid)
    }

    /// The shard that owns the session.
    pub fn shard(&self) -> u8 {
        self.decode().map_or(0, |bytes| bytes[0] ^ bytes[1])
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    fn decode(&self) -> Option<[u8; 15]> {
        let mut bytes = [0; 15];
        URL_SAFE_NO_PAD.decode_slice(self.0, &mut bytes).ok().filter(|&len| len == 15)?;
        Some(bytes)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secret: logs get enough to tell sessions apart, not enough to take one over.
        write!(f, "Sid({}…)", &self.as_str()[..6])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_cannot_be_an_id() {
        for bad in [
            "",
            "short",
            "AAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAA/",
            "äAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAA\0",
        ] {
            assert_eq!(Sid::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn names_its_shard_and_survives_the_wire(shard: u8, entropy: [u8; 15]) {
            let sid = Sid::new(shard, entropy);
            prop_assert_eq!(sid.shard(), shard);
            prop_assert_eq!(sid.as_str().len(), 20);
            prop_assert_eq!(Sid::parse(sid.as_str()), Some(sid));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in ".{0,24}") {
            if let Some(sid) = Sid::parse(&text) {
                prop_assert_eq!(sid.as_str(), text);
                let _ = sid.shard();
            }
        }
    }
}
