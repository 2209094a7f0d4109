#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;

use crate::error::DecodeError;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::packet::{Data, Packet};
use crate::shape::check_shape;

/// Puts packets together from the text and binary messages of one client.
///
/// ```text
///            text without attachments ─► packet
///           ╭───╮
///           ▼   │    text announcing n attachments
///         ┌──────┐ ─────────────────────────────► ┌─────────┐ ──╮ binary,
///         │ idle │                                │ waiting │   │ not the last
///         └──────┘ ◄───────────────────────────── └─────────┘ ◄─╯
///             ▲      the last binary ─► packet         │
///             ╰───────────────── any error ◄───────────╯
/// ```
///
/// An idle decoder is one pointer and owns no heap. While it waits it holds the text and the
/// attachments received so far, never more than
/// [`max_packet_bytes`](Limits::max_packet_bytes) together. After an error it is idle again;
/// servers close the connection then.
///
/// ```
/// use siomio_packet::{Decoder, Limits};
///
/// let (mut decoder, limits) = (Decoder::new(), Limits::default());
/// let text = r#"51-["photo",{"_placeholder":true,"num":0}]"#;
/// assert!(decoder.text(&limits, text)?.is_none());
/// let packet = decoder.binary(&limits, b"\x89PNG".into())?.expect("the last attachment");
/// let (name, args) = packet.data.event().expect("an event");
/// assert_eq!(name, "photo");
/// assert_eq!(args.attachments()[0], &b"\x89PNG"[..]);
/// # Ok::<(), siomio_packet::DecodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    waiting: Option<Box<Waiting>>,
}

/// A packet whose text has come and whose attachments have not.
#[derive(Debug)]
struct Waiting {
    packet: Packet<'static>,
    /// Attachments still due, at least 1.
    missing: u32,
    /// Bytes they may have together.
    room: usize,
}

impl Decoder {
    /// An idle decoder.
    #[must_use]
    pub const fn new() -> Self {
        Self { waiting: None }
    }

    /// Takes a text message. `None` means that attachments have to follow.
    ///
    /// # Errors
    ///
    /// Every deviation from the protocol and every limit, as listed at [`DecodeError`].
    pub fn text<'a>(
        &mut self,
        limits: &Limits,
        text: &'a str,
    ) -> Result<Option<Packet<'a>>, DecodeError> {
        if self.waiting.take().is_some() {
            return Err(DecodeError::UnexpectedText);
        }
        let Some(room) = limits.max_packet_bytes.checked_sub(text.len()) else {
            return Err(DecodeError::TooLarge { limit: limits.max_packet_bytes });
        };
        let (packet, missing) = decode(limits, text)?;
        if missing == 0 {
            return Ok(Some(packet));
        }
        let packet = packet.into_owned();
        self.waiting = Some(Box::new(Waiting { packet, missing, room }));
        Ok(None)
    }

    /// Takes a binary message, which is the next attachment. Borrowed data is copied, so that a
    /// shared receive buffer is never kept alive; owned data is taken over as it is.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnexpectedBinary`] if no attachment is due, [`DecodeError::TooLarge`] if the
    /// packet has grown beyond its limit.
    pub fn binary(
        &mut self,
        limits: &Limits,
        data: Cow<'_, [u8]>,
    ) -> Result<Option<Packet<'static>>, DecodeError> {
        let mut waiting = self.waiting.take().ok_or(DecodeError::UnexpectedBinary)?;
        let Some(room) = waiting.room.checked_sub(data.len()) else {
            return Err(DecodeError::TooLarge { limit: limits.max_packet_bytes });
        };
        waiting.packet.data.attach(match data {
            Cow::Borrowed(shared) => Bytes::copy_from_slice(shared),
            Cow::Owned(own) => Bytes::from(own),
        });
        waiting.missing -= 1;
        if waiting.missing == 0 {
            return Ok(Some(waiting.packet));
        }
        waiting.room = room;
        self.waiting = Some(waiting);
        Ok(None)
    }

    /// Whether attachments are due, so that only a binary message may come next.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }
}

/// The packet a text stands for, and how many attachments have to follow it.
fn decode<'a>(limits: &Limits, text: &'a str) -> Result<(Packet<'a>, u32), DecodeError> {
    let mut chars = text.chars();
    let digit = chars.next().ok_or(DecodeError::Empty)?;
    let (kind, binary) = Kind::from_char(digit).ok_or(DecodeError::UnknownType(digit))?;
    let rest = chars.as_str();

    let (attachments, rest) = if binary { attachment_count(limits, rest)? } else { (0, rest) };
    let (namespace, rest) = namespace(rest);
    let (id, json) = ack_id(rest)?;

    let data = Data::scan(limits, json.into(), attachments)?;
    check_shape(kind, &data)?;
    Ok((Packet { kind, namespace: Cow::Borrowed(namespace), id, data }, attachments))
}

/// Reads `<count>-`.
fn attachment_count<'a>(limits: &Limits, text: &'a str) -> Result<(u32, &'a str), DecodeError> {
    let (digits, rest) = split_digits(text);
    let rest = rest.strip_prefix('-').ok_or(DecodeError::IllegalCount)?;
    if digits.is_empty() {
        return Err(DecodeError::IllegalCount);
    }
    // What does not even fit into 32 bits is too many as well.
    match digits.parse().unwrap_or(u32::MAX) {
        // A packet that announces no attachment would wait for ever.
        0 => Err(DecodeError::IllegalCount),
        count if count > limits.max_attachments => {
            Err(DecodeError::TooManyAttachments { limit: limits.max_attachments })
        }
        count => Ok((count, rest)),
    }
}

/// Reads `/namespace,`; the comma may be missing at the end of the text.
fn namespace(text: &str) -> (&str, &str) {
    if text.starts_with('/') { text.split_once(',').unwrap_or((text, "")) } else { ("/", text) }
}

fn ack_id(text: &str) -> Result<(Option<u64>, &str), DecodeError> {
    let (digits, rest) = split_digits(text);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let id = digits.parse().map_err(|_| DecodeError::IdOverflow)?;
    Ok((Some(id), rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    // Digits are ASCII, so `end` is a character boundary.
    text.split_at_checked(end).unwrap_or((text, ""))
}
