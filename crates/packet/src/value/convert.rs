use std::borrow::Cow;

use bytes::Bytes;

use super::{Number, Value};
use crate::binary::Binary;

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

macro_rules! from_integers {
    ($($type:ty)*) => {$(
        impl From<$type> for Value {
            fn from(number: $type) -> Self {
                Self::Number(number.into())
            }
        }
    )*};
}

from_integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// Infinities and NaN become `null`, as in JavaScript.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

/// Infinities and NaN become `null`, as in JavaScript.
impl From<f32> for Value {
    fn from(number: f32) -> Self {
        if number.is_finite() {
            // The shortest form among the `f32`s, not among the `f64`s.
            Self::Number(Number::from_text(&format!("{number:?}")))
        } else {
            Self::Null
        }
    }
}

impl From<&str> for Value {
    fn from(string: &str) -> Self {
        Self::String(string.to_owned())
    }
}

impl From<String> for Value {
    fn from(string: String) -> Self {
        Self::String(string)
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(string: Cow<'_, str>) -> Self {
        Self::String(string.into_owned())
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Binary> for Value {
    fn from(binary: Binary) -> Self {
        Self::Binary(binary.0)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// An array; of bytes, too. Binary is [`Bytes`] or [`Binary`].
impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Self>, const N: usize> From<[(K, V); N]> for Value {
    fn from(members: [(K, V); N]) -> Self {
        members.into_iter().collect()
    }
}

impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl<K: Into<String>, V: Into<Self>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
