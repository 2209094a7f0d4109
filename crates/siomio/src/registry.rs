//! What the application has registered.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use siomio_engine::{CloseReason, Message};
use siomio_websocket::CloseCode;

use crate::{
    Carrier, EngineSocket, Rejection, Request, Responder, WebSocket, WebSocketError, hooks::Hooks,
};

/// Hooks, endpoints and the HTTP fallback: changed under a lock by whoever registers, read by the shards as snapshots.
/// Namespaces are apart, see [`Namespaces`](crate::namespace::Namespaces).
#[derive(Debug)]
pub(crate) struct Registry {
    tables: Mutex<Arc<Tables>>,
    version: AtomicU64,
}

/// A snapshot of everything registered.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    pub(crate) http: Option<Arc<HttpHandler>>,
    pub(crate) engine: Arc<EngineTable>,
    pub(crate) hooks: Arc<Hooks>,
    /// In the order of declaration.
    pub(crate) endpoints: Vec<Arc<EndpointTable>>,
}

/// What was registered with a server that speaks Engine.IO only.
#[derive(Clone, Default)]
pub(crate) struct EngineTable {
    pub(crate) open: Vec<Arc<OpenHandler>>,
    pub(crate) message: Vec<Arc<MessageHandler>>,
    pub(crate) close: Vec<Arc<CloseHandler>>,
}

/// What was registered for one raw WebSocket endpoint.
#[derive(Clone)]
pub(crate) struct EndpointTable {
    pub(crate) path: Arc<str>,
    /// How many it has, on all shards.
    pub(crate) clients: Arc<AtomicUsize>,
    pub(crate) verify: Option<Arc<VerifyHandler>>,
    pub(crate) open: Vec<Arc<RawOpenHandler>>,
    pub(crate) message: Vec<Arc<RawMessageHandler>>,
    pub(crate) pong: Vec<Arc<RawPongHandler>>,
    pub(crate) error: Vec<Arc<RawErrorHandler>>,
    pub(crate) close: Vec<Arc<RawCloseHandler>>,
}

pub(crate) type OpenHandler = dyn Fn(&EngineSocket) + Send + Sync;
pub(crate) type MessageHandler = dyn Fn(&EngineSocket, Message<'_>, Carrier<'_>) + Send + Sync;
pub(crate) type CloseHandler = dyn Fn(&EngineSocket, CloseReason) + Send + Sync;
pub(crate) type VerifyHandler = dyn Fn(&Request<'_>) -> Result<(), Rejection> + Send + Sync;
pub(crate) type RawOpenHandler = dyn Fn(&WebSocket) + Send + Sync;
pub(crate) type RawMessageHandler = dyn Fn(&WebSocket, Message<'_>) + Send + Sync;
pub(crate) type RawPongHandler = dyn Fn(&WebSocket, &[u8]) + Send + Sync;
pub(crate) type RawErrorHandler = dyn Fn(&WebSocket, &WebSocketError) + Send + Sync;
pub(crate) type RawCloseHandler = dyn Fn(&WebSocket, CloseCode, &str) + Send + Sync;
pub(crate) type HttpHandler = dyn Fn(&Request<'_>, Responder) + Send + Sync;

impl Registry {
    pub(crate) fn new() -> Self {
        Self { tables: Mutex::default(), version: AtomicU64::new(1) }
    }

    pub(crate) fn set_http(&self, handler: Arc<HttpHandler>) {
        let old = Arc::make_mut(&mut self.lock()).http.replace(handler);
        drop(old);
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn change_engine(&self, change: impl FnOnce(&mut EngineTable)) {
        change(Arc::make_mut(&mut Arc::make_mut(&mut self.lock()).engine));
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn change_hooks(&self, change: impl FnOnce(&mut Hooks)) {
        change(Arc::make_mut(&mut Arc::make_mut(&mut self.lock()).hooks));
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Makes an endpoint, or finds it.
    pub(crate) fn endpoint(&self, path: &str) -> (u32, Arc<EndpointTable>) {
        let mut tables = self.lock();
        let place = tables.endpoint(path).unwrap_or_else(|| {
            Arc::make_mut(&mut tables).endpoints.push(Arc::new(EndpointTable::new(path)));
            self.version.fetch_add(1, Ordering::Release);
            tables.endpoints.len() as u32 - 1
        });
        (place, tables.endpoints[place as usize].clone())
    }

    /// Changes what is registered for an endpoint. What the change replaces it should return.
    pub(crate) fn change_endpoint<R>(
        &self,
        endpoint: u32,
        change: impl FnOnce(&mut EndpointTable) -> R,
    ) -> Option<R> {
        let mut tables = self.lock();
        let table = Arc::make_mut(&mut tables).endpoints.get_mut(endpoint as usize)?;
        let replaced = change(Arc::make_mut(table));
        self.version.fetch_add(1, Ordering::Release);
        Some(replaced)
    }

    /// Grows with every change.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn snapshot(&self) -> Tables {
        Tables::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Tables>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// The endpoint at a path.
    pub(crate) fn endpoint(&self, path: &str) -> Option<u32> {
        let place = self.endpoints.iter().position(|table| *table.path == *path)?;
        u32::try_from(place).ok()
    }
}

impl EndpointTable {
    fn new(path: &str) -> Self {
        Self {
            path: path.into(),
            clients: Arc::default(),
            verify: None,
            open: Vec::new(),
            message: Vec::new(),
            pong: Vec::new(),
            error: Vec::new(),
            close: Vec::new(),
        }
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("endpoints", &self.endpoints.len()).finish_non_exhaustive()
    }
}
