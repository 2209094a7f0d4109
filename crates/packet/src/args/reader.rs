use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::source::JsonSource;
use super::{Args, ArgsRef};
use crate::error::ArgError;
use crate::placeholder;
use crate::scan::{Elements, mend_surrogates, skip_value};
use crate::value::{MAX_VALUE_DEPTH, Value, ValueError};

/// Reads arguments one after the other, as a handler's parameters do.
///
/// ```
/// use siomio_packet::Args;
///
/// let args = Args::new(&(1, "two", [3.0], true))?;
/// let mut reader = args.reader();
/// assert_eq!(reader.next(), Ok(1_u8));
/// assert_eq!(reader.next(), Ok("two".to_owned()));
/// assert_eq!(reader.rest().json(), "[3.0],true");
/// assert_eq!(reader.next(), Ok(None::<u32>));
/// # Ok::<(), siomio_packet::EncodeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ArgsReader<'a> {
    elements: Elements<'a>,
    /// The first of `elements` has been read. It is passed over when somebody asks for what comes
    /// behind it, so that the text of the last argument is walked over only once.
    first_is_read: bool,
    /// Arguments read so far.
    index: usize,
    attachments: &'a [Bytes],
    lone_surrogate: bool,
}

impl<'a> ArgsReader<'a> {
    pub(super) fn new(args: ArgsRef<'a>) -> Self {
        Self {
            elements: Elements::new(args.json),
            first_is_read: false,
            index: 0,
            attachments: args.attachments,
            lone_surrogate: args.lone_surrogate,
        }
    }

    /// Reads the next argument.
    ///
    /// Without attachments it goes straight from the text into `T`. A missing argument reads like
    /// `null`, so that an `Option` is `None`. After an error reading goes on with the argument
    /// behind.
    ///
    /// # Errors
    ///
    /// [`ArgError::Missing`] if there is none and `T` does not take `null`, [`ArgError::Invalid`]
    /// if it does not fit `T`.
    #[expect(clippy::should_implement_trait, reason = "each call may ask for another type")]
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<T, ArgError> {
        if self.lone_surrogate && self.attachments.is_empty() {
            let text = self.front();
            let text = text.get(..skip_value(text)).unwrap_or(text);
            return self.step(|_, _| read(PhantomData, &mend_surrogates(text), &[]));
        }
        self.next_seed(PhantomData)
    }

    /// Takes all arguments not yet read. They keep every attachment of the packet, also those
    /// that belong to arguments already read, because placeholders refer to them by number.
    pub fn rest(&mut self) -> Args {
        let rest = ArgsRef::new(self.front(), self.attachments, self.lone_surrogate);
        self.elements = Elements::new("");
        rest.to_args()
    }

    /// How many arguments have not yet been read. Walks over their text.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.elements.count() - usize::from(self.first_is_read)
    }

    /// Passes over an argument.
    pub(super) fn skip(&mut self) {
        self.first_is_read = !self.front().is_empty();
        self.index += 1;
    }

    /// Like [`next`](Self::next), but does not know of lone surrogates.
    pub(super) fn next_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ArgError> {
        self.step(|text, attachments| read(seed, text, attachments))
    }

    /// Reads the argument at the front, and counts it whatever the outcome.
    fn step<T>(
        &mut self,
        read: impl FnOnce(&'a str, &'a [Bytes]) -> Result<T, ValueError>,
    ) -> Result<T, ArgError> {
        let (index, text) = (self.index, self.front());
        self.index += 1;
        self.first_is_read = !text.is_empty();
        read(text, self.attachments).map_err(|error| match text {
            "" => ArgError::Missing { index },
            _ => ArgError::Invalid { index, reason: error.into_reason() },
        })
    }

    /// The text from the next argument on.
    fn front(&mut self) -> &'a str {
        if std::mem::take(&mut self.first_is_read) {
            self.elements.next();
        }
        self.elements.rest()
    }
}

/// Reads the argument `text` begins with; other arguments may stand behind it.
fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    text: &'de str,
    attachments: &[Bytes],
) -> Result<S::Value, ValueError> {
    if text.is_empty() {
        return seed.deserialize(Value::Null);
    }
    if attachments.is_empty() {
        return Ok(seed.deserialize(JsonSource(text))?);
    }
    let text = text.get(..skip_value(text)).unwrap_or(text);
    let attachment = placeholder::canonical(text).and_then(|num| attachments.get(num));
    seed.deserialize(match attachment {
        Some(attachment) => Value::Binary(attachment.clone()),
        None => Value::parse_within(text, attachments, MAX_VALUE_DEPTH)?,
    })
}
