//! A client, seen from anywhere.

use std::{fmt, sync::Arc, time::Duration};

use siomio_hub::{Flags, SocketKey};
use siomio_packet::{IntoArgs, Payload};

use crate::{
    Broadcast, Namespace, Reply, RoomNames, Sent, Socket, SocketId,
    mailbox::{Mail, Order},
    shard::Local,
    shared::Shared,
};

/// A client that any thread can reach, for as long as it is connected.
///
/// On the thread of the client's own shard its methods act at once, like those of [`Socket`](crate::Socket); from
/// elsewhere they are sent there. What one thread does through handles and sockets keeps its order. A handle does not keep
/// its client: once that is gone, nothing happens any more.
///
/// It is for sending, joining, asking and disconnecting. Data, handshake and timers belong to the [`Socket`](crate::Socket).
///
/// ```
/// # let server = siomio::Server::new();
/// use std::thread;
/// use siomio::{Ack, Socket};
///
/// server.on("compute", |socket: &Socket, number: u64, ack: Ack| {
///     let client = socket.handle();
///     thread::spawn(move || {
///         client.emit("progress", 50);
///         ack.send((1..=number).sum::<u64>());
///     });
/// });
/// ```
#[derive(Clone)]
pub struct SocketHandle {
    namespace: Namespace,
    shard: u8,
    key: SocketKey,
    id: SocketId,
}

impl SocketHandle {
    pub(crate) const fn new(namespace: Namespace, shard: u8, key: SocketKey, id: SocketId) -> Self {
        Self { namespace, shard, key, id }
    }

    /// The public id of the socket.
    pub fn id(&self) -> &SocketId {
        &self.id
    }

    /// The namespace it is connected to.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Sends an event to this client. A tuple is several arguments, `()` none, anything else one.
    ///
    /// From another thread than that of the client's shard, [`Sent::Queued`] says that it is on its way there; whether the
    /// client is still there is seen then.
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.emit_with(event, &args, Flags::default())
    }

    /// Sends the event `message`.
    pub fn send<A: IntoArgs>(&self, args: A) -> Sent {
        self.emit("message", args)
    }

    /// Sends an event only if the client can take it at once.
    pub fn emit_volatile<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.emit_with(event, &args, Flags { volatile: true, ..Flags::default() })
    }

    fn emit_with<A: IntoArgs>(&self, event: &str, args: &A, flags: Flags) -> Sent {
        let mut payload = self.blank_payload();
        if let Err(error) = payload.event(event, args) {
            return error.into();
        }
        match Local::current(self.shared()).filter(|local| local.index == self.shard) {
            Some(local) => {
                let sent = local.emit_payload(self.key, &payload, flags);
                local.keep_scratch(payload);
                sent
            }
            None => {
                self.order(Order::Emit { payload, flags });
                Sent::Queued
            }
        }
    }

    /// Sends an event that the client is to acknowledge within `timeout`.
    pub fn emit_with_ack<A: IntoArgs>(&self, event: &str, args: A, timeout: Duration) -> Reply {
        let (reply, handle) = Reply::channel();
        let mut payload = Payload::default();
        match payload.event(event, &args) {
            Ok(()) => self.order(Order::EmitWithAck { payload, timeout, reply }),
            Err(error) => reply.send_failure(Sent::from(error)),
        }
        handle
    }

    /// Puts the socket into a room, or several.
    pub fn join(&self, rooms: impl RoomNames) {
        rooms.visit(&mut |room| self.order(Order::Join(room.into())));
    }

    /// Takes the socket out of a room, or several.
    pub fn leave(&self, rooms: impl RoomNames) {
        rooms.visit(&mut |room| self.order(Order::Leave(room.into())));
    }

    /// The rooms the socket is in, that of its own id first; none once it is gone.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        let rooms = self.shared().rooms(self.shard).lock();
        rooms.unwrap_or_else(std::sync::PoisonError::into_inner).rooms_of(self.key)
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.namespace.clone()).except(&self.id)
    }

    /// Everybody in a room, or in several, but this socket.
    pub fn to(&self, rooms: impl RoomNames) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// The same as [`to`](Self::to), where it reads better.
    pub fn within(&self, rooms: impl RoomNames) -> Broadcast {
        self.to(rooms)
    }

    /// Everybody on this server but this socket, where the server is one of several.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// Everybody in the namespace but those in a room, or in any of several, and this socket.
    pub fn except(&self, rooms: impl RoomNames) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// Runs a closure with the socket itself, on the thread of its shard; not at all if it is gone by then. For what only the
    /// [`Socket`] can do: its data, its handshake, timers, listeners.
    ///
    /// On that thread it runs at once. It must not block; a panic in it costs the socket.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// # fn look_up(id: &str) -> String { id.to_owned() }
    /// struct User(String);
    ///
    /// server.on_connect(|socket| {
    ///     let handle = socket.handle();
    ///     std::thread::spawn(move || {
    ///         let user = User(look_up(handle.id()));
    ///         handle.run(|socket| {
    ///             socket.data().insert(user);
    ///         });
    ///     });
    /// });
    /// ```
    pub fn run(&self, run: impl FnOnce(&Socket) + Send + 'static) {
        self.order(Order::Run(Box::new(run)));
    }

    /// Disconnects the socket from its namespace; with `close`, the client from all of them, and its connection.
    ///
    /// See [`Socket::disconnect`](crate::Socket::disconnect).
    pub fn disconnect(&self, close: bool) {
        self.order(Order::Disconnect { close });
    }

    const fn shared(&self) -> &Arc<Shared> {
        self.namespace.shared()
    }

    /// An empty payload, with spare memory where the thread has some.
    pub(crate) fn blank_payload(&self) -> Payload {
        let local = Local::current(self.shared());
        local.and_then(|local| local.scratch.take()).unwrap_or_default()
    }

    pub(crate) fn order(&self, order: Order) {
        self.shared().send(self.shard, Mail::Socket { socket: self.key, order });
    }
}

impl PartialEq for SocketHandle {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
            && self.shard == other.shard
            && Arc::ptr_eq(self.shared(), other.shared())
    }
}

impl Eq for SocketHandle {}

impl fmt::Debug for SocketHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
