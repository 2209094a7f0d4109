use std::cell::Cell;
use std::fmt::Display;

use serde::ser::{Serialize, Serializer};

use super::format::List;

/// Takes note of the outermost shape of what is serialised, and leaves the rest to `inner`.
pub(super) struct ListSerializer<'a, S> {
    inner: S,
    list: &'a Cell<List>,
}

impl<'a, S> ListSerializer<'a, S> {
    pub(super) fn new(inner: S, list: &'a Cell<List>) -> Self {
        Self { inner, list }
    }
}

macro_rules! pass_on {
    ($($method:ident($($arg:ident: $type:ty),*) -> $result:ident;)*) => {$(
        fn $method(self $(, $arg: $type)*) -> Result<S::$result, S::Error> {
            self.inner.$method($($arg),*)
        }
    )*};
}

impl<S: Serializer<Ok = ()>> Serializer for ListSerializer<'_, S> {
    type Ok = ();
    type Error = S::Error;
    type SerializeSeq = S::SerializeSeq;
    type SerializeTuple = S::SerializeTuple;
    type SerializeTupleStruct = S::SerializeTupleStruct;
    type SerializeTupleVariant = S::SerializeTupleVariant;
    type SerializeMap = S::SerializeMap;
    type SerializeStruct = S::SerializeStruct;
    type SerializeStructVariant = S::SerializeStructVariant;

    fn serialize_tuple(self, len: usize) -> Result<S::SerializeTuple, S::Error> {
        self.list.set(List::Opening);
        self.inner.serialize_tuple(len)
    }

    fn serialize_unit(self) -> Result<(), S::Error> {
        self.list.set(List::Nothing);
        Ok(())
    }

    pass_on! {
        serialize_bool(v: bool) -> Ok;
        serialize_i8(v: i8) -> Ok;
        serialize_i16(v: i16) -> Ok;
        serialize_i32(v: i32) -> Ok;
        serialize_i64(v: i64) -> Ok;
        serialize_i128(v: i128) -> Ok;
        serialize_u8(v: u8) -> Ok;
        serialize_u16(v: u16) -> Ok;
        serialize_u32(v: u32) -> Ok;
        serialize_u64(v: u64) -> Ok;
        serialize_u128(v: u128) -> Ok;
        serialize_f32(v: f32) -> Ok;
        serialize_f64(v: f64) -> Ok;
        serialize_char(v: char) -> Ok;
        serialize_str(v: &str) -> Ok;
        serialize_bytes(v: &[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_unit_struct(name: &'static str) -> Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> Ok;
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_some(value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        self.inner.serialize_newtype_struct(name, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        self.inner.serialize_newtype_variant(name, index, variant, value)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
