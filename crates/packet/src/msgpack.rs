//! MessagePack instead of JSON on the wire.
//!
//! Written by hand: a library for MessagePack would spare two tables of codes, [`read`] and
//! [`write`], and none of the checks.

mod date;
mod from_json;
mod read;
#[cfg(test)]
mod tests;
mod to_json;
mod write;

use std::borrow::Cow;

use crate::error::{DecodeError, PayloadError};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::packet::{Data, Packet};
use crate::parser::{Encoded, Parser, Wire};
use crate::placeholder;
use from_json::Value;
use read::{Reader, Token};
use to_json::Json;

/// The [`Parser`] whose packets are MessagePack, understood by clients that use the package
/// `socket.io-msgpack-parser` (version 3).
///
/// Each packet is one binary message, a map of `type`, `data`, `id` and `nsp`, and attachments are
/// within it as what they are. With the feature `msgpack`.
///
/// ```
/// use siomio_packet::{Binary, Encoded, Kind, Limits, MsgPack, Parser, Payload, Wire};
///
/// let mut payload = Payload::new();
/// payload.event("photo", &Binary::from(vec![0x89, 0x50]))?;
/// let message = MsgPack.encode(&payload.as_packet(Kind::Event, "/", None));
/// let expected = b"\x83\xa4type\x02\xa4data\x92\xa5photo\xc4\x02\x89\x50\xa3nsp\xa1/";
/// assert_eq!(message, Encoded::Binary(expected.to_vec()));
///
/// let packet = MsgPack.decode(&Limits::default(), Wire::Binary(expected))?;
/// let (name, args) = packet.data.event().expect("an event");
/// assert_eq!(name, "photo");
/// assert_eq!(args.get(0), Ok(Binary::from(vec![0x89, 0x50])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What becomes what
///
/// | MessagePack from a peer | here |
/// |---|---|
/// | integer | number, all 64 bits of it |
/// | float | number in its shortest text; `null` for what is not finite |
/// | string | string, bytes that are not UTF-8 replaced by U+FFFD |
/// | bin; extension 0, JavaScript's `ArrayBuffer` | attachment |
/// | extension 0 of one byte, JavaScript's `undefined` | `null` in arrays; in maps its key is left out |
/// | extension 0 of eight bytes, a `Date`; extension −1, a timestamp | string, like `2023-11-14T22:13:20.123Z` |
/// | other extensions | `[number, attachment]` |
/// | map | object in the same order; keys that are integers become strings, other keys are an error |
///
/// On the way out a number is an integer if it is written as one that fits into 64 bits, and a
/// float of 64 bits otherwise.
///
/// # Strictness
///
/// Depth and names of events are checked as in every packet: reserved names are refused, although
/// the reference's own parser lets them pass. [`Limits::max_packet_bytes`] holds for the message;
/// what becomes of it may be eight times as long. [`Limits::max_attachments`] holds for
/// announcements, of which there are none here. Unknown keys of a packet mean nothing.
///
/// A peer's own object whose `_placeholder` is `true` is an object like others, but beside
/// attachments it could be mistaken for one of them, and the packet is refused
/// ([`DecodeError::IllegalPlaceholder`]).
///
/// Unlike in text, the payload of a [`Connect`](Kind::Connect) may hold attachments too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MsgPack;

impl Parser for MsgPack {
    fn encode(&self, packet: &Packet<'_>) -> Encoded {
        let data = payload(packet);
        let members = 2 + usize::from(data.is_some()) + usize::from(packet.id.is_some());
        let mut out = Vec::new();
        write::map(&mut out, members);
        write::text(&mut out, "type");
        write::unsigned(&mut out, packet.kind.number().into());
        if let Some(data) = data {
            write::text(&mut out, "data");
            data.write(&mut out);
        }
        if let Some(id) = packet.id {
            write::text(&mut out, "id");
            write::unsigned(&mut out, id);
        }
        write::text(&mut out, "nsp");
        write::text(&mut out, &packet.namespace);
        Encoded::Binary(out)
    }

    fn decode(&self, limits: &Limits, message: Wire<'_>) -> Result<Packet<'static>, DecodeError> {
        let Wire::Binary(message) = message else { return Err(DecodeError::NoText) };
        if message.len() > limits.max_packet_bytes {
            return Err(DecodeError::TooLarge { limit: limits.max_packet_bytes });
        }
        if message.is_empty() {
            return Err(DecodeError::Empty);
        }
        Members::read(message, limits)?.check()
    }
}

/// The payload of a packet that goes out.
///
/// The format has no packets without one where the reference's decoder wants one, and clients
/// expect a consent to name a `pid`, be it `undefined`.
fn payload<'a>(packet: &'a Packet<'_>) -> Option<Value<'a>> {
    let absent = match packet.kind {
        Kind::Connect | Kind::Disconnect => "",
        Kind::Event | Kind::Ack => "[]",
        Kind::ConnectError => "{}",
    };
    let json = match packet.data.json() {
        "" => absent,
        json => json,
    };
    // Only the data of a refusal may be no JSON, see `Packet::connect_error`.
    let value = Value::read(json, packet.data.attachments());
    let mut value = value.or_else(|_| Value::read(absent, &[])).ok()?;
    if packet.kind == Kind::Connect {
        value.complete("sid", "pid");
    }
    Some(value)
}

/// The members of a packet as they came, the last of equal keys.
struct Members<'a> {
    kind: Token<'a>,
    namespace: Token<'a>,
    id: Token<'a>,
    data: Json,
}

impl<'a> Members<'a> {
    fn read(message: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        let absent = Token::Undefined;
        let mut members =
            Self { kind: absent, namespace: absent, id: absent, data: Json::default() };
        let Token::Map(len) = reader.token()? else { return Err(DecodeError::InvalidType) };
        for _ in 0..len {
            match &*reader.key()? {
                "type" => members.kind = reader.whole()?,
                "nsp" => members.namespace = reader.whole()?,
                "id" => members.id = reader.whole()?,
                "data" => members.data = Json::read(&mut reader, limits)?,
                _ => _ = reader.whole()?,
            }
        }
        reader.end()?;
        Ok(members)
    }

    /// Checks in the order of the reference.
    fn check(self) -> Result<Packet<'static>, DecodeError> {
        let number = self.kind.index().and_then(|number| u8::try_from(number).ok());
        let kind = number.and_then(Kind::from_number).ok_or(DecodeError::InvalidType)?;
        let Token::Text(namespace) = self.namespace else {
            return Err(DecodeError::InvalidNamespace);
        };
        let namespace = match String::from_utf8_lossy(namespace) {
            // Most clients never leave it.
            namespace if namespace == "/" => Cow::Borrowed("/"),
            namespace => Cow::Owned(namespace.into_owned()),
        };

        let (json, attachments) = self.data.into_parts();
        // Binary is no object, though what stands for it is.
        let is_binary = !attachments.is_empty() && placeholder::canonical(&json).is_some();
        let expected = match kind {
            Kind::Connect if is_binary => Some("an object or nothing"),
            Kind::ConnectError if is_binary || json.is_empty() => Some("a string or an object"),
            Kind::Ack if json.is_empty() => Some("an array"),
            _ => None,
        };
        if let Some(expected) = expected {
            return Err(PayloadError::WrongShape { expected }.into());
        }
        let packet = Packet::new(kind, namespace, None, Data::own(json, attachments))?;

        let id = match (self.id, self.id.index()) {
            (Token::Undefined, _) => None,
            (_, Some(id)) => Some(id),
            (_, None) => return Err(DecodeError::InvalidId),
        };
        Ok(Packet { id, ..packet })
    }
}
