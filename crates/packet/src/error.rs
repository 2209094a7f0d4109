use std::error::Error;
use std::fmt::{self, Display, Formatter};

/// Why a message is not a Socket.IO packet.
///
/// Where the reference implementation has a message for the case, `Display` prints exactly that;
/// [`source`](Error::source) then tells the particulars.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message is empty.
    Empty,
    /// The first character is none of the digits `0` to `6`.
    UnknownType(char),
    /// The attachment count is missing, zero, not made of digits, or lacks its `-`.
    IllegalCount,
    /// More attachments are announced than [`Limits::max_attachments`](crate::Limits) allows.
    TooManyAttachments {
        /// The limit.
        limit: u32,
    },
    /// The ack id does not fit into 64 bits.
    IdOverflow,
    /// The JSON is malformed, too deep, or not of the shape this kind of packet requires.
    InvalidPayload(PayloadError),
    /// A placeholder names no attachment of its packet.
    IllegalPlaceholder,
    /// A text arrived while attachments were due.
    UnexpectedText,
    /// A binary message arrived while no attachment was due.
    UnexpectedBinary,
    /// Text and attachments exceed [`Limits::max_packet_bytes`](crate::Limits).
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A text message, of which the [`Parser`](crate::Parser) has none.
    NoText,
    /// A binary message, of which the [`Parser`](crate::Parser) has none.
    NoBinary,
    /// The message is not of the [`Parser`](crate::Parser)'s format.
    Malformed {
        /// Byte offset into the message.
        at: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// The type is none of the numbers 0 to 4, in formats that have numbers.
    InvalidType,
    /// The namespace is not a string, does not begin with `/`, or holds a comma.
    InvalidNamespace,
    /// The ack id is not an integer from 0 on, in formats where it could be something else.
    InvalidId,
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty packet"),
            Self::UnknownType(c) => write!(f, "unknown packet type {}", c.escape_debug()),
            Self::IllegalCount => f.write_str("Illegal attachments"),
            Self::TooManyAttachments { .. } => f.write_str("too many attachments"),
            Self::IdOverflow => f.write_str("ack id exceeds 64 bits"),
            Self::InvalidPayload(_) => f.write_str("invalid payload"),
            Self::IllegalPlaceholder => f.write_str("illegal attachments"),
            Self::UnexpectedText => f.write_str("got plaintext data when reconstructing a packet"),
            Self::UnexpectedBinary => {
                f.write_str("got binary data when not reconstructing a packet")
            }
            Self::TooLarge { limit } => write!(f, "packet exceeds {limit} bytes"),
            Self::NoText => f.write_str("the parser takes no text messages"),
            Self::NoBinary => f.write_str("the parser takes no binary messages"),
            Self::Malformed { at, reason } => write!(f, "{reason} at byte {at}"),
            Self::InvalidType => f.write_str("invalid packet type"),
            Self::InvalidNamespace => f.write_str("invalid namespace"),
            Self::InvalidId => f.write_str("invalid packet id"),
        }
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidPayload(reason) => Some(reason),
            _ => None,
        }
    }
}

impl From<PayloadError> for DecodeError {
    fn from(reason: PayloadError) -> Self {
        match reason {
            PayloadError::Placeholder => Self::IllegalPlaceholder,
            reason => Self::InvalidPayload(reason),
        }
    }
}

/// What is wrong with the JSON of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// Not JSON.
    Syntax {
        /// Byte offset into the JSON text, not counting what stands before it in the packet.
        at: usize,
    },
    /// Arrays and objects nest too deep.
    TooDeep {
        /// The limit in levels.
        limit: u16,
    },
    /// A placeholder names no attachment.
    Placeholder,
    /// An event without payload, or whose array is empty.
    MissingEventName,
    /// The first element of an event is neither a string nor a number.
    InvalidEventName,
    /// The event bears a name that is reserved for the library itself.
    ReservedEventName(String),
    /// The payload's type does not fit the kind of packet.
    WrongShape {
        /// What the kind of packet asks for.
        expected: &'static str,
    },
}

impl Display for PayloadError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { at } => write!(f, "malformed JSON at byte {at}"),
            Self::TooDeep { limit } => write!(f, "JSON nests deeper than {limit} levels"),
            Self::Placeholder => f.write_str("illegal attachments"),
            Self::MissingEventName => f.write_str("event without a name"),
            Self::InvalidEventName => f.write_str("event name is neither a string nor a number"),
            Self::ReservedEventName(name) => write!(f, "event name {name:?} is reserved"),
            Self::WrongShape { expected } => write!(f, "expected {expected}"),
        }
    }
}

impl Error for PayloadError {}

/// Why an argument could not be read as the type asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgError {
    /// There are not that many arguments, and the type does not take `null`.
    Missing {
        /// Position of the argument, counted from 0.
        index: usize,
    },
    /// The argument does not fit the type.
    Invalid {
        /// Position of the argument, counted from 0.
        index: usize,
        /// What the deserialiser said.
        reason: String,
    },
}

impl Display for ArgError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { index } => write!(f, "argument {index} is missing"),
            Self::Invalid { index, reason } => write!(f, "argument {index}: {reason}"),
        }
    }
}

impl Error for ArgError {}

/// Why an event or an ack could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event name is one of [`RESERVED_EVENTS`](crate::RESERVED_EVENTS).
    ReservedName(String),
    /// An argument refused to be serialised, or has no form in JSON.
    Serialize(String),
}

impl Display for EncodeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedName(name) => write!(f, "event name {name:?} is reserved"),
            Self::Serialize(reason) => write!(f, "cannot serialise: {reason}"),
        }
    }
}

impl Error for EncodeError {}

impl From<serde_json::Error> for EncodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Serialize(error.to_string())
    }
}
