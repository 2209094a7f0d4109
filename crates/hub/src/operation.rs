//! What one hub asks of the others.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use siomio_packet::{
    Args, Data, EncodeError, Encoded, IntoArgs, Kind, Packet, Payload, write_head,
};

use crate::{Answer, Offset, RequestId, Selector};

/// Something to be done in a namespace, wherever its sockets live: on this hub, on those of other shards, on other nodes.
/// The operations are the same for all of them; only how they travel differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Send an event.
    Broadcast {
        /// To whom.
        to: Selector,
        /// What.
        packet: Arc<Broadcast>,
        /// How.
        flags: Flags,
        /// Who wants to know the acknowledgements, if it is to be acknowledged.
        gathering: Option<Gathering>,
    },
    /// Join rooms.
    Join {
        /// Who.
        who: Selector,
        /// The rooms.
        rooms: Vec<Arc<str>>,
    },
    /// Leave rooms.
    Leave {
        /// Who.
        who: Selector,
        /// The rooms.
        rooms: Vec<Arc<str>>,
    },
    /// Disconnect.
    Disconnect {
        /// Whom.
        who: Selector,
        /// Close the connections as well.
        close: bool,
    },
    /// Tell who there is.
    Fetch {
        /// Of these.
        who: Selector,
        /// Whom to tell.
        request: RequestId,
    },
    /// An event for the servers themselves.
    ServerSideEmit {
        /// Its name.
        event: Arc<str>,
        /// Its arguments.
        args: Args,
        /// Who wants to know the answers, if it is to be answered.
        request: Option<RequestId>,
    },
    /// A part of the answer to one of these.
    Answer {
        /// To which.
        request: RequestId,
        /// What.
        answer: Answer,
    },
}

/// How an event is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Only to those who can take it at once.
    pub volatile: bool,
    /// It may be compressed where that was negotiated.
    pub compress: bool,
}

/// The acknowledgements of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// Whom they are for.
    pub request: RequestId,
    /// How long they may take.
    pub timeout: std::time::Duration,
}

/// An event for many: encoded once, shared by reference.
#[derive(Debug)]
pub struct Broadcast {
    namespace: Arc<str>,
    id: Option<u64>,
    /// Head and payload: valid UTF-8.
    text: Bytes,
    /// Where the payload begins.
    payload_at: usize,
    attachments: Vec<Bytes>,
    /// What stands at the end of the payload, if clients can ask for it again.
    offset: Option<Offset>,
    /// The packet as a parser other than the JSON one writes it; filled by the first who needs it.
    pub encoded: OnceLock<Encoded>,
    /// The packet as the WebSocket transport writes it; filled by the first who needs it.
    pub framed: OnceLock<Bytes>,
}

impl Default for Flags {
    fn default() -> Self {
        Self { volatile: false, compress: true }
    }
}

impl Broadcast {
    /// The packet of an event. With an offset, that becomes its last argument.
    pub fn new(namespace: Arc<str>, payload: &Payload, offset: Option<Offset>) -> Self {
        let attachments = payload.attachments().to_vec();
        let mut text = Vec::with_capacity(payload.as_bytes().len() + namespace.len() + 32);
        write_head(&mut text, Kind::Event, attachments.len(), &namespace, None);
        let payload_at = text.len();
        text.extend_from_slice(payload.as_bytes());
        if let Some(offset) = offset {
            offset.append_to(&mut text);
        }
        Self::from_parts(namespace, None, text, payload_at, attachments, offset)
    }

    /// The packet of an event by its name and arguments, as it comes from another node, where it was read with
    /// [`data`](Self::data).
    ///
    /// ```
    /// use siomio_hub::Broadcast;
    /// use siomio_packet::Args;
    ///
    /// let sent = Broadcast::event("/chat", "say", &("hi", 1))?;
    /// let data = sent.data();
    /// let (name, args) = data.event().unwrap();
    /// let args: Args = args.to_args();
    /// let received = Broadcast::event("/chat", name.as_str(), &args)?;
    /// assert_eq!(received.text(), sent.text());
    /// # Ok::<(), siomio_packet::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError`] when clients cannot be sent an event of this name, or the arguments cannot be serialised.
    pub fn event<A: IntoArgs + ?Sized>(
        namespace: impl Into<Arc<str>>,
        name: &str,
        args: &A,
    ) -> Result<Self, EncodeError> {
        let mut payload = Payload::new();
        payload.event(name, args)?;
        Ok(Self::new(namespace.into(), &payload, None))
    }

    /// The same event, to be acknowledged under a number.
    #[must_use]
    pub fn numbered(&self, id: u64) -> Self {
        let mut text = Vec::with_capacity(self.text.len() + 20);
        write_head(&mut text, Kind::Event, self.attachments.len(), &self.namespace, Some(id));
        let payload_at = text.len();
        text.extend_from_slice(self.payload());
        debug_assert!(self.offset.is_none(), "what is acknowledged cannot be asked for again");
        let attachments = self.attachments.clone();
        Self::from_parts(self.namespace.clone(), Some(id), text, payload_at, attachments, None)
    }

    fn from_parts(
        namespace: Arc<str>,
        id: Option<u64>,
        text: Vec<u8>,
        payload_at: usize,
        attachments: Vec<Bytes>,
        offset: Option<Offset>,
    ) -> Self {
        let (text, encoded, framed) = (text.into(), OnceLock::new(), OnceLock::new());
        Self { namespace, id, text, payload_at, attachments, offset, encoded, framed }
    }

    /// The same event with an offset of this server's, whatever it had before.
    #[must_use]
    pub fn stamped(&self, offset: Offset) -> Self {
        let mut text = Vec::with_capacity(self.text.len() + 20);
        text.extend_from_slice(&self.text[..self.text.len() - self.offset.map_or(0, Offset::len)]);
        if self.offset.is_some() {
            text.push(b']');
        }
        offset.append_to(&mut text);
        let (namespace, attachments) = (self.namespace.clone(), self.attachments.clone());
        Self::from_parts(namespace, self.id, text, self.payload_at, attachments, Some(offset))
    }

    /// The name of the namespace.
    pub fn namespace(&self) -> &Arc<str> {
        &self.namespace
    }

    /// The number under which it is to be acknowledged.
    pub const fn id(&self) -> Option<u64> {
        self.id
    }

    /// The packet's text, head and payload, as the JSON parser writes it: valid UTF-8.
    pub const fn text(&self) -> &Bytes {
        &self.text
    }

    /// The payload alone.
    pub fn payload(&self) -> &[u8] {
        &self.text[self.payload_at..]
    }

    /// What goes behind it.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Where it stands in the log of what can be asked for again.
    pub const fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// Name and arguments.
    pub fn data(&self) -> Data<'_> {
        Data::of_own_event(
            std::str::from_utf8(self.payload()).unwrap_or_default(),
            &self.attachments,
        )
    }

    /// The packet, for a parser.
    pub fn packet(&self) -> Packet<'_> {
        let (namespace, data) = ((&*self.namespace).into(), self.data());
        Packet { kind: Kind::Event, namespace, id: self.id, data }
    }

    /// Bytes it keeps in memory, about.
    pub fn size(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}
