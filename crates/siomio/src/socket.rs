//! A connected client, seen from its own shard.

use std::{fmt, rc::Rc, sync::Arc, time::Duration};

use siomio_hub::{NamespaceId, SocketKey};
use siomio_packet::{IntoArgs, Payload};

use crate::{
    Broadcast, Data, Handshake, Io, Namespace, Reply, Sent, SocketHandle, SocketId, Timer,
    shard::{Local, Owner, SessionKey, Work},
};

/// A client in a namespace, as handlers see it.
///
/// It lives on the thread that runs the handler, and what it does takes effect at once: after [`join`](Self::join),
/// [`rooms`](Self::rooms) has the room. What is written leaves when the handlers of this turn are done, in one piece. To
/// reach the client from other threads, or later, take a [`handle`](Self::handle).
pub struct Socket {
    local: Rc<Local>,
    key: SocketKey,
    namespace: NamespaceId,
    session: SessionKey,
}

impl Socket {
    pub(crate) const fn new(
        local: Rc<Local>,
        key: SocketKey,
        namespace: NamespaceId,
        session: SessionKey,
    ) -> Self {
        Self { local, key, namespace, session }
    }

    /// The public id; empty once the socket is gone.
    pub fn id(&self) -> SocketId {
        self.local.core.borrow().hub.id(self.key).cloned().unwrap_or_else(|| "".into()).into()
    }

    /// The namespace it is connected to.
    pub fn namespace(&self) -> Namespace {
        self.local.namespace(self.namespace)
    }

    /// The server it is connected to.
    pub fn io(&self) -> Io {
        Io::new(&self.local.shared)
    }

    /// Whether events reach the client: not yet in a middleware, and not any more after a disconnect.
    pub fn is_connected(&self) -> bool {
        self.local.core.borrow().hub.is_connected(self.key)
    }

    /// How the client came.
    pub fn handshake(&self) -> Handshake {
        let mut core = self.local.core.borrow_mut();
        let auth = core.extra_mut(self.key, false).and_then(|extra| extra.auth.clone());
        let session = core
            .sessions
            .get(self.session)
            .expect("a session outlives the handlers of its sockets");
        Handshake::new(session.opening.clone(), auth)
    }

    /// The application's own data of this socket.
    pub fn data(&self) -> Data<'_> {
        Data::new(&self.local, Owner::Socket(self.key))
    }

    /// A handle that other threads can use, and that can be kept: it does not keep the client connected, and does
    /// nothing once it is gone.
    pub fn handle(&self) -> SocketHandle {
        SocketHandle::new(self.namespace(), self.local.index, self.key, self.id())
    }

    /// Sends an event to this client. A tuple is several arguments, `()` none, anything else one.
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.local.emit(self.key, event, &args)
    }

    /// Sends an event that the client is to acknowledge within `timeout`.
    pub fn emit_with_ack<A: IntoArgs>(&self, event: &str, args: A, timeout: Duration) -> Reply {
        let (sender, reply) = Reply::channel();
        let mut payload = Payload::default();
        match payload.event(event, &args) {
            Ok(()) => self.local.emit_with_ack(self.key, &payload, timeout, sender),
            Err(error) => sender.send_failure(Sent::from(error)),
        }
        reply
    }

    /// Enters a room. Returns whether it was outside before.
    pub fn join(&self, room: impl AsRef<str>) -> bool {
        self.local.core.borrow_mut().hub.join(self.key, room.as_ref())
    }

    /// Leaves a room. Returns whether it was inside. Nobody leaves the room of their own id.
    pub fn leave(&self, room: impl AsRef<str>) -> bool {
        self.local.core.borrow_mut().hub.leave(self.key, room.as_ref())
    }

    /// The rooms it is in, that of its own id first.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        self.local.core.borrow().hub.rooms_of(self.key)
    }

    /// Everybody in a room but this socket.
    pub fn to(&self, room: impl Into<Arc<str>>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// Everybody in the namespace but those in a room and this socket.
    pub fn except(&self, room: impl Into<Arc<str>>) -> Broadcast {
        self.broadcast().except(room)
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.namespace()).except(self.id())
    }

    /// Disconnects the socket from its namespace; with `close`, the client from all of them, and its connection.
    ///
    /// The disconnect handlers run before this returns.
    pub fn disconnect(&self, close: bool) {
        self.local.disconnect(self.key, close);
    }

    /// Runs a closure once, after some time, unless the socket is gone by then.
    pub fn after(&self, delay: Duration, run: impl FnOnce(&Self) + 'static) -> Timer {
        let view = self.view();
        self.timer(delay, Work::Once(Box::new(move |local| run(&view(local)))))
    }

    /// Runs a closure again and again, until the socket is gone or the timer [cancelled](Timer::cancel).
    ///
    /// The beat does not drift: a run that comes late does not delay those after it. A period of zero counts as 1 ms.
    pub fn every(&self, period: Duration, run: impl Fn(&Self) + 'static) -> Timer {
        let period = period.max(Duration::from_millis(1));
        let view = self.view();
        self.timer(period, Work::Every(period, Rc::new(move |local| run(&view(local)))))
    }

    fn timer(&self, delay: Duration, work: Work) -> Timer {
        Timer::set(&self.local, Owner::Socket(self.key), delay, work)
    }

    /// Makes this socket again, for those who come back to it later.
    fn view(&self) -> impl Fn(&Rc<Local>) -> Self + 'static {
        let (key, namespace, session) = (self.key, self.namespace, self.session);
        move |local| Self::new(local.clone(), key, namespace, session)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.id()).finish_non_exhaustive()
    }
}
