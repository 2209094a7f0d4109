use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::handover;

/// Bytes that travel as an attachment.
///
/// Unlike `Bytes` itself, which takes whatever a format calls bytes (an array of numbers, or a
/// string), it reads attachments only; text from a client that was to send binary is an error.
/// And unlike with other byte types, nothing is copied on the way out or in.
///
/// ```
/// use siomio_packet::{Binary, Payload};
///
/// let mut payload = Payload::default();
/// payload.event("photo", &Binary::from(vec![1, 2, 3]))?;
/// assert_eq!(payload.json(), r#"["photo",{"_placeholder":true,"num":0}]"#);
/// assert_eq!(payload.attachments()[0], [1, 2, 3][..]);
/// # Ok::<(), siomio_packet::EncodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Binary(pub Bytes);

impl Deref for Binary {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.0
    }
}

impl AsRef<[u8]> for Binary {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Binary {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&'static [u8]> for Binary {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl From<Binary> for Bytes {
    fn from(binary: Binary) -> Self {
        binary.0
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handover::lend_bytes(&self.0, || serializer.serialize_bytes(&self.0))
    }
}

impl<'de> Deserialize<'de> for Binary {
    /// Asks for whatever is there and takes bytes alone: asked for bytes, a JSON deserialiser would
    /// offer the inside of a string.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesOnly)
    }
}

struct BytesOnly;

impl Visitor<'_> for BytesOnly {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a binary attachment")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Binary, E> {
        let lent = handover::take_bytes(bytes);
        Ok(Binary(lent.unwrap_or_else(|| Bytes::copy_from_slice(bytes))))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Binary, E> {
        Ok(bytes.into())
    }
}
