use std::fmt;

use crate::error::DecodeError;
use crate::limits::Limits;
use crate::packet::Packet;

/// A wire format other than Socket.IO's own: one message, text or binary, for each packet.
///
/// Behind the wire nothing changes: a payload is JSON with placeholders where its attachments
/// belong, whatever it looked like on the way, so that handlers and relays work with every parser
/// alike. Client and server must use the same one.
///
/// ```
/// use siomio_packet::{Data, DecodeError, Encoded, Kind, Limits, Packet, Parser, Wire};
///
/// /// Four words: kind, namespace, ack id or `-`, payload.
/// #[derive(Debug)]
/// struct Words;
///
/// impl Parser for Words {
///     fn encode(&self, packet: &Packet<'_>) -> Encoded {
///         let id = packet.id.map_or("-".to_owned(), |id| id.to_string());
///         let (kind, json) = (packet.kind.number(), packet.data.json());
///         Encoded::Text(format!("{kind} {} {id} {json}", packet.namespace))
///     }
///
///     fn decode(&self, limits: &Limits, message: Wire<'_>) -> Result<Packet<'static>, DecodeError> {
///         let Wire::Text(text) = message else { return Err(DecodeError::NoBinary) };
///         let words: Vec<&str> = text.splitn(4, ' ').collect();
///         let [kind, namespace, id, json] = words[..] else {
///             return Err(DecodeError::Malformed { at: text.len(), reason: "too few words" });
///         };
///         let kind = kind.parse().ok().and_then(Kind::from_number);
///         let kind = kind.ok_or(DecodeError::InvalidType)?;
///         let id = match id {
///             "-" => None,
///             id => Some(id.parse().map_err(|_| DecodeError::InvalidId)?),
///         };
///         let data = Data::new(limits, json.to_owned(), Vec::new())?;
///         Packet::new(kind, namespace.to_owned(), id, data)
///     }
/// }
///
/// let limits = Limits::default();
/// let packet = Words.decode(&limits, Wire::Text(r#"2 /chat 7 ["say","hello"]"#))?;
/// assert_eq!((packet.kind, &*packet.namespace, packet.id), (Kind::Event, "/chat", Some(7)));
/// assert_eq!(Words.encode(&packet), Encoded::Text(r#"2 /chat 7 ["say","hello"]"#.to_owned()));
/// assert_eq!(Words.decode(&limits, Wire::Binary(&[1])), Err(DecodeError::NoBinary));
/// # Ok::<(), DecodeError>(())
/// ```
pub trait Parser: fmt::Debug + Send + Sync + 'static {
    /// Writes a packet. Nothing is sent of one that comes out empty.
    ///
    /// Its placeholders refer to its attachments. A format without binary has to say something of
    /// its own in their place.
    fn encode(&self, packet: &Packet<'_>) -> Encoded;

    /// Reads a message. [`Data::new`](crate::Data::new) and [`Packet::new`] check what comes out
    /// of it; a parser has to see to it only that what it allocates is within the limits too.
    ///
    /// # Errors
    ///
    /// [`DecodeError::NoText`] or [`DecodeError::NoBinary`] for a message of the other sort,
    /// [`DecodeError::Malformed`] or whatever else fits for one that is no packet. Servers close
    /// the connection then.
    fn decode(&self, limits: &Limits, message: Wire<'_>) -> Result<Packet<'static>, DecodeError>;
}

/// A message as a [`Parser`] has written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

/// A message as it came over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}
