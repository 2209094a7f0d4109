//! How much a client may send, how much may wait for it, and how long it may take.

use std::time::Duration;

use super::ServerBuilder;
use crate::{Overflow, config::capped};

impl ServerBuilder {
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

    /// Most bytes that may wait for one client after it was offered all it would take; beyond, it is disconnected as a slow
    /// consumer, or gets no more, as [`overflow`](Self::overflow) says. Default 16 MiB.
    pub fn max_buffered(mut self, bytes: usize) -> Self {
        self.max_buffered = bytes;
        self
    }

    /// Bytes that may wait for one client before [`Sent::HighWater`](crate::Sent::HighWater) says so. On WebSocket, as long as more
    /// wait and the client takes nothing, nothing is read from it, and [`send_timeout`](Self::send_timeout) counts instead of the
    /// heartbeat. On long-polling likewise while no GET comes, but other requests are read. Default 1 MiB, at most [`max_buffered`](Self::max_buffered).
    ///
    /// ```
    /// use siomio::Server;
    ///
    /// let server = Server::builder().high_water(64 * 1024).max_buffered(1024 * 1024).build();
    /// ```
    pub fn high_water(mut self, bytes: usize) -> Self {
        self.high_water = bytes;
        self
    }

    /// What happens when more waits for a client than [`max_buffered`](Self::max_buffered) allows. Default: it is
    /// disconnected.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// How many events of one client may wait behind [blocking](crate::Namespace::on_blocking) handlers before no more is read
    /// from it; a disconnect that waits behind them counts, too, and an event once more for every 16 KiB it has. Those that were read
    /// together still come in. Of clients that are gone sixteen times as many may wait on a shard; beyond, what such a client has
    /// sent is lost. Default 256.
    pub fn max_waiting_events(mut self, events: usize) -> Self {
        self.max_waiting_events = events;
        self
    }

    /// How long a socket's [blocking](crate::Namespace::on_blocking) handlers may take without finishing one, while so many events
    /// wait behind them that nothing is read from its client; then it is disconnected as
    /// [overloaded](crate::DisconnectReason::Overloaded). Default 2 minutes.
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = capped(timeout);
        self
    }

    /// Most namespaces that one connection may join, or try to; one more ends it. Default 1 000.
    pub fn max_namespaces(mut self, namespaces: usize) -> Self {
        self.hub.max_namespaces = namespaces;
        self
    }

    /// Most namespaces made by [parents](crate::Io::of_pattern) that stay although nobody is in them, of all parents together,
    /// because clients choose their names; while there are more, one ends when its last socket has gone, as with
    /// [`cleanup_empty_child_namespaces`](Self::cleanup_empty_child_namespaces). Those that somebody is in do not count, and nobody
    /// is refused. Default 10 000.
    ///
    /// ```
    /// use siomio::Server;
    ///
    /// let server = Server::builder().max_empty_child_namespaces(100).build();
    /// server.of_pattern("/game-{id}");
    /// ```
    pub fn max_empty_child_namespaces(mut self, namespaces: usize) -> Self {
        self.max_empty_child_namespaces = namespaces;
        self
    }

    /// Most bytes that a client may send along to a namespace, as JSON, because they are kept as long as its socket; with more it is
    /// refused. Default 64 KiB.
    pub fn max_auth(mut self, bytes: usize) -> Self {
        self.max_auth = bytes;
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

    /// Time a client has to join a namespace. Default 45 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.hub.connect_timeout = capped(timeout);
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

    /// Time in which a client has to take something of what is waiting for it on an HTTP connection or a raw WebSocket, again
    /// and again until all is taken; then the connection is ended. The WebSockets of sessions have their heartbeat, as long as
    /// no more than [`high_water`](Self::high_water) waits. Default 60 s.
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
}
