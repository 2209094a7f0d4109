use std::borrow::Cow;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, Unexpected, VariantAccess,
    Visitor,
};

use super::{Node, Value, ValueError};

/// An enum in serde's usual form: a string, or an object with one member.
pub(super) struct Variant<'de> {
    name: Cow<'de, str>,
    content: Option<Node<'de>>,
}

impl<'de> Variant<'de> {
    pub(super) fn new(node: Node<'de>) -> Result<Self, ValueError> {
        Ok(match node {
            Node::Owned(Value::String(name)) => Self { name: name.into(), content: None },
            Node::Borrowed(Value::String(name)) => {
                Self { name: name.as_str().into(), content: None }
            }
            Node::Owned(Value::Object(members)) => {
                let (name, value) = only(members)?;
                Self { name: name.into(), content: Some(Node::Owned(value)) }
            }
            Node::Borrowed(Value::Object(members)) => {
                let (name, value) = only(members)?;
                Self { name: name.as_str().into(), content: Some(Node::Borrowed(value)) }
            }
            node => return Err(de::Error::invalid_type(unexpected(node.as_value()), &EXPECTED)),
        })
    }
}

const EXPECTED: &str = "a string or an object with a single key";

fn only<T>(members: impl IntoIterator<Item = T>) -> Result<T, ValueError> {
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some(member), None) => Ok(member),
        _ => Err(de::Error::invalid_value(Unexpected::Map, &EXPECTED)),
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(bool) => Unexpected::Bool(*bool),
        Value::Number(number) => Unexpected::Other(number.as_str()),
        Value::String(string) => Unexpected::Str(string),
        Value::Binary(bytes) => Unexpected::Bytes(bytes),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ValueError;
    type Variant = Content<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'de>), ValueError> {
        let name: CowStrDeserializer<'de, ValueError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

/// What stands beside a variant's name.
pub(super) struct Content<'de>(Option<Node<'de>>);

impl<'de> Content<'de> {
    fn node(self, expected: &'static str) -> Result<Node<'de>, ValueError> {
        self.0.ok_or_else(|| de::Error::invalid_type(Unexpected::UnitVariant, &expected))
    }
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.0 {
            None => Ok(()),
            Some(node) => de::Deserialize::deserialize(node),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, ValueError> {
        seed.deserialize(self.node("newtype variant")?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.node("tuple variant")?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.node("struct variant")?.deserialize_map(visitor)
    }
}
