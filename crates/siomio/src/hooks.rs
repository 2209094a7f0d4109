//! The Engine.IO side of a server: who may pass, what goes along, what was refused.

use std::{borrow::Cow, fmt, sync::Arc};

use siomio_engine::{BadRequest, Refusal};
use siomio_http::Headers;

use crate::{Next, Request, shared::Shared};

/// The transport beneath the sockets: a handle to hooks that see HTTP requests rather than events.
///
/// From [`Io::engine`](crate::Io::engine) or [`EngineServer::engine`](crate::EngineServer::engine). Hooks run on the thread of
/// the connection's shard and must not block it.
///
/// ```
/// # let server = siomio::Server::new();
/// let engine = server.engine();
/// engine.use_middleware(|request, next| match request.header("user-agent") {
///     Some(_) => next.header("X-Frame-Options", "DENY").proceed(),
///     None => next.refuse(),
/// });
/// engine.on_initial_headers(|headers, _| {
///     let _ = headers.append("Set-Cookie", "seen=1; Max-Age=3600");
/// });
/// engine.on_connection_error(|error| {
///     eprintln!("{}: {} {:?}", error.request().peer_addr(), error.message(), error.context());
/// });
/// ```
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What was registered with an [`Engine`].
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) middlewares: Vec<Arc<MiddlewareHook>>,
    pub(crate) initial_headers: Vec<Arc<HeadersHook>>,
    pub(crate) headers: Vec<Arc<HeadersHook>>,
    pub(crate) connection_error: Vec<Arc<ConnectionErrorHook>>,
    pub(crate) panic: Vec<Arc<PanicHook>>,
}

pub(crate) type MiddlewareHook = dyn Fn(&Request<'_>, Next) + Send + Sync;
pub(crate) type HeadersHook = dyn Fn(&mut Headers, &Request<'_>) + Send + Sync;
pub(crate) type PanicHook = dyn Fn(&HookPanic) + Send + Sync;
pub(crate) type ConnectionErrorHook = dyn Fn(&ConnectionError<'_>) + Send + Sync;

impl Engine {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sees every request below our path before anything else does, WebSocket handshakes included: lets it
    /// [proceed](Next::proceed), refuses it, or answers it itself; at once or later. Several are asked in turn.
    ///
    /// The request has no body yet. CORS headers are there already, and preflights were answered. Requests for
    /// [client files](crate::ClientFiles) do not come this far.
    pub fn use_middleware(
        &self,
        middleware: impl Fn(&Request<'_>, Next) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|hooks| hooks.middlewares.push(Arc::new(middleware)))
    }

    /// May set headers of the answer that opens a session: the 200 of a polling handshake, or the 101 of a WebSocket one.
    pub fn on_initial_headers(
        &self,
        hook: impl Fn(&mut Headers, &Request<'_>) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|hooks| hooks.initial_headers.push(Arc::new(hook)))
    }

    /// May set headers of every answer to a request that was not refused, the first one and the 101 of an upgrade included; a
    /// header that the answer would have by itself gives way. It runs when the request arrives, which for a poll may be
    /// long before the answer. If it panics the answer is 500.
    pub fn on_headers(
        &self,
        hook: impl Fn(&mut Headers, &Request<'_>) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|hooks| hooks.headers.push(Arc::new(hook)))
    }

    /// Runs for every request below our path that was refused with one of the protocol's codes.
    pub fn on_connection_error(
        &self,
        hook: impl Fn(&ConnectionError<'_>) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|hooks| hooks.connection_error.push(Arc::new(hook)))
    }

    /// Runs when code of the application panicked that sees requests or sessions rather than sockets: a middleware,
    /// [`allow_request`](crate::ServerBuilder::allow_request) and the like, a hook, or a handler of an
    /// [`EngineServer`](crate::EngineServer).
    pub fn on_panic(&self, hook: impl Fn(&HookPanic) + Send + Sync + 'static) -> &Self {
        self.change(|hooks| hooks.panic.push(Arc::new(hook)))
    }

    /// How many sessions are open, on all shards.
    pub fn clients_count(&self) -> usize {
        self.shared.sessions()
    }

    fn change(&self, change: impl FnOnce(&mut Hooks)) -> &Self {
        self.shared.registry.change_hooks(change);
        self
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("clients_count", &self.clients_count()).finish()
    }
}

/// A request that was refused, and why.
///
/// ```
/// # let server = siomio::Server::new();
/// server.engine().on_connection_error(|error| {
///     let (request, context) = (error.request(), error.context());
///     eprintln!("{}: {} {} {context:?}", request.peer_addr(), error.code(), error.message());
/// });
/// ```
#[derive(Debug)]
pub struct ConnectionError<'r> {
    request: &'r Request<'r>,
    refusal: &'r Refusal,
}

impl<'r> ConnectionError<'r> {
    pub(crate) const fn new(request: &'r Request<'r>, refusal: &'r Refusal) -> Self {
        Self { request, refusal }
    }

    /// The request.
    pub const fn request(&self) -> &Request<'r> {
        self.request
    }

    /// Why it was refused.
    pub const fn refusal(&self) -> &Refusal {
        self.refusal
    }

    /// The protocol's number for it, 0 to 5.
    pub const fn code(&self) -> u8 {
        self.refusal.code()
    }

    /// The protocol's words for it, or the application's own.
    pub fn message(&self) -> &str {
        self.refusal.message()
    }

    /// What there is to know about it, by name: the `transport` that is unknown, the `sid`, the `method`, the `name` of the kind
    /// of bad request (and the `error` of a generator of ids), the `message` of a refusal, the `protocol` that is not
    /// spoken.
    pub fn context(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let query = |name| self.request.query(name).unwrap_or_default();
        let (name, value) = match self.refusal {
            Refusal::TransportUnknown => ("transport", query("transport")),
            Refusal::UnknownSid => ("sid", query("sid")),
            Refusal::BadHandshakeMethod => {
                ("method", self.request.method().as_str().to_owned().into())
            }
            Refusal::BadRequest(why @ BadRequest::IdGeneration(error)) => {
                return vec![("name", why.name().into()), ("error", error.into())];
            }
            Refusal::BadRequest(why) => ("name", why.name().into()),
            Refusal::UnsupportedProtocol => ("protocol", "3".into()),
            refusal => ("message", refusal.message().into()),
        };
        vec![(name, value)]
    }
}

/// Code of the application has panicked.
///
/// Told by [`Engine::on_panic`].
///
/// ```
/// # let server = siomio::Server::new();
/// server.engine().on_panic(|panic| eprintln!("{} panicked: {}", panic.hook(), panic.message()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookPanic {
    pub(crate) hook: &'static str,
    pub(crate) message: String,
}

impl HookPanic {
    /// What it was registered with: `allow_request`, `middleware`, `on_headers`, `on_message` and so on.
    pub const fn hook(&self) -> &'static str {
        self.hook
    }

    /// What it said.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for HookPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} panicked: {}", self.hook, self.message)
    }
}
