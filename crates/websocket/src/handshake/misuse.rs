use std::fmt;

/// What the caller asked for and cannot be written; nothing was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// The name of this field is not a token (RFC 9110 section 5.1).
    FieldName(String),
    /// The value of the field of this name has a line break or another control character in it.
    FieldValue(String),
    /// The field of this name is the handshake's own matter.
    ReservedField(String),
    /// The request target has white space or control characters in it, or is empty.
    Target(String),
    /// This subprotocol is not a token, or named twice.
    Protocol(String),
    /// The client did not offer this subprotocol.
    ProtocolNotOffered(String),
    /// The client offered no extensions.
    ExtensionsNotOffered,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldName(name) => write!(f, "not a header name: {name:?}"),
            Self::FieldValue(name) => write!(f, "control character in the value of {name:?}"),
            Self::ReservedField(name) => write!(f, "header set by the handshake itself: {name:?}"),
            Self::Target(target) => write!(f, "not a request target: {target:?}"),
            Self::Protocol(name) => write!(f, "not a token or not unique: subprotocol {name:?}"),
            Self::ProtocolNotOffered(name) => {
                write!(f, "subprotocol the client did not offer: {name:?}")
            }
            Self::ExtensionsNotOffered => f.write_str("the client offered no extensions"),
        }
    }
}

impl std::error::Error for Misuse {}
