//! The hub: what it is told, what it says, what it is asked.

mod acks;
mod connecting;
mod inbound;
mod recovering;

use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use siomio_packet::{Limits, Parser, Revision};

use self::acks::Gathered;
use crate::{
    Arena, Awaiter, Client, ClientKey, NamespaceId, Recovery, RequestId, Rooms, Selector,
    SharedRooms, Socket, SocketKey,
    deadlines::{Deadlines, Waiting},
    namespace::Namespaces,
    recovery::{Log, Marks, Sessions},
    requests::Requests,
    socket::Phase,
};

/// The settings of a hub.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Time a connection has to join its first namespace. Default 45 s.
    pub connect_timeout: Duration,
    /// Limits on packets from clients.
    pub packets: Limits,
    /// What reads packets. Default: `None`, for Socket.IO's own JSON.
    pub parser: Option<Arc<dyn Parser>>,
    /// Most namespaces that one connection may have to do with. Default 1 000.
    pub max_namespaces: usize,
    /// What is kept for clients whose connection is lost. Default: nothing.
    pub recovery: Option<Recovery>,
    /// The number of this hub among those that work together. Default 0.
    pub origin: u16,
}

/// Namespaces, sockets, rooms and acknowledgements of one shard.
#[derive(Debug)]
pub struct Hub {
    config: Config,
    namespaces: Namespaces,
    clients: Arena<Client>,
    sockets: Arena<Socket>,
    rooms: SharedRooms,
    deadlines: Deadlines,
    requests: Requests,
    /// Broadcasts that sockets of this hub have yet to acknowledge. One request may ask several namespaces, so their
    /// bits are part of its name.
    gatherings: BTreeMap<(RequestId, u64), Gathered>,
    recovery: Option<Box<Recovering>>,
    /// Clients that have left a namespace with what is worked off just now.
    leaving: Vec<ClientKey>,
}

/// What is kept for clients that come back.
#[derive(Debug)]
struct Recovering {
    log: Log,
    sessions: Sessions,
    /// Sockets whose session came from a hub that had seen more than this one.
    catching_up: Vec<(SocketKey, Marks)>,
}

/// What a socket leaves behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Departure {
    /// Acknowledgements that will not come any more.
    pub acks: Vec<Awaiter>,
    /// The private id of its session, if that is kept. With it belongs what the caller keeps with the socket, until it is
    /// [given up](Hub::give_up) or [due](crate::Due::Session).
    pub kept: Option<Arc<str>>,
}

impl Hub {
    /// A hub without namespaces and connections. `seed` keeps clients from choosing names that collide.
    pub fn new(config: Config, rooms: SharedRooms, seed: u64) -> Self {
        let recovery = config.recovery.as_ref().map(|recovery| {
            let log = Log::new(recovery.clone(), config.origin);
            let sessions = Sessions::new(recovery.clone(), seed);
            Box::new(Recovering { log, sessions, catching_up: Vec::new() })
        });
        Self {
            config,
            namespaces: Namespaces::new(seed),
            clients: Arena::new(),
            sockets: Arena::new(),
            rooms,
            deadlines: Deadlines::default(),
            requests: Requests::default(),
            gatherings: BTreeMap::new(),
            recovery,
            leaving: Vec::new(),
        }
    }

    /// Makes a namespace, or finds it. The first one has the id 0.
    pub fn declare(&mut self, name: &str) -> NamespaceId {
        let found = self.namespaces.find(name);
        found.unwrap_or_else(|| {
            let namespace = self.namespaces.vacant();
            self.declare_as(namespace, name);
            namespace
        })
    }

    /// Makes a namespace under an id that somebody else has chosen: hubs that work together call it the same. It takes the
    /// place of one whose id has the same [index](crate::Key::index).
    pub fn declare_as(&mut self, namespace: NamespaceId, name: &str) {
        if self.name(namespace).is_none() {
            self.namespaces.insert(namespace, name);
            self.rooms().declare(namespace);
        }
    }

    /// Forgets a namespace without sockets.
    pub fn forget(&mut self, namespace: NamespaceId) {
        if self.namespaces.remove(namespace) {
            self.rooms().forget(namespace);
        }
    }

    /// The namespace of this name.
    pub fn find(&self, name: &str) -> Option<NamespaceId> {
        self.namespaces.find(name)
    }

    /// A connection has opened; `tag` is what the caller calls it, and what [`select`](Self::select) gives.
    ///
    /// A client of revision 4 joins the main namespace without asking: go on with [`begin_connect`](Self::begin_connect).
    pub fn open_client(&mut self, now: Instant, tag: u64, revision: Revision) -> ClientKey {
        let client = self.clients.insert(Client::new(tag, revision));
        let deadline =
            self.deadlines.set(now + self.config.connect_timeout, Waiting::Connect { client });
        if let Some(client) = self.clients.get_mut(client) {
            client.connect_deadline = Some(deadline);
        }
        client
    }

    /// A connection is over. Disconnect its [`sockets`](Self::sockets) before.
    pub fn close_client(&mut self, client: ClientKey) {
        if let Some(state) = self.clients.remove(client) {
            if let Some(deadline) = state.connect_deadline {
                self.deadlines.clear(deadline);
            }
        }
    }

    /// Puts a socket into a room. Returns whether it was not in it before.
    pub fn join(&mut self, socket: SocketKey, room: &str) -> bool {
        let joins = self.is_alive(socket) && self.rooms().join(socket, room);
        if joins {
            self.note_stay(socket, |stays, log| stays.begin(room, log.place()));
        }
        joins
    }

    /// Takes a socket out of a room. Returns whether it was in it. Nobody can leave the room of their own id.
    pub fn leave(&mut self, socket: SocketKey, room: &str) -> bool {
        let leaves = self.rooms().leave(socket, room);
        if leaves {
            self.note_stay(socket, |stays, log| stays.end(room, log.place(), log.begins()));
        }
        leaves
    }

    /// The rooms that a socket is in, its own first.
    pub fn rooms_of(&self, socket: SocketKey) -> Vec<Arc<str>> {
        self.rooms().rooms_of(socket)
    }

    /// Whether a socket is in a room.
    pub fn is_in(&self, socket: SocketKey, room: &str) -> bool {
        self.rooms().is_in(socket, room)
    }

    /// Appends the tags of the clients that a broadcast goes to, each once.
    pub fn select(&self, namespace: NamespaceId, to: &Selector, recipients: &mut Vec<u64>) {
        self.rooms().select(namespace, to, recipients, |_, tag| tag);
    }

    /// Appends the sockets that a selector means, each once.
    pub fn select_sockets(
        &self,
        namespace: NamespaceId,
        to: &Selector,
        recipients: &mut Vec<SocketKey>,
    ) {
        self.rooms().select(namespace, to, recipients, |socket, _| socket);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// The sockets of a connection, in the order they were connected.
    pub fn sockets(&self, client: ClientKey) -> Vec<SocketKey> {
        self.clients.get(client).map(|state| state.sockets().collect()).unwrap_or_default()
    }

    /// The public id of a socket.
    pub fn id(&self, socket: SocketKey) -> Option<&Arc<str>> {
        self.sockets.get(socket).map(|state| &state.id)
    }

    /// The namespace that a socket is in.
    pub fn namespace_of(&self, socket: SocketKey) -> Option<NamespaceId> {
        self.sockets.get(socket).map(|state| state.namespace)
    }

    /// The name of a namespace.
    pub fn name(&self, namespace: NamespaceId) -> Option<&Arc<str>> {
        self.namespaces.get(namespace).map(|namespace| &namespace.name)
    }

    /// The name of the namespace that a socket is in.
    ///
    /// ```
    /// # use std::time::Instant;
    /// use siomio_hub::{Config, Hub, Revision, Rooms};
    ///
    /// # #[allow(clippy::disallowed_methods)]
    /// # let now = Instant::now();
    /// let mut hub = Hub::new(Config::default(), Rooms::shared(7), 7);
    /// let chat = hub.declare("/chat");
    /// let client = hub.open_client(now, 1, Revision::V5);
    /// let socket = hub.begin_connect(client, chat, "kM2n4Yq0aXb8RrT1AAAB".into()).unwrap();
    /// assert_eq!(hub.name_of(socket).map(|name| &**name), Some("/chat"));
    /// ```
    pub fn name_of(&self, socket: SocketKey) -> Option<&Arc<str>> {
        self.namespace_of(socket).and_then(|namespace| self.name(namespace))
    }

    /// The tag of a socket's connection.
    pub fn tag_of(&self, socket: SocketKey) -> Option<u64> {
        let client = self.sockets.get(socket)?.client;
        self.clients.get(client).map(|client| client.tag)
    }

    /// Whether events reach the socket: not while it connects, and not any more once it is being disconnected.
    pub fn is_connected(&self, socket: SocketKey) -> bool {
        self.sockets.get(socket).is_some_and(|state| state.phase == Phase::Connected)
    }

    /// Whether the socket is being connected, and nobody has decided yet.
    pub fn is_connecting(&self, socket: SocketKey) -> bool {
        self.sockets.get(socket).is_some_and(|state| state.phase == Phase::Connecting)
    }

    /// How many connections and sockets there are.
    pub fn len(&self) -> (usize, usize) {
        (self.clients.len(), self.sockets.len())
    }

    fn is_alive(&self, socket: SocketKey) -> bool {
        self.sockets.get(socket).is_some_and(|state| state.phase != Phase::Leaving)
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        // Nothing that runs under the lock panics halfway; if it did, the index would still be of use.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(45_000),
            packets: Limits::default(),
            parser: None,
            max_namespaces: 1_000,
            recovery: None,
            origin: 0,
        }
    }
}

#[cfg(test)]
mod tests;
