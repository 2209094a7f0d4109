//! The settings of a server, as its shards see them.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use siomio_http as http;
use siomio_websocket as websocket;

use crate::{
    Cookie, Cors, Decision, Overflow, Request, addresses::AddressLimits, client_files::ServedFiles,
    origin::Origins,
};

/// Everything that is settled before a server runs; [`ServerBuilder`](crate::ServerBuilder) documents each.
#[derive(Debug)]
pub(crate) struct Config {
    /// What the targets of our requests begin with: starts with `/`, and usually ends in it.
    pub(crate) path: String,
    pub(crate) shards: u8,
    /// No Socket.IO on top of the sessions.
    pub(crate) engine_only: bool,
    pub(crate) engine: Arc<siomio_engine::Config>,
    pub(crate) hub: siomio_hub::Config,
    pub(crate) cors: Option<Cors>,
    /// Pages of others may not connect, if it is there.
    pub(crate) origins: Option<Origins>,
    pub(crate) addresses: AddressLimits,
    pub(crate) client_ip: Option<Hook<ClientIp>>,
    pub(crate) client_files: Option<ServedFiles>,
    pub(crate) cookie: Option<Cookie>,
    pub(crate) allow_request: Option<Hook<AllowRequest>>,
    pub(crate) generate_id: Option<Hook<GenerateId>>,
    pub(crate) websocket: Arc<websocket::Limits>,
    pub(crate) high_water: usize,
    pub(crate) max_buffered: usize,
    pub(crate) overflow: Overflow,
    pub(crate) skip_middlewares: bool,
    pub(crate) cleanup_empty_child_namespaces: bool,
    pub(crate) max_empty_child_namespaces: usize,
    pub(crate) blocking_threads: usize,
    pub(crate) slow_handler: Duration,
    pub(crate) max_waiting_events: usize,
    pub(crate) max_auth: usize,
    pub(crate) answer_timeout: Duration,
    pub(crate) stall_timeout: Duration,
    pub(crate) max_http_body: usize,
    pub(crate) http: http::Limits,
    pub(crate) head_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) decision_timeout: Duration,
    pub(crate) send_timeout: Duration,
    pub(crate) keep_alive_timeout: Duration,
}

impl Config {
    /// What stands in a path behind ours and one slash, also where ours need not end in one.
    pub(crate) fn below_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(&self.path)?;
        if self.path.ends_with('/') { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// When the head of a request has to be there that began then.
    pub(crate) fn head_deadline(&self, begun: Instant) -> Instant {
        begun + self.head_timeout.min(self.request_timeout)
    }

    /// When all of a request has to be there that began then.
    pub(crate) fn request_deadline(&self, begun: Instant) -> Instant {
        begun + self.request_timeout
    }
}

pub(crate) type AllowRequest = dyn Fn(&Request<'_>, Decision) + Send + Sync;
pub(crate) type ClientIp = dyn Fn(&Request<'_>) -> Option<IpAddr> + Send + Sync;
pub(crate) type GenerateId = dyn Fn(&Request<'_>) -> Result<String, String> + Send + Sync;

/// Code of the application among the settings.
pub(crate) struct Hook<F: ?Sized>(pub(crate) Arc<F>);

impl<F: ?Sized> Clone for Hook<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: ?Sized> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// Requests of one connection that may wait for their answers at the same time.
pub(crate) const MAX_PIPELINE: usize = 64;

/// Bytes of responses that may wait on a connection before no more requests are read from it. One response may be larger.
pub(crate) const MAX_RESPONSES: usize = 256 * 1024;

/// Bytes of a request's body that are read to nowhere, so that its connection can be kept, after the request was answered.
pub(crate) const MAX_DISCARD: usize = 1024 * 1024;

/// Time a connection has to end after it took our last word.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// Durations beyond this are as good as for ever, and can still be added to any instant.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A duration that can be added to an instant.
pub(crate) fn capped(duration: Duration) -> Duration {
    duration.min(FOREVER)
}
