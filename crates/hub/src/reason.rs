//! Why a socket was disconnected.

use std::fmt;

/// Why a socket left its namespace; `Display` gives the protocol's own words.
///
/// ```
/// use siomio_hub::DisconnectReason;
///
/// let reason = DisconnectReason::TransportClose;
/// assert_eq!(reason.to_string(), "transport close");
/// assert!(reason.is_recoverable());
/// assert!(!DisconnectReason::ClientNamespaceDisconnect.is_recoverable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server disconnected the socket.
    ServerNamespaceDisconnect,
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The server is going down.
    ServerShuttingDown,
    /// The client did not answer a ping in time.
    PingTimeout,
    /// The connection was closed.
    TransportClose,
    /// The connection failed.
    TransportError,
    /// The server closed the connection, because of what the client sent or failed to send.
    ForcedClose,
    /// The same, while the farewell still waits for the client to fetch it.
    ForcedServerClose,
    /// The client sent something that is not a packet.
    ParseError,
    /// The client took its messages too slowly.
    SlowConsumer,
    /// The client sent more than the handlers got through with in time.
    Overloaded,
}

impl DisconnectReason {
    /// The reason as other implementations name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerShuttingDown => "server shutting down",
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::ParseError => "parse error",
            Self::SlowConsumer => "slow consumer",
            Self::Overloaded => "overloaded",
        }
    }
}

impl DisconnectReason {
    /// Whether the client may come back and take its session up again, where that is kept: it lost its connection, and neither
    /// side meant to part.
    pub const fn is_recoverable(self) -> bool {
        !matches!(
            self,
            Self::ServerNamespaceDisconnect | Self::ClientNamespaceDisconnect | Self::ParseError
        )
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
