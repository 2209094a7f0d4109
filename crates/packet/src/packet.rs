use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::args::ArgsRef;
use crate::error::{ArgError, DecodeError, PayloadError};
use crate::head::write_head;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::placeholder::Check;
use crate::scan::{Elements, scan, trim, unescape};
use crate::shape::check_shape;

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

impl<'a> Packet<'a> {
    /// A packet that has passed what the [`Decoder`](crate::Decoder) checks; for
    /// [parsers](crate::Parser).
    ///
    /// # Errors
    ///
    /// [`DecodeError::InvalidNamespace`] if the namespace does not begin with `/` or holds a comma,
    /// which the text form could not carry; [`DecodeError::InvalidPayload`] if the payload is not
    /// what this kind of packet requires, or the event's name is reserved.
    ///
    /// ```
    /// use siomio_packet::{Data, Kind, Limits, Packet};
    ///
    /// let data = Data::new(&Limits::default(), r#"["say",1]"#, Vec::new())?;
    /// let packet = Packet::new(Kind::Event, "/chat", Some(7), data.clone())?;
    /// let mut text = Vec::new();
    /// packet.encode(&mut text);
    /// assert_eq!(text, br#"2/chat,7["say",1]"#);
    ///
    /// assert!(Packet::new(Kind::Connect, "/chat", None, data).is_err());
    /// # Ok::<(), siomio_packet::DecodeError>(())
    /// ```
    pub fn new(
        kind: Kind,
        namespace: impl Into<Cow<'a, str>>,
        id: Option<u64>,
        data: Data<'a>,
    ) -> Result<Self, DecodeError> {
        let namespace = namespace.into();
        if !namespace.starts_with('/') || namespace.contains(',') {
            return Err(DecodeError::InvalidNamespace);
        }
        check_shape(kind, &data)?;
        Ok(Self { kind, namespace, id, data })
    }

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
    /// in order and with nothing in between. Only events and acks have attachments in this form.
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
    /// A payload from its parts, checked as the [`Decoder`](crate::Decoder) does it; for
    /// [parsers](crate::Parser). An empty `json` is no payload at all.
    ///
    /// Where there are attachments, an object whose `_placeholder` is `true` stands for the one
    /// whose position is its `num`; where there are none, it is an ordinary object.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooLarge`] and [`DecodeError::TooManyAttachments`] beyond the limits,
    /// [`DecodeError::InvalidPayload`] for malformed or too deep JSON,
    /// [`DecodeError::IllegalPlaceholder`] for one that names no attachment.
    ///
    /// ```
    /// use siomio_packet::{Binary, Data, DecodeError, Limits};
    ///
    /// let json = r#"["photo",{"_placeholder":true,"num":0}]"#;
    /// let data = Data::new(&Limits::default(), json, vec![b"\x89PNG".as_slice().into()])?;
    /// let (_, args) = data.event().expect("an event");
    /// assert_eq!(args.get(0), Ok(Binary::from(b"\x89PNG".to_vec())));
    ///
    /// let json = r#"["photo",{"_placeholder":true,"num":1}]"#;
    /// let data = Data::new(&Limits::default(), json, vec![b"\x89PNG".as_slice().into()]);
    /// assert_eq!(data, Err(DecodeError::IllegalPlaceholder));
    /// # Ok::<(), DecodeError>(())
    /// ```
    pub fn new(
        limits: &Limits,
        json: impl Into<Cow<'a, str>>,
        attachments: Vec<Bytes>,
    ) -> Result<Self, DecodeError> {
        let json = json.into();
        let bytes =
            attachments.iter().fold(json.len(), |sum, bytes| sum.saturating_add(bytes.len()));
        if bytes > limits.max_packet_bytes {
            return Err(DecodeError::TooLarge { limit: limits.max_packet_bytes });
        }
        let count = u32::try_from(attachments.len()).unwrap_or(u32::MAX);
        if count > limits.max_attachments {
            return Err(DecodeError::TooManyAttachments { limit: limits.max_attachments });
        }
        Ok(Self { attachments, ..Self::scan(limits, json, count)? })
    }

    /// JSON as a peer sent it, whose attachments, `count` of them, are still to be added.
    pub(crate) fn scan(
        limits: &Limits,
        json: Cow<'a, str>,
        count: u32,
    ) -> Result<Self, PayloadError> {
        // An absent payload is not JSON, and right for some kinds only.
        let lone_surrogate = if json.is_empty() {
            false
        } else if count > 0 {
            scan(&json, limits.max_json_depth, &mut Check::new(count))?.lone_surrogate
        } else {
            scan(&json, limits.max_json_depth, &mut ())?.lone_surrogate
        };
        Ok(Self { json, attachments: Vec::new(), lone_surrogate })
    }

    /// The payload of an event that was made here, with [`Payload`](crate::Payload): nothing is checked.
    #[doc(hidden)]
    #[must_use]
    pub fn of_own_event(json: &'a str, attachments: &[Bytes]) -> Self {
        Self { json: Cow::Borrowed(json), attachments: attachments.to_vec(), lone_surrogate: true }
    }

    /// JSON of our own making, without escapes of lone surrogates.
    pub(crate) fn own(json: String, attachments: Vec<Bytes>) -> Self {
        Self { json: Cow::Owned(json), attachments, lone_surrogate: false }
    }

    /// JSON that serde_json has written, or that was once received and is passed on.
    pub(crate) fn relayed(json: &'a str, attachments: Vec<Bytes>) -> Self {
        // serde_json writes no such escape; if there is one, somebody else's text is being relayed.
        let suspicious = json.contains("\\ud") || json.contains("\\uD");
        let lone_surrogate =
            suspicious && scan(json, u16::MAX, &mut ()).is_ok_and(|scanned| scanned.lone_surrogate);
        Self { json: Cow::Borrowed(json), attachments, lone_surrogate }
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
