//! What can go wrong, as the application sees it.

use std::{error, fmt};

use siomio_packet::{ArgError, EncodeError, Value};

/// What became of something that was sent.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::{Sent, Socket};
///
/// server.on("position?", |socket: &Socket| {
///     if socket.emit("position", (1.0, 2.0)) == Sent::HighWater {
///         println!("{} is slow", socket.id());
///     }
/// });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// It is on its way.
    Queued,
    /// It is on its way, but more than [`high_water`](crate::ServerBuilder::high_water) bytes wait for this client now: send
    /// less, or wait for [`on_drain`](crate::Namespace::on_drain).
    HighWater,
    /// It is not, for this reason.
    Dropped(Dropped),
}

/// Why something was not sent.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::{Dropped, Sent, Socket};
///
/// server.on("position?", |socket: &Socket| {
///     let sent = socket.volatile().emit("position", (1.0, 2.0));
///     if sent == Sent::Dropped(Dropped::Volatile) {
///         println!("{} does not keep up", socket.id());
///     }
/// });
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Dropped {
    /// The socket is not connected, or not any more.
    Disconnected,
    /// The client takes its messages too slowly: more than
    /// [`max_buffered`](crate::ServerBuilder::max_buffered) waited for it, and it was disconnected.
    SlowConsumer,
    /// The same, but the server [keeps such clients](crate::Overflow::DropNewest).
    Overflow,
    /// It was volatile, and the client could not take it at once.
    Volatile,
    /// The event or its arguments cannot be sent: the application's mistake.
    Encode(EncodeError),
    /// The application's own [parser](crate::ServerBuilder::parser) panicked, or wrote nothing.
    Parser,
}

impl Sent {
    /// Whether it is on its way.
    pub const fn is_queued(&self) -> bool {
        matches!(self, Self::Queued | Self::HighWater)
    }
}

impl From<EncodeError> for Sent {
    fn from(error: EncodeError) -> Self {
        Self::Dropped(Dropped::Encode(error))
    }
}

/// A refusal to connect; the client sees it as its `connect_error`.
///
/// ```
/// use siomio::{ConnectError, Server, Value};
///
/// let server = Server::new();
/// server.use_middleware(|_, auth: Value| match auth["token"].as_str() {
///     Some("secret") => Ok(()),
///     Some(_) => Err(ConnectError::new("expired").with_data(401)),
///     None => Err("no token".into()),
/// });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectError {
    pub(crate) message: String,
    pub(crate) data: Option<Value>,
}

impl ConnectError {
    /// A refusal in these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds data, which the client finds in its error's `data`.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into());
        self
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for ConnectError {}

impl From<&str> for ConnectError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for ConnectError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// An event did not reach its handler, or the handler failed.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::HandlerError;
///
/// server.on_error(|socket, error| match error {
///     HandlerError::Argument { event, error } => {
///         socket.emit("misunderstood", (event, error.to_string()));
///     }
///     HandlerError::Panic { .. } => eprintln!("a mistake of ours: {error}"),
///     error => println!("{error}"),
/// });
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HandlerError {
    /// An argument does not fit the handler's parameter. The handler was not called.
    Argument {
        /// The event.
        event: String,
        /// What does not fit.
        error: ArgError,
    },
    /// A [middleware](crate::Namespace::use_event) refused the event. The handler was not called.
    Refused {
        /// The event.
        event: String,
        /// Why.
        reason: String,
    },
    /// The handler panicked. The socket is disconnected after this report.
    Panic {
        /// The event, or `connect` and the like.
        event: String,
        /// What it said.
        message: String,
    },
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument { event, error } => {
                write!(f, "event \"{}\": {error}", event.escape_debug())
            }
            Self::Refused { event, reason } => {
                write!(f, "event \"{}\" was refused: {reason}", event.escape_debug())
            }
            Self::Panic { event, message } => {
                write!(f, "the handler of \"{}\" panicked: {message}", event.escape_debug())
            }
        }
    }
}

impl error::Error for HandlerError {}

/// An acknowledgement did not come.
///
/// ```
/// # let server = siomio::Server::new();
/// use std::time::Duration;
/// use siomio::AckError;
///
/// server.on_connect(|socket| {
///     socket.emit_with_ack("ready?", (), Duration::from_secs(5)).on_reply(|answer| match answer {
///         Ok(_) => println!("ready"),
///         Err(AckError::Timeout) => println!("too late"),
///         Err(AckError::Disconnected) => println!("gone"),
///         Err(error) => println!("{error}"),
///     });
/// });
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AckError {
    /// Not in time.
    Timeout,
    /// The socket was disconnected before.
    Disconnected,
    /// The event could not be sent at all.
    NotSent(Dropped),
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("operation has timed out"),
            Self::Disconnected => f.write_str("socket has been disconnected"),
            Self::NotSent(dropped) => write!(f, "the event was not sent: {dropped:?}"),
        }
    }
}

impl error::Error for AckError {}

/// Not all have answered in time, or could.
///
/// ```
/// # let server = siomio::Server::new();
/// use std::time::Duration;
///
/// server.emit_with_ack("ready?", (), Duration::from_secs(5)).on_reply(|answers| {
///     // Who has answered, whether all have or not.
///     let answers = answers.unwrap_or_else(|incomplete| incomplete.answers);
///     println!("{} are ready", answers.len());
/// });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Incomplete<T> {
    /// The answers that came.
    pub answers: Vec<T>,
    /// How many did not, as far as that is known.
    pub missing: usize,
    /// Why nobody was asked at all, if so.
    pub not_sent: Option<Dropped>,
}

impl<T> Incomplete<T> {
    /// Nobody was asked, for this reason.
    pub(crate) const fn not_sent(error: EncodeError) -> Self {
        Self { answers: Vec::new(), missing: 0, not_sent: Some(Dropped::Encode(error)) }
    }
}

impl<T> fmt::Display for Incomplete<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(dropped) = &self.not_sent {
            return write!(f, "the event was not sent: {dropped:?}");
        }
        let (came, missing) = (self.answers.len(), self.missing);
        write!(f, "operation has timed out: {came} answers came, {missing} did not")
    }
}

impl<T: fmt::Debug> error::Error for Incomplete<T> {}
