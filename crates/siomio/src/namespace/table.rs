//! What is registered for a namespace.

use std::{collections::HashMap, fmt, sync::Arc};

use foldhash::fast::FixedState;
use siomio_hub::DisconnectReason;

use crate::{
    Event, HandlerError, Namespace, RoomEvent, Socket, SocketHandle, handler::ErasedHandler,
    middleware::ErasedMiddleware,
};

/// What was registered for one namespace: shared by its shards, copied when it changes.
#[derive(Clone, Default)]
pub(crate) struct NamespaceTable {
    pub(crate) middlewares: Vec<Arc<dyn ErasedMiddleware>>,
    pub(crate) connect: Vec<Arc<ConnectHandler>>,
    pub(crate) disconnecting: Vec<Arc<DisconnectHandler>>,
    pub(crate) disconnect: Vec<Arc<DisconnectHandler>>,
    pub(crate) error: Vec<Arc<ErrorHandler>>,
    pub(crate) drain: Vec<Arc<ConnectHandler>>,
    pub(crate) any: Vec<Arc<AnyHandler>>,
    pub(crate) any_outgoing: Vec<Arc<AnyHandler>>,
    pub(crate) event_middlewares: Vec<Arc<EventMiddleware>>,
    /// Hashed without a secret: the names are the application's.
    pub(crate) events: HashMap<String, Vec<EventHandler>, FixedState>,
    pub(crate) server_side: HashMap<String, Vec<Arc<dyn ErasedHandler<Namespace>>>>,
    pub(crate) rooms: Vec<Arc<RoomHandler>>,
    pub(crate) created: Vec<Arc<CreatedHandler>>,
}

/// A handler of an event, and where it runs.
#[derive(Clone)]
pub(crate) enum EventHandler {
    /// On the shard's thread.
    Here(Arc<dyn ErasedHandler<Socket>>),
    /// On a thread of the pool.
    Blocking(Arc<dyn ErasedHandler<SocketHandle>>),
}

pub(crate) type ConnectHandler = dyn Fn(&Socket) + Send + Sync;
pub(crate) type DisconnectHandler = dyn Fn(&Socket, DisconnectReason) + Send + Sync;
pub(crate) type ErrorHandler = dyn Fn(&Socket, &HandlerError) + Send + Sync;
pub(crate) type AnyHandler = dyn Fn(&Socket, &Event<'_>) + Send + Sync;
pub(crate) type EventMiddleware =
    dyn Fn(&Socket, &mut Event<'_>) -> Result<(), String> + Send + Sync;
pub(crate) type RoomHandler = dyn Fn(&RoomEvent) + Send + Sync;
pub(crate) type CreatedHandler = dyn Fn(&Namespace) + Send + Sync;

impl fmt::Debug for NamespaceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceTable")
            .field("events", &self.events.keys())
            .finish_non_exhaustive()
    }
}
