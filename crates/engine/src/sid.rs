//! Session ids.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    str,
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The secret id of a session. Who knows it can speak for the session.
///
/// Usually 20 URL-safe base64 characters over 15 bytes: the first byte names the shard that owns the session, hidden
/// behind the second; the other 14 bytes are random (112 bits), so that an id cannot be guessed. An application may
/// [choose](Self::custom) ids of its own instead, which name no shard.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sid(Form);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Ours([u8; Sid::LEN]),
    Custom(Arc<str>),
}

impl Sid {
    /// Length of our own ids in characters.
    pub const LEN: usize = 20;

    /// Makes an id that `shard` owns from 15 random bytes (the first is overwritten).
    pub fn new(shard: u8, mut entropy: [u8; 15]) -> Self {
        entropy[0] = shard ^ entropy[1];
        let mut text = [b'A'; Self::LEN];
        // 15 bytes are exactly 20 characters, so this cannot fail.
        let _ = URL_SAFE_NO_PAD.encode_slice(entropy, &mut text);
        Self(Form::Ours(text))
    }

    /// An id that the application has chosen: any text, as long as it is unique and cannot be guessed.
    pub fn custom(text: &str) -> Self {
        Self(Form::Custom(text.into()))
    }

    /// Reads an id as a client sent it; `None` when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; Self::LEN] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|&byte| value(byte).is_some()).then_some(Self(Form::Ours(bytes)))
    }

    /// The shard that owns the session, if the id tells.
    pub fn shard(&self) -> Option<u8> {
        match &self.0 {
            // The first two bytes are in the first three characters.
            Form::Ours([first, second, third, ..]) => {
                let (first, second, third) = (value(*first)?, value(*second)?, value(*third)?);
                Some(((first << 2) | (second >> 4)) ^ ((second << 4) | (third >> 2)))
            }
            Form::Custom(_) => None,
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Form::Ours(text) => str::from_utf8(text).unwrap_or_default(),
            Form::Custom(text) => text,
        }
    }
}

/// The six bits that a character of URL-safe base64 stands for (RFC 4648 §5).
const fn value(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// As its text, so that maps can be searched with what a client sent.
impl Hash for Sid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Sid {
    fn borrow(&self) -> &str {
        self.as_str()
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
        write!(f, "Sid({}…)", self.as_str().chars().take(6).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

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

    #[test]
    fn is_found_by_its_text_whatever_its_form() {
        let ids = [Sid::new(3, [9; 15]), Sid::custom("ticket 7/ä")];
        let map: HashMap<Sid, usize> = ids.iter().cloned().zip(0..).collect();
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(map.get(id.as_str()), Some(&place));
        }
        assert_eq!(ids[1].shard(), None);
        assert_eq!(format!("{:?}", ids[1]), "Sid(ticket…)");
    }

    proptest! {
        #[test]
        fn names_its_shard_and_survives_the_wire(shard: u8, entropy: [u8; 15]) {
            let sid = Sid::new(shard, entropy);
            prop_assert_eq!(sid.shard(), Some(shard));
            prop_assert_eq!(sid.as_str().len(), 20);
            prop_assert_eq!(Sid::parse(sid.as_str()), Some(sid.clone()));
        }

        #[test]
        fn is_base64(text in "[A-Za-z0-9_+/=-]{20}") {
            prop_assert_eq!(Sid::parse(&text).is_some(), URL_SAFE_NO_PAD.decode(&text).is_ok());
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
