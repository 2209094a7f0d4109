//! The settings of a server.

use std::{num::NonZero, sync::Arc, thread, time::Duration};

use crate::{
    Cors, EngineServer, Io, Server,
    config::{Config, capped},
    shared::Shared,
};

/// Makes a [`Server`] with other settings than the defaults.
///
/// ```
/// use std::time::Duration;
/// use siomio::{Cors, Server};
///
/// let server = Server::builder().path("/live").shards(1).ping_interval(Duration::from_secs(10)).cors(Cors::Any).build();
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct ServerBuilder {
    path: String,
    shards: u8,
    engine: siomio_engine::Config,
    hub: siomio_hub::Config,
    cors: Cors,
    max_buffered: usize,
    max_http_body: usize,
    http: siomio_http::Limits,
    request_timeout: Duration,
    keep_alive_timeout: Duration,
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            shards: 0,
            engine: siomio_engine::Config::default(),
            hub: siomio_hub::Config::default(),
            cors: Cors::Off,
            max_buffered: 16 * 1024 * 1024,
            max_http_body: 1_000_000,
            http: siomio_http::Limits::default(),
            request_timeout: Duration::from_secs(60),
            keep_alive_timeout: Duration::from_secs(65),
        }
    }

    /// Where Socket.IO is found. Default `/socket.io`. Slashes around it do not matter.
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

    /// Largest message from a client in bytes, attachments included: a larger POST is answered 413, a larger WebSocket
    /// message ends the connection with 1009. Default 1 000 000.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.engine.max_payload = bytes;
        self.hub.packets.max_packet_bytes = bytes;
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

    /// Which pages of other origins may poll. Default: none.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = cors;
        self
    }

    /// Most bytes that may wait for one client after it was offered all it would take; beyond, it is disconnected as a slow
    /// consumer. Default 16 MiB.
    pub fn max_buffered(mut self, bytes: usize) -> Self {
        self.max_buffered = bytes;
        self
    }

    /// Largest body of a plain HTTP request in bytes; a larger one is answered 413. Default 1 000 000.
    pub fn max_http_body(mut self, bytes: usize) -> Self {
        self.max_http_body = bytes;
        self
    }

    /// Largest request head in bytes; a larger one is answered 431. Default 16 KiB.
    pub fn max_head(mut self, bytes: usize) -> Self {
        self.http.max_head = bytes;
        self
    }

    /// Time a client has to send the head of a request, then again to send its body, and then to take the first bytes of the
    /// answer. Default 60 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = capped(timeout);
        self
    }

    /// Time an HTTP connection may stay idle between requests. Default 65 s: longer than the proxies in front of it keep
    /// theirs, so that they never send a request into a closing connection.
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
        let path = self.path.trim_matches('/');
        let config = Config {
            path: if path.is_empty() { "/".to_owned() } else { format!("/{path}/") },
            shards: if self.shards == 0 { cores() } else { self.shards },
            engine_only,
            engine: Arc::new(self.engine),
            hub: self.hub,
            cors: self.cors,
            max_buffered: self.max_buffered,
            max_http_body: self.max_http_body,
            http: self.http,
            request_timeout: self.request_timeout,
            keep_alive_timeout: self.keep_alive_timeout,
        };
        let seed = getrandom::u64().expect("the operating system gives no random numbers");
        Io::new(&Shared::new(config, seed))
    }
}
