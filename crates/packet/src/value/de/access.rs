use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::key::Key;
use super::{Node, ValueError};

/// The elements of an array.
pub(super) struct Elements<I> {
    nodes: I,
}

impl<'de, I: ExactSizeIterator<Item = Node<'de>>> Elements<I> {
    pub(super) fn new(nodes: I) -> Self {
        Self { nodes }
    }

    /// Lets `visitor` read the elements, and insists on all of them.
    pub(super) fn visit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ValueError> {
        let len = self.nodes.len();
        let value = visitor.visit_seq(&mut self)?;
        match self.nodes.len() {
            0 => Ok(value),
            _ => Err(de::Error::invalid_length(len, &"fewer elements in array")),
        }
    }
}

impl<'de, I: ExactSizeIterator<Item = Node<'de>>> SeqAccess<'de> for Elements<I> {
    type Error = ValueError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        self.nodes.next().map(|node| seed.deserialize(node)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

/// The members of an object.
pub(super) struct Members<'de, I> {
    members: I,
    /// The value to the key read last.
    value: Option<Node<'de>>,
}

impl<'de, I: ExactSizeIterator<Item = (Cow<'de, str>, Node<'de>)>> Members<'de, I> {
    pub(super) fn new(members: I) -> Self {
        Self { members, value: None }
    }

    /// Lets `visitor` read the members, and insists on all of them.
    pub(super) fn visit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ValueError> {
        let len = self.members.len();
        let value = visitor.visit_map(&mut self)?;
        match self.members.len() {
            0 => Ok(value),
            _ => Err(de::Error::invalid_length(len, &"fewer elements in map")),
        }
    }
}

impl<'de, I: ExactSizeIterator<Item = (Cow<'de, str>, Node<'de>)>> MapAccess<'de>
    for Members<'de, I>
{
    type Error = ValueError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        let Some((key, value)) = self.members.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ValueError> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(de::Error::custom("value asked for before its key")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}
