//! What the application wants to hear of a namespace.

use std::{marker::PhantomData, sync::Arc};

use serde::de::DeserializeOwned;
use siomio_hub::DisconnectReason;
use siomio_packet::RESERVED_EVENTS;

use super::{
    Namespace,
    table::{EventHandler, NamespaceTable},
};
use crate::{
    ConnectError, Event, Handler, HandlerError, Permit, RoomEvent, Socket, SocketHandle,
    handler::Erased,
    middleware::{AtOnce, Later},
};

impl Namespace {
    /// Decides who may connect: a refusal reaches the client as its `connect_error`. Several are asked in the order they were
    /// registered, until one refuses.
    ///
    /// `auth` is what the client sends along, read as the type of the parameter; what does not fit is refused. The socket may
    /// already join rooms, but nothing reaches it yet.
    ///
    /// ```
    /// use siomio::{ConnectError, Server};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Auth { token: String }
    ///
    /// let server = Server::new();
    /// server.of("/admin").use_middleware(|socket, auth: Auth| {
    ///     if auth.token != "secret" {
    ///         return Err(ConnectError::new("not allowed").with_data(403));
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
        let middleware = Arc::new(AtOnce(check, PhantomData));
        self.change(|table| table.middlewares.push(middleware))
    }

    /// The same for a decision that takes time: the [`Permit`] may go to another thread. Meanwhile the client waits, and nobody
    /// else does. One that does not come within [`decision_timeout`](crate::ServerBuilder::decision_timeout) refuses the
    /// socket.
    ///
    /// ```
    /// # fn is_known(user: &str) -> bool { true }
    /// use siomio::{ConnectError, Server};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Auth { user: String }
    ///
    /// let server = Server::new();
    /// server.use_middleware_later(|_, auth: Auth, permit| {
    ///     std::thread::spawn(move || match is_known(&auth.user) {
    ///         true => permit.grant(),
    ///         false => permit.refuse("who are you?"),
    ///     });
    /// });
    /// ```
    pub fn use_middleware_later<A, F>(&self, check: F) -> &Self
    where
        A: DeserializeOwned + 'static,
        F: Fn(&Socket, A, Permit) + Send + Sync + 'static,
    {
        let middleware = Arc::new(Later(check, PhantomData));
        self.change(|table| table.middlewares.push(middleware))
    }

    /// Runs for every socket that has connected.
    ///
    /// Its client has been answered before, so whatever is sent here arrives behind that. It runs for a socket that is
    /// [recovered](Socket::is_recovered), too.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| {
    ///     socket.join("lobby");
    ///     socket.emit("welcome", "hello");
    /// });
    /// ```
    pub fn on_connect(&self, handler: impl Fn(&Socket) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.connect.push(Arc::new(handler)))
    }

    /// Runs for every socket that is about to go, and why, before the handlers of [`on_disconnect`](Self::on_disconnect).
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_disconnecting(|socket, reason| println!("{} goes: {reason}", socket.id()));
    /// ```
    pub fn on_disconnecting(
        &self,
        handler: impl Fn(&Socket, DisconnectReason) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.disconnecting.push(Arc::new(handler)))
    }

    /// Runs for every socket that is disconnected, and why. Its rooms and data can still be read.
    ///
    /// Also for one that will [recover](crate::Recovery): whether its client comes back is not known yet.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_disconnect(|socket, reason| {
    ///     for room in socket.rooms() {
    ///         socket.to(room).emit("left", (socket.id(), reason.as_str()));
    ///     }
    /// });
    /// ```
    pub fn on_disconnect(
        &self,
        handler: impl Fn(&Socket, DisconnectReason) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.disconnect.push(Arc::new(handler)))
    }

    /// Runs when an event arrives. See [`Handler`] for what a closure may take. Several for one event run in the order
    /// they were registered, those of the namespace before those of the [socket](Socket::on).
    ///
    /// # Panics
    /// For the names that clients cannot send: `connect`, `connect_error`, `disconnect`, `disconnecting`, `newListener`,
    /// `removeListener`. There are [`on_connect`](Self::on_connect), [`on_disconnect`](Self::on_disconnect) and
    /// [`on_disconnecting`](Self::on_disconnecting).
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::{Ack, Socket};
    ///
    /// server.on("say", |socket: &Socket, text: String| {
    ///     socket.broadcast().emit("said", text);
    /// });
    /// server.on("add", |_: &Socket, a: f64, b: f64, ack: Ack| ack.send(a + b));
    /// ```
    pub fn on<P: 'static>(
        &self,
        event: impl Into<String>,
        handler: impl Handler<Socket, P>,
    ) -> &Self {
        self.handle(event.into(), EventHandler::Here(Arc::new(Erased::new(handler))))
    }

    /// Runs, when an event arrives, on a thread of the server's [pool](crate::ServerBuilder::blocking_threads), where it may
    /// block: read files, ask databases, compute.
    ///
    /// The order of a socket's events is kept: while one of its blocking handlers runs or waits for a thread, its later events
    /// wait behind it, and so do the handlers of its disconnect; acknowledgements do not. When
    /// [too many](crate::ServerBuilder::max_waiting_events) wait, no more is read from the client.
    ///
    /// ```
    /// use siomio::{Ack, Server, SocketHandle};
    ///
    /// let server = Server::new();
    /// server.on_blocking("report", |socket: &SocketHandle, name: String, ack: Ack| {
    ///     let report = std::fs::read_to_string(format!("reports/{}.txt", name.len()));
    ///     ack.send(report.unwrap_or_default());
    ///     socket.emit("reported", name);
    /// });
    /// ```
    ///
    /// # Panics
    /// As [`on`](Self::on).
    pub fn on_blocking<P: 'static>(
        &self,
        event: impl Into<String>,
        handler: impl Handler<SocketHandle, P>,
    ) -> &Self {
        self.handle(event.into(), EventHandler::Blocking(Arc::new(Erased::new(handler))))
    }

    /// Takes back all handlers of an event that were registered here.
    ///
    /// It does not concern what [sockets](Socket::on) were given, nor, on a parent, children that exist.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// server.on("vote", |_: &Socket, choice: u8| println!("a vote for {choice}"));
    /// server.off("vote");
    /// ```
    pub fn off(&self, event: &str) -> &Self {
        self.change(|table| table.events.remove(event))
    }

    /// Sees every event before its handlers do, and may refuse it, or change its name and its arguments. A refusal reaches
    /// [`on_error`](Self::on_error), the client hears nothing of it. Several are asked in the order they were registered.
    ///
    /// ```
    /// use siomio::Server;
    ///
    /// let server = Server::new();
    /// server.use_event(|socket, event| {
    ///     if event.name().starts_with("admin:") && !socket.rooms().iter().any(|room| &**room == "admins") {
    ///         return Err("for admins only".to_owned());
    ///     }
    ///     Ok(())
    /// });
    /// ```
    pub fn use_event(
        &self,
        middleware: impl Fn(&Socket, &mut Event<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.event_middlewares.push(Arc::new(middleware)))
    }

    /// Runs for every event that arrives, before middlewares and handlers.
    ///
    /// Also for events that have no handler.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_any(|socket, event| {
    ///     println!("{} sends {} with {} arguments", socket.id(), event.name(), event.args().len());
    /// });
    /// ```
    pub fn on_any(&self, handler: impl Fn(&Socket, &Event<'_>) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.any.push(Arc::new(handler)))
    }

    /// Runs for every event that is sent to a socket, by itself or as one of many, before it leaves; not for acknowledgements,
    /// nor for what is sent again to a client that has come back.
    ///
    /// A broadcast is shown once for each socket that gets it, so this costs time for each.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_any_outgoing(|socket, event| println!("{} is sent {}", socket.id(), event.name()));
    /// ```
    pub fn on_any_outgoing(
        &self,
        handler: impl Fn(&Socket, &Event<'_>) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.any_outgoing.push(Arc::new(handler)))
    }

    /// Runs when an event cannot be handled: its arguments do not fit, a middleware refused it, or the handler panicked.
    ///
    /// The client hears nothing of it by itself. Without a handler here, nobody does.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_error(|socket, error| eprintln!("{}: {error}", socket.id()));
    /// ```
    pub fn on_error(
        &self,
        handler: impl Fn(&Socket, &HandlerError) + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.error.push(Arc::new(handler)))
    }

    /// Runs when a client has taken everything, after more than [`high_water`](crate::ServerBuilder::high_water) waited for it.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::{Sent, Socket};
    ///
    /// server.on("more", |socket: &Socket| while socket.emit("piece", "of much") == Sent::Queued {});
    /// server.on_drain(|socket| { socket.emit("ready", ()); });
    /// ```
    pub fn on_drain(&self, handler: impl Fn(&Socket) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.drain.push(Arc::new(handler)))
    }

    /// Runs when rooms of this namespace come and go, and when sockets join and leave them; also for the rooms of the sockets' own
    /// ids. It runs on the thread of some shard, when no other code of yours does there; for all shards together it runs once at a
    /// time, and in the order in which things happened.
    ///
    /// Only of this server, where it is one of several. As long as somebody wants to know, every join and leave in this namespace takes
    /// a lock, on whichever shard it happens.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::RoomEvent;
    ///
    /// server.on_room_event(|event| if let RoomEvent::Deleted { room, .. } = event {
    ///     println!("nobody is in {room} any more");
    /// });
    /// ```
    pub fn on_room_event(&self, handler: impl Fn(&RoomEvent) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.rooms.push(Arc::new(handler)))
    }

    /// Runs when a parent, or [`of`](crate::Io::of), has made a namespace. Only of use on the main namespace, and on parents for
    /// their own children.
    ///
    /// What the closure registers with the new namespace holds for the first of its clients, too.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_new_namespace(|namespace| println!("{} is new", namespace.name()));
    /// server.of("/chat");
    /// ```
    pub fn on_new_namespace(&self, handler: impl Fn(&Self) + Send + Sync + 'static) -> &Self {
        self.change(|table| table.created.push(Arc::new(handler)))
    }

    /// Handles an event that another server of the cluster has sent with
    /// [`server_side_emit`](Self::server_side_emit). The closure may take an [`Ack`](crate::Ack) as its last parameter.
    ///
    /// ```
    /// use siomio::{Ack, Namespace, Server};
    ///
    /// let server = Server::new();
    /// server.on_server_side("how-many", |namespace: &Namespace, ack: Ack| {
    ///     ack.send(namespace.socket_count());
    /// });
    /// ```
    pub fn on_server_side<P: 'static>(
        &self,
        event: impl Into<String>,
        handler: impl Handler<Self, P>,
    ) -> &Self {
        let (event, handler) = (event.into(), Arc::new(Erased::new(handler)));
        self.change(|table| table.server_side.entry(event).or_default().push(handler))
    }

    fn handle(&self, event: String, handler: EventHandler) -> &Self {
        assert_not_reserved(&event);
        self.change(|table| table.events.entry(event).or_default().push(handler))
    }

    fn change<R>(&self, change: impl FnOnce(&mut NamespaceTable) -> R) -> &Self {
        let replaced = self.cell.change(change);
        drop(replaced);
        self
    }
}

/// Handlers of what clients cannot send would never run.
pub(crate) fn assert_not_reserved(event: &str) {
    assert!(
        !RESERVED_EVENTS.contains(&event),
        "clients cannot send \"{event}\": see on_connect, on_disconnect and on_disconnecting"
    );
}
