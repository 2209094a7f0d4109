//! A namespace: what happens in it, and who is in it.

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use serde::de::DeserializeOwned;
use siomio_hub::{DisconnectReason, NamespaceId, Rooms};
use siomio_packet::{IntoArgs, RESERVED_EVENTS};

use crate::{
    Broadcast, ConnectError, Handler, HandlerError, Sent, Socket, SocketId, handler::Erased,
    middleware::Middleware, registry::NamespaceTable, shared::Shared,
};

/// A namespace of a server: handlers are registered here, once for all of its sockets, and broadcasts start here.
///
/// It is a handle: cheap to clone, usable from any thread, also before the server runs.
#[derive(Clone)]
pub struct Namespace {
    shared: Arc<Shared>,
    id: NamespaceId,
    name: Arc<str>,
}

impl Namespace {
    pub(crate) const fn new(shared: Arc<Shared>, id: NamespaceId, name: Arc<str>) -> Self {
        Self { shared, id, name }
    }

    /// Its name, `/` for the main one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Decides who may connect: a refusal reaches the client as its `connect_error`.
    ///
    /// `auth` is what the client sends along, read as the type of the parameter. The socket may already join rooms, but
    /// nothing reaches it yet. A second middleware replaces the first.
    ///
    /// ```
    /// use siomio::{ConnectError, Server, Socket};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Auth { token: String }
    ///
    /// let server = Server::new();
    /// server.of("/admin").use_middleware(|socket: &Socket, auth: Auth| {
    ///     if auth.token != "secret" {
    ///         return Err(ConnectError::new("not allowed"));
    ///     }
    ///     socket.join("admins");
    ///     Ok(())
    /// });
    /// ```
    pub fn use_middleware<A, F>(&self, check: F) -> &Self
    where
        A: DeserializeOwned + 'static,
        F: Fn(&Socket, A) -> Result<(), ConnectError> + Send + Sync + 'static,
    {
        let middleware = Arc::new(Middleware::new(check));
        self.change(|table| table.middleware.replace(middleware))
    }

    /// Runs for every socket that has connected.
    pub fn on_connect(&self, handler: impl Fn(&Socket) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.connect.push(Arc::new(handler)))
    }

    /// Runs for every socket that is disconnected, and why. Its rooms and data can still be read.
    pub fn on_disconnect(
        &self,
        handler: impl Fn(&Socket, DisconnectReason) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.disconnect.push(Arc::new(handler)))
    }

    /// Runs when an event arrives. See [`Handler`] for what a closure may take. Several for one event run in the order
    /// they were registered.
    ///
    /// # Panics
    /// For the names that clients cannot send: `connect`, `connect_error`, `disconnect`, `disconnecting`, `newListener`,
    /// `removeListener`. There are [`on_connect`](Self::on_connect) and [`on_disconnect`](Self::on_disconnect).
    pub fn on<P: 'static>(&self, event: impl Into<String>, handler: impl Handler<P>) -> &Self {
        let event = event.into();
        assert!(
            !RESERVED_EVENTS.contains(&&*event),
            "clients cannot send \"{event}\": see on_connect and on_disconnect"
        );
        let handler = Arc::new(Erased::new(handler));
        self.change(|table| table.events.entry(event).or_default().push(handler))
    }

    /// Runs when an event cannot be handled: its arguments do not fit, or the handler panicked.
    pub fn on_error(
        &self,
        handler: impl Fn(&Socket, &HandlerError) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.error.push(Arc::new(handler)))
    }

    /// Sends an event to everybody in the namespace. A tuple is several arguments, `()` none, anything else one.
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.everyone().emit(event, args)
    }

    /// Everybody in a room. Everybody's id is a room.
    pub fn to(&self, room: impl Into<Arc<str>>) -> Broadcast {
        self.everyone().to(room)
    }

    /// Everybody but those in a room.
    pub fn except(&self, room: impl Into<Arc<str>>) -> Broadcast {
        self.everyone().except(room)
    }

    /// Everybody in the namespace.
    pub fn everyone(&self) -> Broadcast {
        Broadcast::new(self.clone())
    }

    /// The ids of the connected sockets, in no particular order. Reads all shards.
    pub fn sockets(&self) -> Vec<SocketId> {
        self.collect(|rooms| rooms.ids(self.id)).into_iter().map(SocketId::from).collect()
    }

    /// The ids of the connected sockets in a room, in no particular order. Reads all shards.
    pub fn sockets_in(&self, room: &str) -> Vec<SocketId> {
        self.collect(|rooms| rooms.ids_in(self.id, room)).into_iter().map(SocketId::from).collect()
    }

    /// The rooms that somebody is in, in alphabetical order, less those of the sockets' own ids. Reads all shards.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        let mut rooms = self.collect(|rooms| rooms.names(self.id));
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }

    /// How many sockets are connected. Reads all shards.
    pub fn socket_count(&self) -> usize {
        self.read(|rooms| rooms.count(self.id)).sum()
    }

    fn collect(&self, read: impl Fn(&Rooms) -> Vec<Arc<str>>) -> Vec<Arc<str>> {
        self.read(read).flatten().collect()
    }

    fn read<T>(&self, read: impl Fn(&Rooms) -> T) -> impl Iterator<Item = T> {
        self.shared
            .all_rooms()
            .map(move |rooms| read(&rooms.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) const fn id(&self) -> NamespaceId {
        self.id
    }

    fn change<R>(&self, change: impl FnOnce(&mut NamespaceTable) -> R) -> &Self {
        let replaced = self.shared.registry.change(self.id, change);
        drop(replaced);
        self
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.name).finish()
    }
}
