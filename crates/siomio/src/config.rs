//! The settings of a server, as its shards see them.

use std::{sync::Arc, time::Duration};

use siomio_http as http;
use siomio_websocket as websocket;

use crate::Cors;

/// Everything that is settled before a server runs; [`ServerBuilder`](crate::ServerBuilder) documents each.
#[derive(Debug)]
pub(crate) struct Config {
    /// Starts with and ends in `/`.
    pub(crate) path: String,
    pub(crate) shards: u8,
    /// No Socket.IO on top of the sessions.
    pub(crate) engine_only: bool,
    pub(crate) engine: Arc<siomio_engine::Config>,
    pub(crate) hub: siomio_hub::Config,
    pub(crate) cors: Cors,
    pub(crate) max_fragments: u32,
    pub(crate) max_buffered: usize,
    pub(crate) max_http_body: usize,
    pub(crate) http: http::Limits,
    pub(crate) request_timeout: Duration,
    pub(crate) keep_alive_timeout: Duration,
}

impl Config {
    pub(crate) fn websocket_limits(&self) -> websocket::Limits {
        websocket::Limits {
            max_message: self.engine.max_payload,
            max_fragments: self.max_fragments,
            ..Default::default()
        }
    }
}

/// Requests of one connection that may wait for their answers at the same time.
pub(crate) const MAX_PIPELINE: usize = 64;

/// Bytes of responses that may wait on a connection before no more requests are read from it. One response may be larger.
pub(crate) const MAX_RESPONSES: usize = 256 * 1024;

/// Time a connection has to end after it took our last word.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// Durations beyond this are as good as for ever, and can still be added to any instant.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A duration that can be added to an instant.
pub(crate) fn capped(duration: Duration) -> Duration {
    duration.min(FOREVER)
}
