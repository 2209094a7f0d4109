//! Refused requests: the protocol's error table.

use std::fmt;

use crate::json::push_string;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Code 0: no transport, or one that is not offered.
    TransportUnknown,
    /// Code 1: no session has this id.
    UnknownSid,
    /// Code 2: a session is opened with GET only.
    BadHandshakeMethod,
    /// Code 3.
    BadRequest(BadRequest),
    /// Code 4: the application said no, in these words.
    Forbidden(String),
    /// Code 5: a revision of the protocol that this server does not speak.
    UnsupportedProtocol,
}

/// What a code 3 is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadRequest {
    /// The Origin header holds a control character.
    InvalidOrigin,
    /// The session is on another transport.
    TransportMismatch,
    /// The session speaks another revision of the protocol.
    ProtocolMismatch,
    /// WebSocket was asked for without an Upgrade header.
    TransportHandshake,
    /// A middleware of the application turned the request away.
    MiddlewareFailure,
    /// The application could not make an id for the session, for this reason.
    IdGeneration(String),
}

impl BadRequest {
    /// The name that the reference gives to the case.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidOrigin => "INVALID_ORIGIN",
            Self::TransportMismatch => "TRANSPORT_MISMATCH",
            Self::ProtocolMismatch => "PROTOCOL_MISMATCH",
            Self::TransportHandshake => "TRANSPORT_HANDSHAKE_ERROR",
            Self::MiddlewareFailure => "MIDDLEWARE_FAILURE",
            Self::IdGeneration(_) => "ID_GENERATION_ERROR",
        }
    }
}

impl Refusal {
    /// The protocol's number for it.
    pub const fn code(&self) -> u8 {
        match self {
            Self::TransportUnknown => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest(_) => 3,
            Self::Forbidden(_) => 4,
            Self::UnsupportedProtocol => 5,
        }
    }

    /// The protocol's words for it.
    pub fn message(&self) -> &str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest(_) => "Bad request",
            Self::Forbidden(message) => message,
            Self::UnsupportedProtocol => "Unsupported protocol version",
        }
    }

    /// The HTTP status of the answer to a polling request. A refused upgrade is answered with 400 in any case.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Forbidden(_) => 403,
            _ => 400,
        }
    }

    /// The JSON body of the answer to a polling request.
    pub fn body(&self) -> String {
        let mut body = format!("{{\"code\":{},\"message\":", self.code());
        push_string(&mut body, self.message());
        body.push('}');
        body
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match self {
            Self::BadRequest(why) => write!(f, " ({})", why.name()),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_those_of_the_protocol() {
        assert_eq!(Refusal::UnknownSid.body(), r#"{"code":1,"message":"Session ID unknown"}"#);
        assert_eq!(
            Refusal::BadRequest(BadRequest::InvalidOrigin).body(),
            r#"{"code":3,"message":"Bad request"}"#
        );
        let quoted = Refusal::Forbidden("say \"please\"\n\u{8}\u{1}".into());
        assert_eq!(quoted.body(), r#"{"code":4,"message":"say \"please\"\n\b\u0001"}"#);
        assert_eq!(quoted.status(), 403);
    }
}
