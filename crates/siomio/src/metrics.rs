//! What a server counts, to be looked at by those who run it.

mod count;
mod prometheus;
mod sessions;
mod table;
mod turns;

pub(crate) use self::table::Counts;
pub use self::{table::ShardMetrics, turns::TurnMetrics};

use std::ops::Deref;

/// Numbers about a server at one moment: how many there are, how much has happened since its start, and how busy its loops are.
///
/// From [`Io::metrics`](crate::Io::metrics). It stands for the [`ShardMetrics`] of all shards together; there each number is
/// explained. The shards count while others read, so numbers that are read together may be one step of a shard apart.
///
/// ```
/// let server = siomio::Server::new();
/// let metrics = server.metrics();
/// assert_eq!((metrics.sockets, metrics.packets_received, metrics.namespaces), (0, 0, 1));
/// ```
///
/// For Prometheus, serve them on a path of your own:
///
/// ```
/// # let server = siomio::Server::new();
/// let io = server.io();
/// server.http(move |request, response| match request.path() {
///     "/metrics" => response.body(siomio::Metrics::CONTENT_TYPE, io.metrics().to_prometheus()),
///     _ => response.status(404).text("nothing here"),
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// All shards together.
    pub total: ShardMetrics,
    /// Each shard by itself, in the order of their numbers.
    pub shards: Vec<ShardMetrics>,
    /// Connections that were accepted since the start. Those that were refused or ended later count too.
    pub connections_accepted: u64,
    /// How often a connection could not be accepted, for want of descriptors or memory.
    pub accept_errors: u64,
    /// Connections that were refused because there were [too many](crate::ServerBuilder::max_connections), of all or of
    /// [one address](crate::ServerBuilder::max_connections_per_ip).
    pub connections_refused: u64,
    /// Handshakes that were answered 429, because their address had made
    /// [too many](crate::ServerBuilder::max_handshakes_per_ip).
    pub handshakes_held_off: u64,
    /// Namespaces that exist, the main one included; parents of others do not count.
    pub namespaces: u64,
    /// [Blocking](crate::Namespace::on_blocking) handlers that run now.
    pub blocking_running: u64,
    /// Blocking handlers that wait for a thread.
    pub blocking_waiting: u64,
    /// Blocking handlers that have begun to run since the start.
    pub blocking_started: u64,
}

impl Deref for Metrics {
    type Target = ShardMetrics;

    fn deref(&self) -> &ShardMetrics {
        &self.total
    }
}
