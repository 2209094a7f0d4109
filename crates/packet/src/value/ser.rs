use serde::ser::{Serialize, SerializeMap, Serializer};

use super::number::Class;
use super::{Number, Value};
use crate::handover;

/// In a [`Payload`](crate::Payload) numbers keep their text and binary becomes an attachment
/// without being copied; other formats get the nearest machine number, and bytes.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // Not a unit, which would be no argument at all.
            Self::Null => serializer.serialize_none(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Number(number) => number.serialize(serializer),
            Self::String(string) => serializer.serialize_str(string),
            Self::Binary(bytes) => {
                handover::lend_bytes(bytes, || serializer.serialize_bytes(bytes))
            }
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.class() {
            Class::Unsigned(number) => serializer.serialize_u64(number),
            Class::Signed(number) => serializer.serialize_i64(number),
            Class::Float(number) => {
                handover::lend_number(self, || serializer.serialize_f64(number))
            }
        }
    }
}
