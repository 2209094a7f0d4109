//! Reading other types from a [`Value`].

mod access;
mod key;
mod variant;

use std::fmt;

use bytes::Bytes;
use serde::de::{self, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::number::Class;
use super::{Number, Value};
use crate::args::forward_deserializer;
use crate::error::PayloadError;
use crate::handover;
use access::{Elements, Members};
use variant::Variant;

/// Why a [`Value`] could not be read as another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError(String);

impl ValueError {
    pub(crate) fn into_reason(self) -> String {
        self.0
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl From<serde_json::Error> for ValueError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<PayloadError> for ValueError {
    fn from(error: PayloadError) -> Self {
        Self(error.to_string())
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = ValueError;

    forward_deserializer! { 'de, |this| Node::Owned(this) }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = ValueError;

    forward_deserializer! { 'de, |this| Node::Borrowed(this) }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }
}

impl IntoDeserializer<'_, ValueError> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> IntoDeserializer<'de, ValueError> for &'de Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A value that is taken apart, or one that lends its parts.
enum Node<'de> {
    Owned(Value),
    Borrowed(&'de Value),
}

impl Node<'_> {
    fn as_value(&self) -> &Value {
        match self {
            Self::Owned(value) => value,
            Self::Borrowed(value) => value,
        }
    }

    /// Binary is neither a string nor a list of numbers, though visitors might take it for one.
    fn refuse_binary(&self, visitor: &impl de::Expected) -> Result<(), ValueError> {
        match self.as_value() {
            Value::Binary(bytes) => Err(de::Error::invalid_type(Unexpected::Bytes(bytes), visitor)),
            _ => Ok(()),
        }
    }

    /// A number beyond the range of `f64`, as serde_json does.
    fn refuse_infinite(&self, visitor: &impl de::Expected) -> Result<(), ValueError> {
        match self.as_value() {
            Value::Number(number) if number.as_f64().is_none() => {
                Err(de::Error::invalid_value(Unexpected::Other(number.as_str()), visitor))
            }
            _ => Ok(()),
        }
    }
}

macro_rules! any_unless {
    ($($method:ident $check:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.$check(&visitor)?;
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Self::Owned(Value::Null) | Self::Borrowed(Value::Null) => visitor.visit_unit(),
            Self::Owned(Value::Bool(bool)) => visitor.visit_bool(bool),
            Self::Borrowed(Value::Bool(bool)) => visitor.visit_bool(*bool),
            Self::Owned(Value::Number(number)) => visit_number(&number, visitor),
            Self::Borrowed(Value::Number(number)) => visit_number(number, visitor),
            Self::Owned(Value::String(string)) => visitor.visit_string(string),
            Self::Borrowed(Value::String(string)) => visitor.visit_borrowed_str(string),
            Self::Owned(Value::Binary(bytes)) => visit_bytes(bytes, visitor),
            Self::Borrowed(Value::Binary(bytes)) => {
                handover::lend_bytes(bytes, || visitor.visit_borrowed_bytes(bytes))
            }
            Self::Owned(Value::Array(values)) => {
                Elements::new(values.into_iter().map(Node::Owned)).visit(visitor)
            }
            Self::Borrowed(Value::Array(values)) => {
                Elements::new(values.iter().map(Node::Borrowed)).visit(visitor)
            }
            Self::Owned(Value::Object(members)) => {
                let members = members.into_iter();
                Members::new(members.map(|(key, value)| (key.into(), Node::Owned(value))))
                    .visit(visitor)
            }
            Self::Borrowed(Value::Object(members)) => {
                let members = members.iter();
                Members::new(
                    members.map(|(key, value)| (key.as_str().into(), Node::Borrowed(value))),
                )
                .visit(visitor)
            }
        }
    }

    any_unless! {
        deserialize_char refuse_binary;
        deserialize_str refuse_binary;
        deserialize_string refuse_binary;
        deserialize_identifier refuse_binary;
        deserialize_f32 refuse_infinite;
        deserialize_f64 refuse_infinite;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if self.as_value().is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(Variant::new(self)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, ValueError> {
    match number.class() {
        Class::Unsigned(unsigned) => visitor.visit_u64(unsigned),
        Class::Signed(signed) => visitor.visit_i64(signed),
        Class::Float(float) => handover::lend_number(number, || visitor.visit_f64(float)),
    }
}

/// Gives the buffer away if nobody else holds it. Otherwise only this crate's own visitors can
/// share it, and others copy.
fn visit_bytes<'de, V: Visitor<'de>>(bytes: Bytes, visitor: V) -> Result<V::Value, ValueError> {
    if bytes.is_unique() {
        visitor.visit_byte_buf(bytes.into())
    } else {
        handover::lend_bytes(&bytes, || visitor.visit_bytes(&bytes))
    }
}
