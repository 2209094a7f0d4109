use std::fmt;

use crate::CloseCode;

/// Why reading ended: what the peer did.
///
/// The connection is beyond repair. Write a close frame with [`close_code`](Self::close_code) if
/// none was sent yet, then close the TCP connection without waiting (RFC 6455 section 7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule of the framing.
    Protocol(Violation),
    /// A text message or a close reason is not UTF-8.
    InvalidUtf8,
    /// The peer sent, or announced, more than this side takes.
    Limit(Limit),
}

impl Error {
    /// The code that tells the peer: 1002, 1007, 1009, or 1008 for too many fragments.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Protocol(_) => CloseCode::PROTOCOL_ERROR,
            Self::InvalidUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::Limit(Limit::Frame | Limit::Message) => CloseCode::TOO_BIG,
            Self::Limit(Limit::Fragments) => CloseCode::POLICY,
        }
    }
}

/// The rule of RFC 6455 a peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set that no extension gave a meaning there (section 5.2).
    ReservedBits,
    /// The opcode is one of the reserved values (section 5.2).
    ReservedOpCode(u8),
    /// A client sent a frame without a mask (section 5.1).
    NotMasked,
    /// A server sent a frame with a mask (section 5.1).
    Masked,
    /// A control frame without FIN (section 5.5).
    FragmentedControl,
    /// A control frame announces more than 125 bytes (section 5.5).
    ControlTooLong,
    /// The most significant bit of a 64-bit length is set (section 5.2).
    LengthOutOfRange,
    /// A continuation frame, but no message is unfinished (section 5.4).
    NothingToContinue,
    /// A text or binary frame, but a message is unfinished (section 5.4).
    MessageNotFinished,
    /// A close frame with a payload of one byte (section 5.5.1).
    TruncatedCloseCode,
    /// A close frame with a code that may not be sent (section 7.4).
    InvalidCloseCode(u16),
}

/// The limit a peer exceeded; see [`Limits`](crate::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// One frame is longer than `max_frame`.
    Frame,
    /// The fragments of one message together are longer than `max_message`.
    Message,
    /// One message has more fragments than `max_fragments`.
    Fragments,
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Protocol(violation)
    }
}

impl From<Limit> for Error {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::InvalidUtf8 => f.write_str("the peer sent text that is not UTF-8"),
            Self::Limit(limit) => write!(f, "the peer exceeded a limit: {limit}"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "reserved bit set",
            Self::ReservedOpCode(bits) => return write!(f, "reserved opcode {bits}"),
            Self::NotMasked => "client frame without a mask",
            Self::Masked => "server frame with a mask",
            Self::FragmentedControl => "fragmented control frame",
            Self::ControlTooLong => "control frame of more than 125 bytes",
            Self::LengthOutOfRange => "frame length of 2^63 or more",
            Self::NothingToContinue => "continuation without a message to continue",
            Self::MessageNotFinished => "new message inside an unfinished one",
            Self::TruncatedCloseCode => "close frame with half a code",
            Self::InvalidCloseCode(code) => return write!(f, "close code {code} may not be sent"),
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame => "frame too long",
            Self::Message => "message too long",
            Self::Fragments => "message of too many fragments",
        })
    }
}

impl std::error::Error for Error {}
impl std::error::Error for Violation {}
impl std::error::Error for Limit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_its_close_code() {
        let table = [
            (Error::Protocol(Violation::NotMasked), 1002),
            (Error::InvalidUtf8, 1007),
            (Error::Limit(Limit::Frame), 1009),
            (Error::Limit(Limit::Message), 1009),
            (Error::Limit(Limit::Fragments), 1008),
        ];
        for (error, code) in table {
            assert_eq!(error.close_code(), CloseCode(code), "{error}");
            assert!(error.close_code().is_valid_on_wire());
        }
    }

    #[test]
    fn messages_name_the_culprit_and_the_value() {
        assert_eq!(
            Error::from(Violation::ReservedOpCode(3)).to_string(),
            "the peer broke the protocol: reserved opcode 3"
        );
        assert_eq!(
            Error::from(Limit::Message).to_string(),
            "the peer exceeded a limit: message too long"
        );
    }
}
