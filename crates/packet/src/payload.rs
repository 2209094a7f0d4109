//! Turning arguments into the JSON and the attachments of a packet.

mod format;
mod into_args;
mod list;
#[cfg(test)]
mod tests;

use into_args::ArgsWriter;
pub use into_args::IntoArgs;

use bytes::Bytes;
use serde::Serialize;

use crate::error::EncodeError;
use crate::head::write_head;
use crate::kind::Kind;
use crate::packet::{Data, Packet, is_reserved};
use crate::scan::is_plain;
use format::Attaching;

/// An encoded payload: `["name",argument,…]` of an event or `[argument,…]` of an ack, and the
/// attachments its placeholders refer to.
///
/// Encoding runs the user's `Serialize` code; the head, which depends on the recipient's state, is
/// written later with [`write_head`](crate::write_head). A payload that is refilled reuses its
/// buffers: emitting small messages allocates nothing.
///
/// ```
/// use siomio_packet::{Kind, Payload};
///
/// let mut payload = Payload::default();
/// payload.event("say", &("lobby", 3))?;
///
/// let mut text = Vec::new();
/// payload.encode(Kind::Event, "/chat", Some(7), &mut text);
/// assert_eq!(text, br#"2/chat,7["say","lobby",3]"#);
/// # Ok::<(), siomio_packet::EncodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Payload {
    /// Written by serde_json, hence UTF-8.
    json: Vec<u8>,
    attachments: Vec<Bytes>,
}

impl Payload {
    /// An empty payload, which is the one of packets without any.
    #[must_use]
    pub const fn new() -> Self {
        Self { json: Vec::new(), attachments: Vec::new() }
    }

    /// Replaces the content by an event. How `args` become a list is told at [`IntoArgs`].
    ///
    /// # Errors
    ///
    /// [`EncodeError::ReservedName`] for one of [`RESERVED_EVENTS`](crate::RESERVED_EVENTS),
    /// [`EncodeError::Serialize`] if an argument cannot be written. The payload is empty then.
    pub fn event<A: IntoArgs + ?Sized>(&mut self, name: &str, args: &A) -> Result<(), EncodeError> {
        self.clear();
        if is_reserved(name) {
            return Err(EncodeError::ReservedName(name.to_owned()));
        }
        self.json.push(b'[');
        write_json_string(&mut self.json, name);
        self.list(args)
    }

    /// Replaces the content by the answer to an event. How `args` become a list is told at
    /// [`IntoArgs`].
    ///
    /// # Errors
    ///
    /// [`EncodeError::Serialize`] if an argument cannot be written. The payload is empty then.
    pub fn ack<A: IntoArgs + ?Sized>(&mut self, args: &A) -> Result<(), EncodeError> {
        self.clear();
        self.json.push(b'[');
        self.list(args)
    }

    /// Appends the text of a packet with this payload to `out`, which is UTF-8: the head from
    /// [`write_head`](crate::write_head), and the JSON. The [`attachments`](Self::attachments) have
    /// to follow it as binary messages, in order and with nothing in between.
    pub fn encode(&self, kind: Kind, namespace: &str, id: Option<u64>, out: &mut Vec<u8>) {
        write_head(out, kind, self.attachments.len(), namespace, id);
        out.extend_from_slice(&self.json);
    }

    /// A packet with this payload, for a [`Parser`](crate::Parser) to write. It borrows the JSON,
    /// whose encoding this checks once more, and shares the attachments.
    ///
    /// ```
    /// use siomio_packet::{Kind, Payload};
    ///
    /// let mut payload = Payload::new();
    /// payload.event("say", &"hello")?;
    /// let packet = payload.as_packet(Kind::Event, "/chat", None);
    /// assert_eq!(packet.data.json(), r#"["say","hello"]"#);
    /// # Ok::<(), siomio_packet::EncodeError>(())
    /// ```
    #[must_use]
    pub fn as_packet<'a>(&'a self, kind: Kind, namespace: &'a str, id: Option<u64>) -> Packet<'a> {
        let data = Data::relayed(self.json(), self.attachments.clone());
        Packet { kind, namespace: namespace.into(), id, data }
    }

    /// The JSON text as bytes, for the wire. It is UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.json
    }

    /// The JSON text. This checks its encoding once more; where bytes do, take
    /// [`as_bytes`](Self::as_bytes).
    #[must_use]
    pub fn json(&self) -> &str {
        std::str::from_utf8(&self.json).unwrap_or_default()
    }

    /// The attachments in the order of their numbers.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Empties the payload and keeps its buffers.
    pub fn clear(&mut self) {
        self.json.clear();
        self.attachments.clear();
    }

    /// JSON and attachments.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, Vec<Bytes>) {
        (self.json, self.attachments)
    }

    /// Writes the arguments and the closing bracket.
    fn list<A: IntoArgs + ?Sized>(&mut self, args: &A) -> Result<(), EncodeError> {
        let mut writer = ArgsWriter::new(&mut self.json, &mut self.attachments);
        let written = args.write_args(&mut writer);
        match written {
            Ok(()) => self.json.push(b']'),
            Err(_) => self.clear(),
        }
        written
    }
}

/// Appends one value as JSON; bytes in it go to `attachments`.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    json: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    value: &T,
) -> Result<(), EncodeError> {
    let format = Attaching::new(attachments);
    value.serialize(&mut serde_json::Serializer::with_formatter(json, format))?;
    Ok(())
}

/// Appends a string in quotes.
pub(crate) fn write_json_string(json: &mut Vec<u8>, text: &str) {
    if is_plain(text) {
        json.push(b'"');
        json.extend_from_slice(text.as_bytes());
        return json.push(b'"');
    }
    // Neither a string nor a write to memory can fail.
    _ = serde_json::to_writer(json, text);
}
