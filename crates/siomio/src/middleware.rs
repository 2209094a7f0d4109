//! Who may connect to a namespace.

use std::{fmt, marker::PhantomData, sync::Arc};

use serde::de::DeserializeOwned;
use siomio_hub::SocketKey;

use crate::{
    ConnectError, Socket,
    mailbox::{Mail, Order},
    shared::Shared,
};

/// What a middleware answers.
pub(crate) type Verdict = Result<(), ConnectError>;

/// A middleware whose auth type is settled. It answers at once, or through the permit.
pub(crate) trait ErasedMiddleware: Send + Sync {
    /// `None` when the answer comes through a permit.
    fn call(&self, socket: &Socket, auth: &str, permit: &dyn Fn() -> Permit) -> Option<Verdict>;
}

/// One that answers at once.
pub(crate) struct AtOnce<F, A>(pub(crate) F, pub(crate) PhantomData<fn(A)>);

/// One that answers when it knows.
pub(crate) struct Later<F, A>(pub(crate) F, pub(crate) PhantomData<fn(A)>);

impl<F, A> ErasedMiddleware for AtOnce<F, A>
where
    F: Fn(&Socket, A) -> Verdict + Send + Sync,
    A: DeserializeOwned,
{
    fn call(&self, socket: &Socket, auth: &str, _: &dyn Fn() -> Permit) -> Option<Verdict> {
        Some(read_auth(auth).and_then(|auth| (self.0)(socket, auth)))
    }
}

impl<F, A> ErasedMiddleware for Later<F, A>
where
    F: Fn(&Socket, A, Permit) + Send + Sync,
    A: DeserializeOwned,
{
    fn call(&self, socket: &Socket, auth: &str, permit: &dyn Fn() -> Permit) -> Option<Verdict> {
        match read_auth(auth) {
            Ok(auth) => (self.0)(socket, auth, permit()),
            Err(error) => return Some(Err(error)),
        }
        None
    }
}

/// What the words of a refusal begin with that quote what the client has sent.
const INVALID_AUTH: &str = "invalid auth";

impl ConnectError {
    /// The words as they may be told to others than the client.
    pub(crate) fn shown(&self) -> &str {
        if self.message.starts_with(INVALID_AUTH) { INVALID_AUTH } else { &self.message }
    }
}

/// Reads what came with a CONNECT; nothing counts as the empty object.
fn read_auth<A: DeserializeOwned>(json: &str) -> Result<A, ConnectError> {
    serde_json::from_str(if json.is_empty() { "{}" } else { json })
        .map_err(|error| ConnectError::new(format!("{INVALID_AUTH}: {error}")))
}

/// Whether a socket may connect: the answer of a [middleware](crate::Namespace::use_middleware_later), given at once or later,
/// from any thread. Dropped, it refuses.
///
/// ```
/// # fn is_known(user: &str) -> bool { true }
/// # let server = siomio::Server::new();
/// use siomio::{ConnectError, Value};
///
/// server.use_middleware_later(|_, auth: Value, permit| {
///     std::thread::spawn(move || {
///         permit.decide(match auth["user"].as_str() {
///             Some(user) if is_known(user) => Ok(()),
///             _ => Err(ConnectError::new("who are you?")),
///         });
///     });
/// });
/// ```
#[must_use = "the client waits until it is decided"]
pub struct Permit {
    shared: Arc<Shared>,
    shard: u8,
    socket: SocketKey,
    /// Which of the middlewares is asked.
    stage: u32,
    is_decided: bool,
}

impl Permit {
    pub(crate) const fn new(shared: Arc<Shared>, shard: u8, socket: SocketKey, stage: u32) -> Self {
        Self { shared, shard, socket, stage, is_decided: false }
    }

    /// As far as this middleware is concerned, the socket may connect: the next one is asked.
    pub fn grant(self) {
        self.decide(Ok(()));
    }

    /// The same, and the socket has this among its [data](crate::Socket::data) from now on: whoever was looked up, say.
    ///
    /// ```
    /// # fn find(name: &str) -> Option<User> { None }
    /// use siomio::{Server, Socket};
    ///
    /// #[derive(Clone)]
    /// struct User { name: String }
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Auth { name: String }
    ///
    /// let server = Server::new();
    /// server.use_middleware_later(|_, auth: Auth, permit| {
    ///     std::thread::spawn(move || match find(&auth.name) {
    ///         Some(user) => permit.grant_with(user),
    ///         None => permit.refuse("who are you?"),
    ///     });
    /// });
    /// server.on("who-am-i", |socket: &Socket| {
    ///     socket.emit("you-are", socket.data().get::<User>().map(|user| user.name));
    /// });
    /// ```
    pub fn grant_with<T: Send + 'static>(self, value: T) {
        let insert = Box::new(|socket: &Socket| drop(socket.data().insert(value)));
        let (socket, order) = (self.socket, Order::Run(insert));
        self.shared.send(self.shard, Mail::Socket { socket, order });
        self.grant();
    }

    /// The socket may not connect.
    pub fn refuse(self, error: impl Into<ConnectError>) {
        self.decide(Err(error.into()));
    }

    /// What a `Result` says.
    pub fn decide(mut self, verdict: Result<(), ConnectError>) {
        self.is_decided = true;
        self.send(verdict);
    }

    fn send(&self, verdict: Verdict) {
        let (socket, stage) = (self.socket, self.stage);
        self.shared.send(self.shard, Mail::Permit { socket, stage, verdict });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_decided {
            self.send(Err(ConnectError::new("not decided")));
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("socket", &self.socket).finish_non_exhaustive()
    }
}
