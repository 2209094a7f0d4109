//! Where raw WebSockets are opened.

mod rejection;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use siomio_engine::Message;
use siomio_websocket::CloseCode;

pub use self::rejection::Rejection;
use crate::{
    Request, WebSocket, WebSocketError, mailbox::Mail, registry::EndpointTable, shard::RawKey,
    shared::Shared, websocket::frame,
};

/// A path where clients open plain WebSockets: any RFC 6455 client, a browser's `new WebSocket(url)` for one.
///
/// It comes from [`Server::websocket`](crate::Server::websocket). Handlers are registered here, once for all of its clients;
/// several for the same thing run in the order they were registered. It is a handle: cheap to clone, usable from any thread,
/// also before the server runs.
///
/// A client stays on the shard that accepted it, and all of its handlers run there. A handler that panics costs its own
/// connection: it is closed with 1011. Messages are at most [`max_payload`](crate::ServerBuilder::max_payload) bytes long and
/// come in at most [`max_fragments`](crate::ServerBuilder::max_fragments) frames; a client that lets more than
/// [`max_buffered`](crate::ServerBuilder::max_buffered) bytes wait, or takes none of them for the
/// [`send_timeout`](crate::ServerBuilder::send_timeout), is dropped.
///
/// ```no_run
/// use siomio::Server;
///
/// let server = Server::new();
/// let echo = server.websocket("/echo");
/// echo.on_message(|socket, message| {
///     socket.send(message);
/// });
/// server.listen("0.0.0.0:3000")?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Nobody pings by itself. Where dead connections are to be found out while they are silent:
///
/// ```
/// use std::time::Duration;
///
/// struct Alive(bool);
///
/// # let server = siomio::Server::new();
/// let endpoint = server.websocket("/feed");
/// endpoint.on_open(|socket| {
///     socket.data().insert(Alive(true));
///     socket.every(Duration::from_secs(30), |socket| {
///         match socket.data().insert(Alive(false)) {
///             Some(Alive(true)) => drop(socket.ping(b"")),
///             _ => socket.terminate(),
///         }
///     });
/// });
/// endpoint.on_pong(|socket, _| {
///     socket.data().insert(Alive(true));
/// });
/// ```
#[derive(Clone)]
pub struct Endpoint {
    shared: Arc<Shared>,
    index: u32,
    path: Arc<str>,
    clients: Arc<AtomicUsize>,
}

impl Endpoint {
    pub(crate) fn new(shared: &Arc<Shared>, path: &str) -> Self {
        let path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
        let own = &shared.config.path;
        assert!(!path.starts_with(own), "\"{path}\" is below \"{own}\", whose requests lead there");
        let (index, table) = shared.registry.endpoint(&path);
        Self::from_table(shared, index, &table)
    }

    pub(crate) fn from_table(shared: &Arc<Shared>, index: u32, table: &EndpointTable) -> Self {
        let (path, clients) = (table.path.clone(), table.clients.clone());
        Self { shared: shared.clone(), index, path, clients }
    }

    /// Its path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Decides who may open a WebSocket, before the handshake is answered. A second check replaces the first; one that panics
    /// refuses with 500.
    ///
    /// Browsers let every page open a WebSocket to anywhere, and send the visitor's cookies along: where those count, look at
    /// the `Origin` header here.
    ///
    /// ```
    /// use siomio::Rejection;
    ///
    /// # let server = siomio::Server::new();
    /// server.websocket("/admin").verify(|request| match request.header("authorization") {
    ///     Some("Bearer secret") => Ok(()),
    ///     Some(_) => Err(Rejection::new(403, "not you")),
    ///     None => Err(Rejection::new(401, "who are you?")),
    /// });
    /// ```
    pub fn verify(
        &self,
        check: impl Fn(&Request<'_>) -> Result<(), Rejection> + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.verify.replace(Arc::new(check)))
    }

    /// Runs for every WebSocket that has opened.
    pub fn on_open(&self, handler: impl Fn(&WebSocket) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.open.push(Arc::new(handler)))
    }

    /// Runs for every message, text or binary.
    ///
    /// Text and short binary messages are borrowed from where they were read. With a single handler, a binary message that
    /// had to be put together is handed over as it is, and can be kept or sent on without a copy.
    pub fn on_message(
        &self,
        handler: impl Fn(&WebSocket, Message<'_>) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.message.push(Arc::new(handler)))
    }

    /// Runs for every pong, asked for by [`WebSocket::ping`] or not. Pings are answered without help.
    pub fn on_pong(&self, handler: impl Fn(&WebSocket, &[u8]) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.pong.push(Arc::new(handler)))
    }

    /// Runs when a client broke a rule or a limit, or a handler panicked: before `on_close`, unless it was that which panicked.
    pub fn on_error(
        &self,
        handler: impl Fn(&WebSocket, &WebSocketError) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.error.push(Arc::new(handler)))
    }

    /// Runs once for every WebSocket that was opened, when it has ended, with the code and reason of the close frame that ended
    /// it. Its data can still be read, nothing can be sent.
    ///
    /// The code is the client's, also when the server closed first and the client answered; or the one the client was told
    /// when it broke a rule (1002, 1007, 1008, 1009), when a handler panicked (1011) and when the server goes down (1001). It is
    /// [`CloseCode::NO_STATUS`] (1005) if the frame had none, and [`CloseCode::ABNORMAL`] (1006) if the connection ended without
    /// one.
    pub fn on_close(
        &self,
        handler: impl Fn(&WebSocket, CloseCode, &str) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.close.push(Arc::new(handler)))
    }

    /// How many clients there are, on all shards, those that are closing included.
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Sends a message to every client. It is framed once, and all share it.
    pub fn send(&self, message: Message<'_>) {
        self.send_except(None, message);
    }

    /// Sends a text message to every client.
    pub fn send_text(&self, text: &str) {
        self.send(Message::Text(text));
    }

    /// Sends a binary message to every client.
    pub fn send_binary(&self, data: &[u8]) {
        self.send(Message::Binary(data.into()));
    }

    /// Sends a message to every client but one, who is on a certain shard.
    pub(crate) fn send_except(&self, except: Option<(u8, RawKey)>, message: Message<'_>) {
        let frame = frame(&message);
        for shard in 0..self.shared.shards() {
            let except = except.filter(|(own, _)| *own == shard).map(|(_, raw)| raw);
            let mail = Mail::Endpoint { endpoint: self.index, except, frame: frame.clone() };
            self.shared.send(shard, mail);
        }
    }

    fn change<R>(&self, change: impl FnOnce(&mut EndpointTable) -> R) -> &Self {
        let replaced = self.shared.registry.change_endpoint(self.index, change);
        drop(replaced);
        self
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.path).finish()
    }
}
