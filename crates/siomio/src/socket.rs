//! A connected client, seen from its own shard.

mod listening;

use std::{fmt, rc::Rc, sync::Arc, time::Duration};

use siomio_engine::{Protocol, Transport};
use siomio_hub::{Flags, SocketKey};
use siomio_packet::{IntoArgs, Payload};

pub use self::listening::Listener;
use crate::{
    Broadcast, Data, Emitter, Handshake, Io, Namespace, Reply, RoomNames, Sent, SocketHandle,
    SocketId, Timer,
    shard::{Local, Owner, SessionKey, Space, Work},
};

/// A client in a namespace, as handlers see it.
///
/// It lives on the thread that runs the handler, and what it does takes effect at once: after [`join`](Self::join),
/// [`rooms`](Self::rooms) has the room. What is written leaves when the handlers of this turn are done, in one piece. To
/// reach the client from other threads, or later, take a [`handle`](Self::handle).
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::{Ack, Socket};
///
/// server.on("enter", |socket: &Socket, room: String, ack: Ack| {
///     socket.join(&room);
///     socket.to(&room).emit("entered", socket.id());
///     socket.data().insert(room);
///     ack.send(socket.rooms().len());
/// });
/// ```
pub struct Socket {
    local: Rc<Local>,
    key: SocketKey,
    space: Rc<Space>,
    session: SessionKey,
}

impl Socket {
    pub(crate) const fn new(
        local: Rc<Local>,
        key: SocketKey,
        space: Rc<Space>,
        session: SessionKey,
    ) -> Self {
        Self { local, key, space, session }
    }

    /// The public id; empty once the socket is gone.
    pub fn id(&self) -> SocketId {
        self.local.core.borrow().hub.id(self.key).cloned().unwrap_or_else(|| "".into()).into()
    }

    /// The namespace it is connected to.
    pub fn namespace(&self) -> Namespace {
        Namespace::new(self.local.shared.clone(), self.space.cell.clone())
    }

    /// The server it is connected to.
    pub fn io(&self) -> Io {
        Io::new(&self.local.shared)
    }

    /// Whether events reach the client: not yet in a middleware, and not any more after a disconnect.
    pub fn is_connected(&self) -> bool {
        self.local.core.borrow().hub.is_connected(self.key)
    }

    /// Whether it has taken up the session of an earlier one after a lost connection: its id, its rooms and its data are the same
    /// as before, and its client has been sent what it had missed. See [`Recovery`](crate::Recovery).
    pub fn is_recovered(&self) -> bool {
        self.local.core.borrow().hub.is_recovered(self.key)
    }

    /// How the client came.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| {
    ///     let handshake = socket.handshake();
    ///     println!("{:?} from {}", handshake.header("user-agent"), handshake.peer_addr());
    /// });
    /// ```
    pub fn handshake(&self) -> Handshake {
        self.local.handshake(self.key, self.session)
    }

    /// The transport that the client is on; `None` once its connection is gone.
    pub fn transport(&self) -> Option<Transport> {
        self.local.core.borrow().sessions.get(self.session).map(|state| state.machine.transport())
    }

    /// The revision of Engine.IO that the client speaks.
    pub fn protocol(&self) -> Protocol {
        self.handshake().protocol()
    }

    /// Bytes that wait for the client: it has not taken them yet.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// server.on("more?", |socket: &Socket| {
    ///     if socket.buffered() == 0 {
    ///         socket.emit("more", ());
    ///     }
    /// });
    /// ```
    pub fn buffered(&self) -> usize {
        self.local.core.borrow().buffered(self.session)
    }

    /// The application's own data of this socket.
    pub fn data(&self) -> Data<'_> {
        Data::new(&self.local, Owner::Socket(self.key))
    }

    /// A handle that other threads can use, and that can be kept: it does not keep the client connected, and does
    /// nothing once it is gone.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| {
    ///     let handle = socket.handle();
    ///     std::thread::spawn(move || handle.emit("computed", 42));
    /// });
    /// ```
    pub fn handle(&self) -> SocketHandle {
        SocketHandle::new(self.namespace(), self.local.index, self.key, self.id())
    }

    /// Sends an event to this client. A tuple is several arguments, `()` none, anything else one.
    ///
    /// In a [middleware](crate::Namespace::use_middleware) it is dropped: the socket is not connected yet.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::{Dropped, Sent, Socket};
    ///
    /// server.on("ping", |socket: &Socket| {
    ///     match socket.emit("pong", (1, "two")) {
    ///         Sent::Queued => {}
    ///         Sent::HighWater => println!("much waits for it"),
    ///         Sent::Dropped(Dropped::Encode(error)) => println!("a mistake of ours: {error}"),
    ///         Sent::Dropped(_) => println!("it is gone"),
    ///     }
    /// });
    /// ```
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.local.emit(self, event, &args, Flags::default())
    }

    /// Sends the event `message`.
    pub fn send<A: IntoArgs>(&self, args: A) -> Sent {
        self.emit("message", args)
    }

    /// Sends an event that the client is to acknowledge within `timeout`.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use std::time::Duration;
    ///
    /// server.on_connect(|socket| {
    ///     let handle = socket.handle();
    ///     socket.emit_with_ack("name?", (), Duration::from_secs(10)).on_reply(move |answer| {
    ///         if let Ok(name) = answer.map(|args| args.get::<String>(0).unwrap_or_default()) {
    ///             handle.emit("hello", name);
    ///         }
    ///     });
    /// });
    /// ```
    pub fn emit_with_ack<A: IntoArgs>(&self, event: &str, args: A, timeout: Duration) -> Reply {
        let (sender, reply) = Reply::channel();
        let mut payload = Payload::default();
        match payload.event(event, &args) {
            Ok(()) => self.local.emit_with_ack(self, &payload, timeout, sender),
            Err(error) => sender.send_failure(Sent::from(error)),
        }
        reply
    }

    /// Sends events only if the client can take them at once.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| { socket.volatile().emit("position", (1.0, 2.0)); });
    /// ```
    pub fn volatile(&self) -> Emitter<'_> {
        Emitter::new(self).volatile()
    }

    /// Sends events that may be compressed or not, where compression was negotiated.
    pub fn compress(&self, compress: bool) -> Emitter<'_> {
        Emitter::new(self).compress(compress)
    }

    /// Enters a room, or several. Returns whether it was outside of any before.
    ///
    /// In a [middleware](crate::Namespace::use_middleware) it may, too; once it is disconnected, nothing happens.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| {
    ///     assert!(socket.join(["lobby", "hall"]));
    ///     assert_eq!(socket.rooms().len(), 3);
    /// });
    /// ```
    pub fn join(&self, rooms: impl RoomNames) -> bool {
        self.local.join(self.key, &self.space, &rooms)
    }

    /// Leaves a room, or several. Returns whether it was inside of any. Nobody leaves the room of their own id.
    pub fn leave(&self, rooms: impl RoomNames) -> bool {
        self.local.leave_rooms(self.key, &self.space, &rooms)
    }

    /// The rooms it is in, that of its own id first.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        self.local.core.borrow().hub.rooms_of(self.key)
    }

    /// Whether it is in a room, or in one of several.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// server.on("say", |socket: &Socket, room: String, text: String| {
    ///     if socket.is_in(&room) {
    ///         socket.to(room).emit("said", text);
    ///     }
    /// });
    /// ```
    pub fn is_in(&self, rooms: impl RoomNames) -> bool {
        let (core, mut is_in) = (self.local.core.borrow(), false);
        rooms.visit(&mut |room| is_in |= core.hub.is_in(self.key, room));
        is_in
    }

    /// Everybody in a room, or in several, but this socket.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| { socket.to("lobby").emit("joined", socket.id()); });
    /// ```
    pub fn to(&self, rooms: impl RoomNames) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// The same as [`to`](Self::to), where it reads better.
    pub fn within(&self, rooms: impl RoomNames) -> Broadcast {
        self.to(rooms)
    }

    /// Everybody in the namespace but those in a room, or in any of several, and this socket.
    pub fn except(&self, rooms: impl RoomNames) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// Everybody in the namespace but this socket.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| { socket.broadcast().emit("joined", socket.id()); });
    /// ```
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.namespace()).except(self.id())
    }

    /// Everybody on this server but this socket, where the server is one of several.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// Disconnects the socket from its namespace; with `close`, the client from all of them, and its connection.
    ///
    /// The disconnect handlers run before this returns.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// server.on("bye", |socket: &Socket| {
    ///     socket.emit("bye", "see you");
    ///     socket.disconnect(true);
    /// });
    /// ```
    pub fn disconnect(&self, close: bool) {
        self.local.disconnect(self.key, close);
    }

    /// Runs a closure once, after some time, unless the socket is gone by then.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use std::time::Duration;
    ///
    /// server.on_connect(|socket| {
    ///     socket.after(Duration::from_secs(60), |socket| socket.disconnect(true));
    /// });
    /// ```
    pub fn after(&self, delay: Duration, run: impl FnOnce(&Self) + 'static) -> Timer {
        let view = self.view();
        self.timer(delay, Work::Once(Box::new(move |local| run(&view(local)))))
    }

    /// Runs a closure again and again, until the socket is gone or the timer [cancelled](Timer::cancel).
    ///
    /// The beat does not drift: a run that comes late does not delay those after it. A period of zero counts as 1 ms.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use std::time::Duration;
    ///
    /// server.on_connect(|socket| {
    ///     socket.every(Duration::from_secs(1), |socket| { socket.volatile().emit("tick", ()); });
    /// });
    /// ```
    pub fn every(&self, period: Duration, run: impl Fn(&Self) + 'static) -> Timer {
        let period = period.max(Duration::from_millis(1));
        let view = self.view();
        self.timer(period, Work::Every(period, Rc::new(move |local| run(&view(local)))))
    }

    fn timer(&self, delay: Duration, work: Work) -> Timer {
        Timer::set(&self.local, Owner::Socket(self.key), delay, work)
    }

    /// Makes this socket again, for those who come back to it later.
    fn view(&self) -> impl Fn(&Rc<Local>) -> Self + use<> {
        let (key, space, session) = (self.key, self.space.clone(), self.session);
        move |local| Self::new(local.clone(), key, space.clone(), session)
    }

    pub(crate) const fn key(&self) -> SocketKey {
        self.key
    }

    pub(crate) const fn session(&self) -> SessionKey {
        self.session
    }

    pub(crate) const fn space(&self) -> &Rc<Space> {
        &self.space
    }

    pub(crate) const fn shard(&self) -> &Rc<Local> {
        &self.local
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.id()).finish_non_exhaustive()
    }
}
