use std::fmt;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Number, Value};
use crate::handover;

/// As an argument of its own a value keeps everything. Inside of other types it keeps everything
/// in packets with attachments; in others it gets what serde_json passes on, which is the nearest
/// machine number.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::TOKEN, ValueVisitor)
    }
}

struct ValueVisitor;

/// The only key of the map as which serde_json passes a number on, in builds where somebody turned
/// on its feature `arbitrary_precision`.
const SERDE_JSON_NUMBER: &str = "$serde_json::private::Number";

/// Whether this is such a build. In others the key is a peer's own, and means nothing.
fn numbers_come_as_maps() -> bool {
    struct IsMap;

    impl<'de> Visitor<'de> for IsMap {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number in disguise")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(())
        }
    }

    serde_json::Deserializer::from_str("1.5").deserialize_any(IsMap).is_ok()
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(handover::take_number(number).map_or_else(|| number.into(), Value::Number))
    }

    fn visit_str<E: de::Error>(self, string: &str) -> Result<Value, E> {
        Ok(string.into())
    }

    fn visit_string<E: de::Error>(self, string: String) -> Result<Value, E> {
        Ok(Value::String(string))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        let lent = handover::take_bytes(bytes);
        Ok(Value::Binary(lent.unwrap_or_else(|| Bytes::copy_from_slice(bytes))))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Binary(bytes.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == SERDE_JSON_NUMBER && numbers_come_as_maps() {
                let text: String = entries.next_value()?;
                return Number::parse(&text).map(Value::Number).map_err(de::Error::custom);
            }
            members.push((key, entries.next_value()?));
        }
        Ok(Value::Object(members))
    }
}
