use bytes::Bytes;

use super::{Number, Value};
use crate::error::PayloadError;
use crate::placeholder::{self, Key};
use crate::scan::{Container, Scalar, Sink, scan, unescape};

/// Builds a [`Value`] from what the scanner reports.
pub(super) struct Builder<'a> {
    attachments: &'a [Bytes],
    /// The open containers, outermost first.
    open: Vec<Open>,
    /// The value completed last.
    done: Value,
}

enum Open {
    Array(Vec<Value>),
    /// The members, of which the last may still wait for its value.
    Object(Vec<(String, Value)>),
}

impl<'a> Builder<'a> {
    pub(super) fn build(
        json: &str,
        attachments: &'a [Bytes],
        max_depth: u16,
    ) -> Result<Value, PayloadError> {
        let mut builder = Self { attachments, open: Vec::new(), done: Value::Null };
        scan(json, max_depth, &mut builder)?;
        Ok(builder.done)
    }

    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::Array(values)) => values.push(value),
            Some(Open::Object(members)) => {
                if let Some((_, member)) = members.last_mut() {
                    *member = value;
                }
            }
            None => self.done = value,
        }
    }

    /// The attachment an object stands for, if it is a placeholder.
    fn attachment(&self, members: &[(String, Value)]) -> Result<Option<Value>, PayloadError> {
        let last = |wanted: Key| members.iter().rfind(|(name, _)| Key::new(name) == wanted);
        if self.attachments.is_empty() || !matches!(last(Key::Flag), Some((_, Value::Bool(true)))) {
            return Ok(None);
        }
        let num = match last(Key::Num) {
            Some((_, Value::Number(number))) => placeholder::index(number.as_str()),
            _ => None,
        };
        let attachment = num.and_then(|num| self.attachments.get(num));
        attachment.map(|bytes| Some(Value::Binary(bytes.clone()))).ok_or(PayloadError::Placeholder)
    }
}

impl Sink for Builder<'_> {
    fn open(&mut self, container: Container) {
        self.open.push(match container {
            Container::Array => Open::Array(Vec::new()),
            Container::Object => Open::Object(Vec::new()),
        });
    }

    fn close(&mut self) -> Result<(), PayloadError> {
        let value = match self.open.pop() {
            Some(Open::Array(values)) => Value::Array(values),
            Some(Open::Object(members)) => match self.attachment(&members)? {
                Some(binary) => binary,
                None => Value::Object(members),
            },
            None => Value::Null,
        };
        self.put(value);
        Ok(())
    }

    fn key(&mut self, raw: &str) {
        if let Some(Open::Object(members)) = self.open.last_mut() {
            members.push((unescape(raw).into_owned(), Value::Null));
        }
    }

    fn scalar(&mut self, scalar: Scalar<'_>) {
        self.put(match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(bool) => Value::Bool(bool),
            Scalar::Number(text) => Value::Number(Number::from_text(text)),
            Scalar::String(raw) => Value::String(unescape(raw).into_owned()),
        });
    }
}
