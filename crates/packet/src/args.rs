//! The arguments of an event or an ack, still in JSON.

mod forward;
mod from_arg;
mod reader;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use forward::forward_deserializer;
pub use from_arg::FromArg;
pub use reader::ArgsReader;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ArgError, EncodeError};
use crate::payload::{IntoArgs, Payload, write_json};
use crate::scan::{Elements, trim};
use crate::value::Value;
use source::read_list;

/// Arguments of a received packet, borrowed from it and untouched.
///
/// They are JSON that was checked when the packet was decoded, and the packet's attachments.
/// [`Args`] is the owned form.
#[derive(Clone, Copy, Default)]
pub struct ArgsRef<'a> {
    /// The elements of an array, without its brackets and without whitespace at the ends.
    json: &'a str,
    attachments: &'a [Bytes],
    /// Somewhere in the packet there is the escape of half a surrogate pair, maybe here.
    lone_surrogate: bool,
}

impl<'a> ArgsRef<'a> {
    /// `json` must have passed the scanner, but for the brackets.
    pub(crate) fn new(json: &'a str, attachments: &'a [Bytes], lone_surrogate: bool) -> Self {
        Self { json: trim(json), attachments, lone_surrogate }
    }

    /// The number of arguments. Walks over their text.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw().count()
    }

    /// Whether there are no arguments.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.json.is_empty()
    }

    /// The JSON of the arguments, separated by commas and without the brackets around them.
    #[must_use]
    pub fn json(&self) -> &'a str {
        self.json
    }

    /// The JSON of each argument.
    pub fn raw(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        Elements::new(self.json)
    }

    /// All attachments of the packet, whichever argument refers to them.
    #[must_use]
    pub fn attachments(&self) -> &'a [Bytes] {
        self.attachments
    }

    /// Reads the arguments one after the other, each as a type of its own.
    #[must_use]
    pub fn reader(&self) -> ArgsReader<'a> {
        ArgsReader::new(*self)
    }

    /// Reads one argument; `index` counts from 0.
    ///
    /// # Errors
    ///
    /// [`ArgError::Missing`] if there are not that many and the type does not take `null`,
    /// [`ArgError::Invalid`] if the argument does not fit the type.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgError> {
        let mut reader = self.reader();
        for _ in 0..index.min(self.json.len()) {
            reader.skip();
        }
        reader.next().map_err(|error| match error {
            ArgError::Missing { .. } => ArgError::Missing { index },
            error => error,
        })
    }

    /// Reads all arguments at once, in the shape they are emitted in: a tuple is the list of
    /// arguments, `()` is none, and any other type is the first one.
    ///
    /// Arguments beyond the tuple's length are ignored, missing ones read like `null`.
    ///
    /// # Errors
    ///
    /// [`ArgError::Missing`] or [`ArgError::Invalid`] for the first argument that does not fit.
    ///
    /// ```
    /// use siomio_packet::Args;
    ///
    /// let args = Args::new(&("lobby", 3))?;
    /// assert_eq!(args.parse(), Ok(("lobby".to_owned(), 3, None::<bool>)));
    /// assert_eq!(args.parse(), Ok("lobby".to_owned()));
    /// # Ok::<(), siomio_packet::EncodeError>(())
    /// ```
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ArgError> {
        read_list(*self)
    }

    /// An owned copy.
    #[must_use]
    pub fn to_args(&self) -> Args {
        Args {
            json: self.json.to_owned(),
            attachments: self.attachments.to_vec(),
            lone_surrogate: self.lone_surrogate,
        }
    }
}

/// Equality of text and attachments.
impl PartialEq for ArgsRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json && self.attachments == other.attachments
    }
}

impl fmt::Debug for ArgsRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] with {} attachments", self.json, self.attachments.len())
    }
}

/// Arguments in JSON with their attachments, owned.
///
/// Made to be passed on: they can be the arguments of another event or ack (see [`IntoArgs`]) and
/// then go out as they came in, byte for byte, key order and number text included. For the same
/// reason they do not implement `Serialize`: inside of other arguments their attachments would
/// have to be renumbered.
///
/// ```
/// use siomio_packet::{Decoder, Limits, Payload};
///
/// let packet = Decoder::new().text(&Limits::default(), r#"2["a",1.0,{"z":1,"a":2}]"#)?.unwrap();
/// let (_, args) = packet.data.event().unwrap();
///
/// let mut payload = Payload::new();
/// payload.event("b", &args.to_args())?;
/// assert_eq!(payload.json(), r#"["b",1.0,{"z":1,"a":2}]"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Args {
    json: String,
    attachments: Vec<Bytes>,
    lone_surrogate: bool,
}

impl Args {
    /// Serialises arguments, in the way an event does.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Serialize`] if one cannot be written.
    pub fn new<A: IntoArgs + ?Sized>(args: &A) -> Result<Self, EncodeError> {
        let mut payload = Payload::new();
        payload.ack(args)?;
        let (mut json, attachments) = payload.into_parts();
        // The brackets.
        json.pop();
        json.drain(..json.len().min(1));
        let mut list = Self { attachments, ..Self::default() };
        list.set_json(json);
        Ok(list)
    }

    /// One argument for each value.
    pub fn from_values(values: impl IntoIterator<Item = Value>) -> Self {
        let mut args = Self::default();
        for value in values {
            // The JSON of a `Value` can always be written.
            _ = args.push(&value);
        }
        args
    }

    /// Appends an argument: always one, whatever its shape.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Serialize`] if it cannot be written; nothing is appended then.
    pub fn push<T: Serialize + ?Sized>(&mut self, argument: &T) -> Result<(), EncodeError> {
        let (len, attachments) = (self.json.len(), self.attachments.len());
        let mut json = std::mem::take(&mut self.json).into_bytes();
        if !json.is_empty() {
            json.push(b',');
        }
        let written = write_json(&mut json, &mut self.attachments, argument);
        if written.is_err() {
            json.truncate(len);
            self.attachments.truncate(attachments);
        }
        self.set_json(json);
        written
    }

    /// The same arguments, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ArgsRef<'_> {
        ArgsRef {
            json: &self.json,
            attachments: &self.attachments,
            lone_surrogate: self.lone_surrogate,
        }
    }

    /// The number of arguments. Walks over their text.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Whether there are no arguments.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.json.is_empty()
    }

    /// The JSON of the arguments, separated by commas and without the brackets around them.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The attachments in the order of their numbers.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Reads the arguments one after the other, each as a type of its own.
    #[must_use]
    pub fn reader(&self) -> ArgsReader<'_> {
        self.as_ref().reader()
    }

    /// Reads one argument; see [`ArgsRef::get`].
    ///
    /// # Errors
    ///
    /// As [`ArgsRef::get`].
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgError> {
        self.as_ref().get(index)
    }

    /// Reads all arguments at once; see [`ArgsRef::parse`].
    ///
    /// # Errors
    ///
    /// As [`ArgsRef::parse`].
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ArgError> {
        self.as_ref().parse()
    }

    fn set_json(&mut self, json: Vec<u8>) {
        // What the serialiser writes is UTF-8.
        self.json = String::from_utf8(json).unwrap_or_default();
    }
}

/// Equality of text and attachments.
impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl FromIterator<Value> for Args {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self::from_values(values)
    }
}
