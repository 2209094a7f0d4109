//! JSON with binary in it.

mod access;
mod build;
mod convert;
mod de;
mod number;
mod ser;
#[cfg(test)]
pub(crate) mod strategy;
#[cfg(test)]
mod tests;
mod visit;

pub use de::ValueError;
#[cfg(feature = "msgpack")]
pub(crate) use number::Class;
pub use number::Number;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{EncodeError, PayloadError};
use crate::limits::Limits;
use crate::payload::write_json;
use build::Builder;

/// How deep a [`Value`] read from JSON may nest, and the JSON of a typed argument: 127 levels,
/// what serde_json allows. Dropping and converting values recurses; this keeps it from
/// overflowing the stack.
pub const MAX_VALUE_DEPTH: u16 = 127;

/// Any JSON value, or binary.
///
/// It keeps what other JSON values lose: binary, the order of keys, and the text of numbers, which
/// come back as they were written when they go out in a [`Payload`](crate::Payload).
///
/// ```
/// use siomio_packet::{Args, Value};
///
/// let args = Args::new(&Value::from([("b", Value::from(1)), ("a", Value::Null)]))?;
/// assert_eq!(args.json(), r#"{"b":1,"a":null}"#);
///
/// let value: Value = args.get(0)?;
/// assert_eq!(value["b"].as_u64(), Some(1));
/// assert!(value["c"]["d"].is_null());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written.
    Number(Number),
    /// A string.
    String(String),
    /// An attachment.
    Binary(Bytes),
    /// An array.
    Array(Vec<Self>),
    /// An object in the order of its text. Where a key occurs twice, both are here, and
    /// [`get`](Self::get) finds the last, as JavaScript does.
    Object(Vec<(String, Self)>),
}

impl Value {
    /// The name under which a `Value` asks a deserialiser of this crate for one.
    pub(crate) const TOKEN: &'static str = "$siomio_packet::Value";

    /// Reads JSON text. Where there are attachments, placeholders become
    /// [`Binary`](Self::Binary); where there are none, they are ordinary objects. Lone surrogate
    /// escapes become U+FFFD.
    ///
    /// # Errors
    ///
    /// [`PayloadError::Syntax`], [`PayloadError::Placeholder`] for one that names no attachment,
    /// and [`PayloadError::TooDeep`] beyond the limit or [`MAX_VALUE_DEPTH`].
    pub fn parse(json: &str, attachments: &[Bytes], limits: &Limits) -> Result<Self, PayloadError> {
        Self::parse_within(json, attachments, limits.max_json_depth.min(MAX_VALUE_DEPTH))
    }

    pub(crate) fn parse_within(
        json: &str,
        attachments: &[Bytes],
        max_depth: u16,
    ) -> Result<Self, PayloadError> {
        Builder::build(json, attachments, max_depth)
    }

    /// Serialises anything into a value.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Serialize`] if it cannot be written as JSON, or nests too deep.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        let (mut json, mut attachments) = (Vec::new(), Vec::new());
        write_json(&mut json, &mut attachments, value)?;
        let json = String::from_utf8(json).unwrap_or_default();
        Self::parse_within(&json, &attachments, MAX_VALUE_DEPTH)
            .map_err(|error| EncodeError::Serialize(error.to_string()))
    }

    /// Reads the value as another type.
    ///
    /// # Errors
    ///
    /// What the type's `Deserialize` finds wrong.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        T::deserialize(self)
    }
}

/// Prints JSON, with placeholders where binary stands.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = Vec::new();
        write_json(&mut json, &mut Vec::new(), self).map_err(|_| fmt::Error)?;
        f.write_str(&String::from_utf8_lossy(&json))
    }
}
