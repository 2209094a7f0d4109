use std::{error, fmt};

use siomio_websocket as websocket;

/// What went wrong with a raw WebSocket.
///
/// Told by [`Endpoint::on_error`](crate::Endpoint::on_error).
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::WebSocketError;
///
/// server.websocket("/feed").on_error(|socket, error| match error {
///     WebSocketError::Panic { .. } => eprintln!("a mistake of ours: {error}"),
///     error => println!("{}: {error}", socket.peer_addr()),
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The client broke a rule of RFC 6455, or a limit of this server. It is told the code of the error and disconnected.
    Protocol(websocket::Error),
    /// The client takes its messages too slowly: more than [`max_buffered`](crate::ServerBuilder::max_buffered) waited for it,
    /// or it took nothing for the [`send_timeout`](crate::ServerBuilder::send_timeout). It is disconnected without a
    /// word.
    SlowConsumer,
    /// A handler panicked. The client is told 1011 and disconnected.
    Panic {
        /// What the handler was for: `open`, `message`, `pong`, `close` or `timer`.
        handler: &'static str,
        /// What it said.
        message: String,
    },
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::SlowConsumer => f.write_str("the client takes its messages too slowly"),
            Self::Panic { handler, message } => {
                write!(f, "the handler of \"{handler}\" panicked: {message}")
            }
        }
    }
}

impl error::Error for WebSocketError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Protocol(error) => Some(error),
            _ => None,
        }
    }
}
