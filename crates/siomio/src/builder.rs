//! The settings of a server.

use std::{num::NonZero, sync::Arc, thread, time::Duration};

use siomio_engine::Outgoing;

use crate::{
    Cookie, Cors, Decision, EngineServer, Io, Message, Request, Server, Transport,
    config::{AllowRequest, Config, GenerateId, Hook, capped},
    shared::Shared,
};

/// Makes a [`Server`] with other settings than the defaults.
///
/// ```
/// use std::time::Duration;
/// use siomio::{Cors, Server};
///
/// let server = Server::builder().path("/live").shards(1).ping_interval(Duration::from_secs(10)).cors(Cors::any()).build();
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct ServerBuilder {
    path: String,
    add_trailing_slash: bool,
    shards: u8,
    engine: siomio_engine::Config,
    hub: siomio_hub::Config,
    cors: Option<Cors>,
    cookie: Option<Cookie>,
    allow_request: Option<Hook<AllowRequest>>,
    generate_id: Option<Hook<GenerateId>>,
    max_fragments: u32,
    max_buffered: usize,
    max_http_body: usize,
    http: siomio_http::Limits,
    head_timeout: Duration,
    request_timeout: Duration,
    decision_timeout: Duration,
    send_timeout: Duration,
    keep_alive_timeout: Duration,
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            path: "socket.io".to_owned(),
            add_trailing_slash: true,
            shards: 0,
            engine: siomio_engine::Config::default(),
            hub: siomio_hub::Config::default(),
            cors: None,
            cookie: None,
            allow_request: None,
            generate_id: None,
            max_fragments: siomio_websocket::Limits::default().max_fragments,
            max_buffered: 16 * 1024 * 1024,
            max_http_body: 1_000_000,
            http: siomio_http::Limits::default(),
            head_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(300),
            decision_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            keep_alive_timeout: Duration::from_secs(65),
        }
    }

    /// Where Socket.IO is found. Default `/socket.io`. Slashes around it do not matter.
    ///
    /// Every request whose target begins with it is Socket.IO's: `/socket.io/?EIO=4…`, and `/socket.io/anything?EIO=4…` too.
    pub fn path(mut self, path: &str) -> Self {
        path.trim_matches('/').clone_into(&mut self.path);
        self
    }

    /// Whether the path of a request must go on with a slash, so that `/socket.io?EIO=4` is not Socket.IO's. Default `true`.
    pub fn add_trailing_slash(mut self, add: bool) -> Self {
        self.add_trailing_slash = add;
        self
    }

    /// The transports that are offered. Default: both.
    ///
    /// ```
    /// use siomio::{Server, Transport};
    ///
    /// // No long-polling: no sessions to be found again by load balancers.
    /// let server = Server::builder().transports([Transport::WebSocket]).build();
    /// ```
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        let offered = &mut self.engine.transports;
        (offered.polling, offered.websocket) = (false, false);
        for transport in transports {
            match transport {
                Transport::Polling => offered.polling = true,
                Transport::WebSocket => offered.websocket = true,
            }
        }
        self
    }

    /// How many event loops share the work, 1 to 255. Default, and 0: one for each available core. With one, everything runs on
    /// the thread that runs the server; with more, each has a thread of its own.
    pub fn shards(mut self, shards: u8) -> Self {
        self.shards = shards;
        self
    }

    /// Time between a client's sign of life and the next ping. Default 25 s.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.engine.ping_interval = capped(interval);
        self
    }

    /// Time a client has to answer a ping before it counts as gone. Default 20 s.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.engine.ping_timeout = capped(timeout);
        self
    }

    /// Time an upgrade from polling to WebSocket may take. Default 10 s.
    pub fn upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.engine.upgrade_timeout = capped(timeout);
        self
    }

    /// Whether polling clients are offered the upgrade to WebSocket. Default `true`.
    pub fn allow_upgrades(mut self, allow: bool) -> Self {
        self.engine.allow_upgrades = allow;
        self
    }

    /// Whether clients of Socket.IO 1 and 2, which speak Engine.IO 3, are let in, too. Default `false`: they are told
    /// `Unsupported protocol version`.
    ///
    /// They differ from those of today in what the protocol of their time has no words for:
    /// - They are in the main namespace as soon as they come, without having asked; there, what they send along to it is in the
    ///   query of their [handshake](crate::Handshake). In other namespaces it is the query of the namespace's name, whose
    ///   parameters are the handshake's `auth`.
    /// - Their ids are made of the session's: the same in the main namespace, `<namespace>#<session>` in others. So whoever
    ///   learns the id of such a socket can speak for its session.
    /// - Clients of Socket.IO 1 that poll write text beyond ASCII in a way of their own, which the reference implementation does
    ///   not read either.
    /// - It is they who ping: a connection that is lost is noticed [`ping_interval`](Self::ping_interval) and
    ///   [`ping_timeout`](Self::ping_timeout) after their last ping.
    pub fn allow_eio3(mut self, allow: bool) -> Self {
        self.engine.allow_eio3 = allow;
        self
    }

    /// A message that every session is sent right behind its open packet, in the same answer on polling. For a server that speaks
    /// Engine.IO only; Socket.IO clients would take it for a packet of theirs. Default: none.
    pub fn initial_packet(mut self, message: Message<'_>) -> Self {
        self.engine.initial_packet = Some(match message {
            Message::Text(text) => Outgoing::text(text),
            Message::Binary(data) => Outgoing::Binary(data.into_owned().into()),
        });
        self
    }

    /// Largest message from a client in bytes, attachments included: a larger POST is answered 413, a larger WebSocket
    /// message ends the connection with 1009. Default 1 000 000.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.engine.max_payload = bytes;
        self.hub.packets.max_packet_bytes = bytes;
        self
    }

    /// Most frames that one WebSocket message may be split into; more end the connection with 1008. Default 16 384.
    pub fn max_fragments(mut self, fragments: u32) -> Self {
        self.max_fragments = fragments;
        self
    }

    /// Time a client has to join a namespace. Default 45 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.hub.connect_timeout = capped(timeout);
        self
    }

    /// Most attachments that one packet from a client may have. Default 10.
    pub fn max_attachments(mut self, attachments: u32) -> Self {
        self.hub.packets.max_attachments = attachments;
        self
    }

    /// Deepest nesting of arrays and objects in packets from clients. Default 128.
    pub fn max_json_depth(mut self, depth: u16) -> Self {
        self.hub.packets.max_json_depth = depth;
        self
    }

    /// Time a closing session waits for a poll that takes the farewell along. Default 30 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.engine.close_timeout = capped(timeout);
        self
    }

    /// Which pages of other origins may poll. Default: none, and no headers.
    pub fn cors(mut self, cors: impl Into<Option<Cors>>) -> Self {
        self.cors = cors.into();
        self
    }

    /// Names the session in a cookie, for load balancers. Default: no cookie. It is set by the answer that opens a session on
    /// long-polling, and never on WebSocket.
    pub fn cookie(mut self, cookie: Cookie) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// Decides who may open a session: asked once for each, on either transport, when nothing else is wrong with the
    /// request. The answer may come later, from any thread; if it does not come within
    /// [`decision_timeout`](Self::decision_timeout), the client gets 503. Default: everybody.
    ///
    /// ```
    /// use siomio::Server;
    ///
    /// let server = Server::builder()
    ///     .allow_request(|request, decision| {
    ///         if request.header("origin") == Some("https://example.com") {
    ///             decision.allow();
    ///         } else {
    ///             decision.refuse("not from here");
    ///         }
    ///     })
    ///     .build();
    /// ```
    pub fn allow_request(
        mut self,
        allow: impl Fn(&Request<'_>, Decision) + Send + Sync + 'static,
    ) -> Self {
        self.allow_request = Some(Hook(Arc::new(allow)));
        self
    }

    /// Time that [`allow_request`](Self::allow_request), or a [middleware](crate::Engine::use_middleware), may take over one
    /// request; then it is answered 503. Default 60 s.
    pub fn decision_timeout(mut self, timeout: Duration) -> Self {
        self.decision_timeout = capped(timeout);
        self
    }

    /// Makes the ids of sessions, 1 to 255 bytes of any text. Default: 20 random characters.
    ///
    /// They must be unique (an id that is taken refuses the request, and so does an error), and cannot be guessed if the
    /// sessions are to be safe: who knows an id can speak for its session. Siomio's own ids name the shard that has the
    /// session; with ids of your own, shards share a table behind a lock instead, read once for each request.
    pub fn generate_id(
        mut self,
        generate: impl Fn(&Request<'_>) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.generate_id = Some(Hook(Arc::new(generate)));
        self
    }

    /// Most bytes that may wait for one client after it was offered all it would take; beyond, it is disconnected as a slow
    /// consumer. Default 16 MiB.
    pub fn max_buffered(mut self, bytes: usize) -> Self {
        self.max_buffered = bytes;
        self
    }

    /// Largest body of a plain HTTP request in bytes; a larger one is answered 413, and its connection kept only if there
    /// is little left of it to read away. Default 1 000 000.
    pub fn max_http_body(mut self, bytes: usize) -> Self {
        self.max_http_body = bytes;
        self
    }

    /// Largest request head in bytes; a larger one is answered 431, or 414 if not even its first line has ended. Default
    /// 16 KiB.
    pub fn max_head(mut self, bytes: usize) -> Self {
        self.http.max_head = bytes;
        self
    }

    /// Most header lines of a request; more are answered 431. Default 100, at most 256.
    pub fn max_headers(mut self, lines: usize) -> Self {
        self.http.max_headers = lines;
        self
    }

    /// Time a client has to send the head of a request, from its first byte or, for the first request, from the connection on;
    /// every further byte changes nothing. Then it is answered 408 and the connection ended; one that has sent nothing is ended
    /// without a word. Default 60 s, and never more than the [request timeout](Self::request_timeout).
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = capped(timeout);
        self
    }

    /// Time a client has to send a whole request, body included, counted as for the [head](Self::head_timeout). Then it is
    /// answered 408, if it was not answered before, and the connection ended. Default 300 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = capped(timeout);
        self
    }

    /// Time in which a client has to take something of what is waiting for it on an HTTP connection, again and again until all
    /// is taken; then the connection is ended. Default 60 s.
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.send_timeout = capped(timeout);
        self
    }

    /// Time an HTTP connection may stay idle between requests; then it is ended without a word. Default 65 s: longer than the
    /// proxies in front of it keep theirs, so that they never send a request into a closing connection.
    pub fn keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.keep_alive_timeout = capped(timeout);
        self
    }

    /// The server.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give.
    pub fn build(self) -> Server {
        Server::new_with(self.build_io(false))
    }

    /// A server that speaks Engine.IO only: messages without namespaces and events.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give.
    pub fn build_engine(self) -> EngineServer {
        EngineServer::new_with(self.build_io(true))
    }

    fn build_io(self, engine_only: bool) -> Io {
        let cores =
            || thread::available_parallelism().map_or(1, NonZero::get).min(u8::MAX.into()) as u8;
        let slash = if self.add_trailing_slash && !self.path.is_empty() { "/" } else { "" };
        let config = Config {
            path: format!("/{}{slash}", self.path),
            shards: if self.shards == 0 { cores() } else { self.shards },
            engine_only,
            engine: Arc::new(self.engine),
            hub: self.hub,
            cors: self.cors,
            cookie: self.cookie,
            allow_request: self.allow_request,
            generate_id: self.generate_id,
            max_fragments: self.max_fragments,
            max_buffered: self.max_buffered,
            max_http_body: self.max_http_body,
            http: self.http,
            head_timeout: self.head_timeout,
            request_timeout: self.request_timeout,
            decision_timeout: self.decision_timeout,
            send_timeout: self.send_timeout,
            keep_alive_timeout: self.keep_alive_timeout,
        };
        let seed = getrandom::u64().expect("the operating system gives no random numbers");
        Io::new(&Shared::new(config, seed))
    }
}
