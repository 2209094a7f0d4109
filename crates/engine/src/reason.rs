//! Why a session ended.

use std::fmt;

/// Why a session was closed; `Display` gives the protocol's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The transport failed, or the peer misused it.
    TransportError(TransportError),
    /// The peer closed: a close packet, a WebSocket close, or its connection ended.
    TransportClose,
    /// This side closed.
    ForcedClose,
    /// The peer did not answer a ping in time.
    PingTimeout,
    /// The peer sent something that is not a packet.
    ParseError,
    /// The peer took its messages too slowly and more were waiting than is allowed.
    SlowConsumer,
    /// The peer sent more than this side got through with in time.
    Overloaded,
}

/// What was wrong with a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportError {
    /// A second GET came while one was waiting.
    GetOverlap,
    /// A second POST came while one was being read.
    PostOverlap,
    /// The connection of a waiting GET ended.
    GetAborted,
    /// The connection of a POST ended before its body did.
    PostAborted,
    /// A POST with a content type that the revision of the protocol does not know.
    InvalidContent,
    /// A ping where a pong belongs, or the other way round.
    HeartbeatDirection,
    /// The WebSocket broke a rule of its protocol or a limit.
    WebSocket,
}

impl CloseReason {
    /// The reason as other implementations name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportError(_) => "transport error",
            Self::TransportClose => "transport close",
            Self::ForcedClose => "forced close",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::SlowConsumer => "slow consumer",
            Self::Overloaded => "overloaded",
        }
    }
}

impl TransportError {
    /// The description that goes with the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetOverlap => "overlap from client",
            Self::PostOverlap => "data request overlap from client",
            Self::GetAborted => "poll connection closed prematurely",
            Self::PostAborted => "data request connection closed prematurely",
            Self::InvalidContent => "invalid content",
            Self::HeartbeatDirection => "invalid heartbeat direction",
            Self::WebSocket => "websocket error",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_descriptions_are_in_the_words_of_the_protocol() {
        for (reason, text) in [
            (CloseReason::TransportError(TransportError::WebSocket), "transport error"),
            (CloseReason::TransportClose, "transport close"),
            (CloseReason::ForcedClose, "forced close"),
            (CloseReason::PingTimeout, "ping timeout"),
            (CloseReason::ParseError, "parse error"),
            (CloseReason::SlowConsumer, "slow consumer"),
            (CloseReason::Overloaded, "overloaded"),
        ] {
            assert_eq!(reason.to_string(), text);
        }
        for (error, text) in [
            (TransportError::GetOverlap, "overlap from client"),
            (TransportError::PostOverlap, "data request overlap from client"),
            (TransportError::GetAborted, "poll connection closed prematurely"),
            (TransportError::PostAborted, "data request connection closed prematurely"),
            (TransportError::InvalidContent, "invalid content"),
            (TransportError::HeartbeatDirection, "invalid heartbeat direction"),
            (TransportError::WebSocket, "websocket error"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
