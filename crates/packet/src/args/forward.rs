/// Writes the methods of a `Deserializer` that hand over to another one, all of them but
/// `deserialize_newtype_struct`.
macro_rules! forward_deserializer {
    ($de:lifetime, |$this:ident| $target:expr; $($method:ident)*) => {
        $(
            fn $method<V: serde::de::Visitor<$de>>(
                self,
                visitor: V,
            ) -> Result<V::Value, Self::Error> {
                let $this = self;
                serde::Deserializer::$method($target, visitor)
            }
        )*
    };
    ($de:lifetime, |$this:ident| $target:expr) => {
        $crate::args::forward_deserializer! {
            $de, |$this| $target;
            deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32
            deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
            deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
            deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
            deserialize_option deserialize_unit deserialize_seq deserialize_map
            deserialize_identifier deserialize_ignored_any
        }

        fn deserialize_unit_struct<V: serde::de::Visitor<$de>>(
            self,
            name: &'static str,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let $this = self;
            serde::Deserializer::deserialize_unit_struct($target, name, visitor)
        }

        fn deserialize_tuple<V: serde::de::Visitor<$de>>(
            self,
            len: usize,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let $this = self;
            serde::Deserializer::deserialize_tuple($target, len, visitor)
        }

        fn deserialize_tuple_struct<V: serde::de::Visitor<$de>>(
            self,
            name: &'static str,
            len: usize,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let $this = self;
            serde::Deserializer::deserialize_tuple_struct($target, name, len, visitor)
        }

        fn deserialize_struct<V: serde::de::Visitor<$de>>(
            self,
            name: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let $this = self;
            serde::Deserializer::deserialize_struct($target, name, fields, visitor)
        }

        fn deserialize_enum<V: serde::de::Visitor<$de>>(
            self,
            name: &'static str,
            variants: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let $this = self;
            serde::Deserializer::deserialize_enum($target, name, variants, visitor)
        }
    };
}
pub(crate) use forward_deserializer;
