//! Where serde finds arguments: one in JSON, or all of them as a list.

use std::cell::Cell;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{ArgsReader, ArgsRef, forward_deserializer};
use crate::error::ArgError;
use crate::scan::{mend_surrogates, skip_value};
use crate::value::{MAX_VALUE_DEPTH, Value};

/// The JSON value a text begins with. serde_json reads it, except for a [`Value`], which keeps
/// more of the text than would come through serde_json.
pub(super) struct JsonSource<'de>(pub(super) &'de str);

impl<'de> Deserializer<'de> for JsonSource<'de> {
    type Error = serde_json::Error;

    forward_deserializer! { 'de, |this| &mut serde_json::Deserializer::from_str(this.0) }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        if name == Value::TOKEN {
            let text = self.0.get(..skip_value(self.0)).unwrap_or(self.0);
            let value = Value::parse_within(text, &[], MAX_VALUE_DEPTH);
            let value = value.map_err(de::Error::custom)?;
            return visitor.visit_newtype_struct(value).map_err(de::Error::custom);
        }
        serde_json::Deserializer::from_str(self.0).deserialize_newtype_struct(name, visitor)
    }
}

/// Reads arguments in the shape of `T`: a tuple is the list, `()` is nothing, all else is the first.
pub(super) fn read_list<T: DeserializeOwned>(args: ArgsRef<'_>) -> Result<T, ArgError> {
    let mended;
    let mut list = args;
    if args.lone_surrogate && args.attachments.is_empty() {
        mended = mend_surrogates(args.json);
        list = ArgsRef { json: &mended, lone_surrogate: false, ..args };
    }
    let is_list = Cell::new(true);
    let read = T::deserialize(ListSource { reader: list.reader(), is_list: &is_list });
    if is_list.get() { read } else { list.reader().next() }
}

/// All arguments. A type that is not a list learns nothing from it but that it is none.
struct ListSource<'de, 'c> {
    reader: ArgsReader<'de>,
    is_list: &'c Cell<bool>,
}

impl<'de> Deserializer<'de> for ListSource<'de, '_> {
    type Error = ArgError;

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ArgError> {
        visitor.visit_seq(Tuple { reader: self.reader, missing: len })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgError> {
        visitor.visit_unit()
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ArgError> {
        self.is_list.set(false);
        Err(de::Error::custom("not a list of arguments"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct newtype_struct seq tuple_struct map struct enum identifier ignored_any
    }
}

/// As many arguments as the tuple has elements; those the list lacks read like `null`.
struct Tuple<'de> {
    reader: ArgsReader<'de>,
    missing: usize,
}

impl<'de> SeqAccess<'de> for Tuple<'de> {
    type Error = ArgError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ArgError> {
        let Some(missing) = self.missing.checked_sub(1) else {
            return Ok(None);
        };
        self.missing = missing;
        self.reader.next_seed(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.missing)
    }
}

impl de::Error for ArgError {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self::Invalid { index: 0, reason: reason.to_string() }
    }
}
