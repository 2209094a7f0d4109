use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::args::ArgsRef;
use crate::error::ArgError;
use crate::head::write_head;
use crate::kind::Kind;
use crate::scan::{Elements, trim, unescape};

/// A packet as it was received: checked, but with its payload still in JSON.
///
/// It borrows from the text it was decoded from when it has no attachments, and owns everything
/// when it had to wait for some.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet<'a> {
    /// What the packet is for.
    pub kind: Kind,
    /// The namespace, `/` where the text named none. Always begins with `/`; a `?query` that
    /// clients of revision 4 append to it is in place until [`upgrade_v4`](Self::upgrade_v4).
    pub namespace: Cow<'a, str>,
    /// The ack id: an event that has one asks for an [`Ack`](Kind::Ack) with the same.
    pub id: Option<u64>,
    /// The payload and its attachments.
    pub data: Data<'a>,
}

impl Packet<'_> {
    /// The same packet, independent of the text it came from.
    #[must_use]
    pub fn into_owned(self) -> Packet<'static> {
        let namespace = match &*self.namespace {
            // Most clients never leave it.
            "/" => Cow::Borrowed("/"),
            _ => Cow::Owned(self.namespace.into_owned()),
        };
        Packet { kind: self.kind, namespace, id: self.id, data: self.data.into_owned() }
    }

    /// Appends the packet's text to `out`; the attachments have to follow it as binary messages,
    /// in order and with nothing in between.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_head(out, self.kind, self.data.attachments.len(), &self.namespace, self.id);
        out.extend_from_slice(self.data.json.as_bytes());
    }
}

/// The payload of a [`Packet`]: JSON whose syntax, depth and outer shape the decoder has checked,
/// and the attachments its placeholders refer to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Data<'a> {
    json: Cow<'a, str>,
    attachments: Vec<Bytes>,
    /// The JSON holds the escape of half a surrogate pair, at which serde_json would stumble.
    lone_surrogate: bool,
}

impl<'a> Data<'a> {
    pub(crate) fn new(json: &'a str, lone_surrogate: bool) -> Self {
        Self { json: Cow::Borrowed(json), attachments: Vec::new(), lone_surrogate }
    }

    /// The payload of an event that was made here, with [`Payload`](crate::Payload): nothing is checked.
    #[doc(hidden)]
    #[must_use]
    pub fn of_own_event(json: &'a str, attachments: &[Bytes]) -> Self {
        Self { json: Cow::Borrowed(json), attachments: attachments.to_vec(), lone_surrogate: true }
    }

    /// JSON of our own making, without escapes of lone surrogates.
    pub(crate) fn own(json: String) -> Self {
        Self { json: Cow::Owned(json), attachments: Vec::new(), lone_surrogate: false }
    }

    /// The JSON text as it was received, `""` if there was none.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The attachments in the order they arrived.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Name and arguments of an event; `None` if the payload is not that of an event.
    #[must_use]
    pub fn event(&self) -> Option<(EventName<'_>, ArgsRef<'_>)> {
        let mut elements = self.elements()?;
        let name = elements.next()?;
        let name = match name.as_bytes().first()? {
            b'"' => unescape(name.strip_prefix('"')?.strip_suffix('"')?),
            b'-' | b'0'..=b'9' => Cow::Borrowed(name),
            _ => return None,
        };
        Some((EventName(name), self.list(elements.rest())))
    }

    /// The arguments of an ack: all elements of the payload, none if there is no payload.
    #[must_use]
    pub fn args(&self) -> ArgsRef<'_> {
        self.list(self.elements().map_or("", |elements| elements.rest()))
    }

    /// Reads the whole payload as one value: what a client sent along with
    /// [`Connect`](Kind::Connect), or the server with [`ConnectError`](Kind::ConnectError). An
    /// absent payload reads like `null`.
    ///
    /// # Errors
    ///
    /// [`ArgError::Missing`] if the payload is absent and the type does not take `null`,
    /// [`ArgError::Invalid`] if it does not fit the type; the index is 0.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, ArgError> {
        self.list(&self.json).get(0)
    }

    pub(crate) fn attach(&mut self, attachment: Bytes) {
        self.attachments.push(attachment);
    }

    /// The same payload, independent of the text it came from.
    #[must_use]
    pub fn into_owned(self) -> Data<'static> {
        Data {
            json: Cow::Owned(self.json.into_owned()),
            attachments: self.attachments,
            lone_surrogate: self.lone_surrogate,
        }
    }

    fn elements(&self) -> Option<Elements<'_>> {
        trim(&self.json).strip_prefix('[')?.strip_suffix(']').map(Elements::new)
    }

    fn list<'b>(&'b self, json: &'b str) -> ArgsRef<'b> {
        ArgsRef::new(json, &self.attachments, self.lone_surrogate)
    }
}

/// The name of a received event, free of escapes. Clients may use numbers as names; such a name is
/// the number's text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventName<'a>(Cow<'a, str>);

impl<'a> EventName<'a> {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, borrowed from the packet unless it contained escapes.
    #[must_use]
    pub fn into_cow(self) -> Cow<'a, str> {
        self.0
    }
}

impl Deref for EventName<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for EventName<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for EventName<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for EventName<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Event names no peer may use: they are the events of the library's own life cycle.
pub const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

pub(crate) fn is_reserved(event: &str) -> bool {
    RESERVED_EVENTS.contains(&event)
}
