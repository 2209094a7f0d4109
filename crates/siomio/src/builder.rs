//! The settings of a server.

mod limits;
mod protection;
mod recovery;
mod sessions;

pub use self::recovery::Recovery;

use std::{num::NonZero, sync::Arc, thread, time::Duration};

use crate::{
    Adapter, ClientFiles, Cookie, Cors, EngineServer, Io, Overflow, Server,
    addresses::AddressLimits,
    config::{AllowRequest, ClientIp, Config, GenerateId, Hook, capped},
    guarded::Guarded,
    origin::Origins,
    parser::Parser,
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
    origins: Option<Origins>,
    addresses: AddressLimits,
    client_ip: Option<Hook<ClientIp>>,
    client_files: Option<ClientFiles>,
    cookie: Option<Cookie>,
    allow_request: Option<Hook<AllowRequest>>,
    generate_id: Option<Hook<GenerateId>>,
    max_fragments: u32,
    high_water: usize,
    max_buffered: usize,
    overflow: Overflow,
    skip_middlewares: bool,
    cleanup_empty_child_namespaces: bool,
    max_empty_child_namespaces: usize,
    blocking_threads: usize,
    slow_handler: Duration,
    max_waiting_events: usize,
    max_auth: usize,
    answer_timeout: Duration,
    stall_timeout: Duration,
    adapter: Option<Hook<dyn Adapter>>,
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
            origins: None,
            addresses: AddressLimits::default(),
            client_ip: None,
            client_files: None,
            cookie: None,
            allow_request: None,
            generate_id: None,
            max_fragments: siomio_websocket::Limits::default().max_fragments,
            high_water: 1024 * 1024,
            max_buffered: 16 * 1024 * 1024,
            overflow: Overflow::default(),
            skip_middlewares: true,
            cleanup_empty_child_namespaces: false,
            max_empty_child_namespaces: 10_000,
            blocking_threads: 4,
            slow_handler: Duration::from_millis(50),
            max_waiting_events: 256,
            max_auth: 64 * 1024,
            answer_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(120),
            adapter: None,
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
    ///
    /// ```
    /// use siomio::Server;
    ///
    /// let server = Server::builder().path("/live").build(); // clients: io({ path: "/live" })
    /// ```
    pub fn path(mut self, path: &str) -> Self {
        path.trim_matches('/').clone_into(&mut self.path);
        self
    }

    /// How many event loops share the work, 1 to 255. Default, and 0: one for each available core. With one, everything runs on
    /// the thread that runs the server; with more, each has a thread of its own.
    pub fn shards(mut self, shards: u8) -> Self {
        self.shards = shards;
        self
    }

    /// Which pages of other origins may poll. Default: none, and no headers.
    pub fn cors(mut self, cors: impl Into<Option<Cors>>) -> Self {
        self.cors = cors.into();
        self
    }

    /// What packets look like on the wire, on all clients and servers alike. Default: Socket.IO's own, JSON.
    ///
    /// With the feature `msgpack` there is `parser::MsgPack`, for clients with `socket.io-msgpack-parser`.
    ///
    /// See [`parser`](crate::parser) for the parts of one of your own. A client that uses another format cannot be understood, and is
    /// disconnected.
    ///
    /// A parser runs in the midst of a step of the server, so it must not use the server itself. If it panics while it writes, the packet
    /// is [dropped](crate::Dropped::Parser); if it panics while it reads, that counts as what cannot be understood.
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.hub.parser = Some(Arc::new(Guarded(parser)));
        self
    }

    /// Joins the server to others. Default: it is alone.
    ///
    /// See [`Adapter`] for an example. None for a network comes with siomio.
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.adapter = Some(Hook(Arc::new(adapter)));
        self
    }

    /// Time that other shards and servers have to say who is there, when somebody asks with
    /// [`fetch_sockets`](crate::Namespace::fetch_sockets). Default 5 s.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = capped(timeout);
        self
    }

    /// Whether a namespace that was made by a [parent](Io::of_pattern) ends when its last socket has gone; what was
    /// registered with it goes with it. Default `false`: they stay, up to
    /// [`max_empty_child_namespaces`](Self::max_empty_child_namespaces).
    ///
    /// ```
    /// use siomio::Server;
    ///
    /// let server = Server::builder().cleanup_empty_child_namespaces(true).build();
    /// server.of_pattern("/game-{id}");
    /// ```
    pub fn cleanup_empty_child_namespaces(mut self, cleanup: bool) -> Self {
        self.cleanup_empty_child_namespaces = cleanup;
        self
    }

    /// How many threads run [blocking](crate::Namespace::on_blocking) handlers; they are started when the first is needed.
    /// Default 4, at least 1.
    pub fn blocking_threads(mut self, threads: usize) -> Self {
        self.blocking_threads = threads.max(1);
        self
    }

    /// From how long on a handler on the event loop is too slow: it counts in
    /// [`ShardMetrics::slow_handlers`](crate::ShardMetrics::slow_handlers), and with the feature `tracing` a warning names it.
    /// Default 50 ms.
    pub fn slow_handler(mut self, limit: Duration) -> Self {
        self.slow_handler = limit;
        self
    }

    /// The official browser client, served below the [path](Self::path): `<script src="/socket.io/socket.io.js">`. Default: none,
    /// where the reference implementation (`serveClient`) has it on, because siomio does not bring along what is not its own;
    /// such requests are then refused like others that name no transport.
    ///
    /// ```no_run
    /// use siomio::{ClientFiles, Server};
    ///
    /// let files = ClientFiles::from_dir("node_modules/socket.io-client/dist")?;
    /// let server = Server::builder().client_files(files).build();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn client_files(mut self, files: ClientFiles) -> Self {
        self.client_files = Some(files);
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
        let websocket = siomio_websocket::Limits {
            max_message: self.engine.max_payload,
            max_fragments: self.max_fragments,
            ..Default::default()
        };
        let slash = if self.add_trailing_slash && !self.path.is_empty() { "/" } else { "" };
        let config = Config {
            path: format!("/{}{slash}", self.path),
            shards: if self.shards == 0 { cores() } else { self.shards },
            engine_only,
            engine: Arc::new(self.engine),
            hub: self.hub,
            cors: self.cors,
            origins: self.origins,
            addresses: self.addresses,
            client_ip: self.client_ip,
            client_files: self.client_files.map(Into::into),
            cookie: self.cookie,
            allow_request: self.allow_request,
            generate_id: self.generate_id,
            websocket: Arc::new(websocket),
            high_water: self.high_water.min(self.max_buffered),
            max_buffered: self.max_buffered,
            overflow: self.overflow,
            skip_middlewares: self.skip_middlewares,
            cleanup_empty_child_namespaces: self.cleanup_empty_child_namespaces,
            max_empty_child_namespaces: self.max_empty_child_namespaces,
            blocking_threads: self.blocking_threads,
            slow_handler: self.slow_handler,
            max_waiting_events: self.max_waiting_events,
            max_auth: self.max_auth,
            answer_timeout: self.answer_timeout,
            stall_timeout: self.stall_timeout,
            max_http_body: self.max_http_body,
            http: self.http,
            head_timeout: self.head_timeout,
            request_timeout: self.request_timeout,
            decision_timeout: self.decision_timeout,
            send_timeout: self.send_timeout,
            keep_alive_timeout: self.keep_alive_timeout,
        };
        let seed = getrandom::u64().expect("the operating system gives no random numbers");
        Io::new(&Shared::new(config, seed, self.adapter.map(|adapter| adapter.0)))
    }
}
