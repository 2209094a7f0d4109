//! The entry points.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use foldhash::quality::FixedState;
use siomio_packet::{Kind, Limits, Packet, Revision};

use crate::{
    AckToken, Arena, Client, ClientKey, Due, Received, Rooms, Selector, SharedRooms, Socket,
    SocketKey, Violation,
    acks::Awaited,
    client::Membership,
    deadlines::{Deadlines, Waiting},
    socket::Phase,
};

/// Names a namespace: the place in the order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceId(u32);

/// The settings of a hub.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Time a connection has to join its first namespace. Default 45 s.
    pub connect_timeout: Duration,
    /// Limits on packets from clients.
    pub packets: Limits,
}

/// Namespaces, sockets, rooms and acknowledgements of one shard.
#[derive(Debug)]
pub struct Hub {
    config: Config,
    names: HashMap<Arc<str>, NamespaceId, FixedState>,
    namespaces: Vec<Namespace>,
    clients: Arena<Client>,
    sockets: Arena<Socket>,
    rooms: SharedRooms,
    deadlines: Deadlines,
    /// Clients that have left a namespace with what is worked off just now.
    leaving: Vec<ClientKey>,
}

#[derive(Debug)]
struct Namespace {
    name: Arc<str>,
    /// Acknowledgements are numbered per namespace, so that a broadcast has one number for all.
    next_ack: u64,
}

/// What a socket leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Departure {
    /// Acknowledgements that will not come any more.
    pub acks: Vec<AckToken>,
}

impl Hub {
    /// A hub without namespaces and connections. `seed` keeps clients from choosing names that collide.
    pub fn new(config: Config, rooms: SharedRooms, seed: u64) -> Self {
        Self {
            config,
            names: HashMap::with_hasher(FixedState::with_seed(seed)),
            namespaces: Vec::new(),
            clients: Arena::new(),
            sockets: Arena::new(),
            rooms,
            deadlines: Deadlines::default(),
            leaving: Vec::new(),
        }
    }

    /// Makes a namespace, or finds it. Hubs that are to work together must declare in the same order.
    pub fn declare(&mut self, name: &str) -> NamespaceId {
        if let Some(namespace) = self.names.get(name) {
            return *namespace;
        }
        let namespace = NamespaceId::new(self.namespaces.len() as u32);
        let name: Arc<str> = name.into();
        self.names.insert(name.clone(), namespace);
        self.namespaces.push(Namespace { name, next_ack: 0 });
        self.rooms().declare(namespace);
        namespace
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

    /// A text message arrived.
    ///
    /// # Errors
    /// A [`Violation`]: the connection is to be closed.
    pub fn handle_text<'m>(
        &mut self,
        client: ClientKey,
        text: &'m str,
    ) -> Result<Received<'m>, Violation> {
        let Some(state) = self.clients.get_mut(client) else { return Ok(Received::Nothing) };
        match state.decoder.text(&self.config.packets, text)? {
            Some(packet) => self.handle_packet(client, packet),
            None => Ok(Received::Nothing),
        }
    }

    /// A binary message arrived: an attachment.
    ///
    /// # Errors
    /// A [`Violation`]: the connection is to be closed.
    pub fn handle_binary(
        &mut self,
        client: ClientKey,
        data: Cow<'_, [u8]>,
    ) -> Result<Received<'static>, Violation> {
        let Some(state) = self.clients.get_mut(client) else { return Ok(Received::Nothing) };
        match state.decoder.binary(&self.config.packets, data)? {
            Some(packet) => self.handle_packet(client, packet),
            None => Ok(Received::Nothing),
        }
    }

    /// Begins to connect a client to a namespace: the socket may join rooms, but nothing reaches it yet. Go on with
    /// [`accept`](Self::accept) or [`refuse`](Self::refuse). `None` when the client is gone.
    pub fn begin_connect(
        &mut self,
        client: ClientKey,
        namespace: NamespaceId,
        id: Arc<str>,
    ) -> Option<SocketKey> {
        let state = self.clients.get_mut(client)?;
        let phase = Phase::Connecting;
        let socket = self.sockets.insert(Socket {
            id: id.clone(),
            client,
            namespace,
            phase,
            acks: Default::default(),
        });
        state.set_membership(namespace, Some(Membership::Socket(socket)));
        let tag = state.tag;
        self.rooms().insert(socket, tag, namespace, id);
        Some(socket)
    }

    /// Completes the connecting of a socket. Returns `false` when it is gone.
    pub fn accept(&mut self, socket: SocketKey) -> bool {
        let Some(state) =
            self.sockets.get_mut(socket).filter(|state| state.phase == Phase::Connecting)
        else {
            return false;
        };
        state.phase = Phase::Connected;
        if let Some(deadline) =
            self.clients.get_mut(state.client).and_then(|client| client.connect_deadline.take())
        {
            self.deadlines.clear(deadline);
        }
        self.rooms().set_present(socket, true);
        true
    }

    /// Gives up the connecting of a socket, which leaves the rooms it has joined. Returns `false` when it is gone.
    pub fn refuse(&mut self, socket: SocketKey) -> bool {
        if self.sockets.get(socket).is_none_or(|state| state.phase != Phase::Connecting) {
            return false;
        }
        self.set_membership(socket, None);
        self.remove(socket);
        true
    }

    /// Begins to disconnect a socket: nothing reaches it any more and nothing of it is heard, but its rooms can still be
    /// read. Go on with [`remove`](Self::remove). Returns `false` when it is not connected.
    ///
    /// `by_client` says that the client asked for it: what it sends to the namespace after this
    /// [batch](Self::end_batch) is a violation, while after a disconnect by the server such packets may have crossed it and
    /// are ignored.
    pub fn begin_disconnect(&mut self, socket: SocketKey, by_client: bool) -> bool {
        let Some(state) =
            self.sockets.get_mut(socket).filter(|state| state.phase == Phase::Connected)
        else {
            return false;
        };
        state.phase = Phase::Leaving;
        let membership = if by_client { Membership::Leaving } else { Membership::Left };
        if by_client {
            self.leaving.push(state.client);
        }
        self.set_membership(socket, Some(membership));
        self.rooms().set_present(socket, false);
        true
    }

    /// What was received together, in one payload or one piece, is worked off.
    pub fn end_batch(&mut self) {
        while let Some(client) = self.leaving.pop() {
            if let Some(state) = self.clients.get_mut(client) {
                state.end_batch();
            }
        }
    }

    /// Removes a socket, with its rooms and what it is owed.
    pub fn remove(&mut self, socket: SocketKey) -> Option<Departure> {
        let mut state = self.sockets.remove(socket)?;
        self.rooms().remove(socket);
        let acks = state.acks.drain();
        let acks = acks
            .inspect(|awaited| self.deadlines.clear(awaited.deadline))
            .map(|awaited| awaited.token);
        Some(Departure { acks: acks.collect() })
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
        self.is_alive(socket) && self.rooms().join(socket, room)
    }

    /// Takes a socket out of a room. Returns whether it was in it. Nobody can leave the room of their own id.
    pub fn leave(&mut self, socket: SocketKey, room: &str) -> bool {
        self.rooms().leave(socket, room)
    }

    /// The rooms that a socket is in, its own first.
    pub fn rooms_of(&self, socket: SocketKey) -> Vec<Arc<str>> {
        self.rooms().rooms_of(socket)
    }

    /// Appends the tags of the clients that a broadcast goes to, each once.
    pub fn select(&self, to: &Selector, recipients: &mut Vec<u64>) {
        self.rooms().select(to, recipients, |_, tag| tag);
    }

    /// Appends the sockets that a selector means, each once.
    pub fn select_sockets(&self, to: &Selector, recipients: &mut Vec<SocketKey>) {
        self.rooms().select(to, recipients, |socket, _| socket);
    }

    /// Numbers an event that is to be acknowledged. `None` when the socket is not connected.
    pub fn expect_ack(
        &mut self,
        socket: SocketKey,
        token: AckToken,
        deadline: Instant,
    ) -> Option<u64> {
        let state = self.sockets.get_mut(socket).filter(|state| state.phase == Phase::Connected)?;
        let namespace = &mut self.namespaces[state.namespace.index()];
        let id = namespace.next_ack;
        namespace.next_ack += 1;
        let deadline = self.deadlines.set(deadline, Waiting::Ack { socket, id });
        state.acks.insert(id, Awaited { token, deadline });
        Some(id)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Time has passed: tells one thing that is over. Call it until it gives `None`.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        while let Some(waiting) = self.deadlines.pop(now) {
            match waiting {
                Waiting::Ack { socket, id } => {
                    if let Some(awaited) =
                        self.sockets.get_mut(socket).and_then(|state| state.acks.remove(id))
                    {
                        return Some(Due::Ack(awaited.token));
                    }
                }
                Waiting::Connect { client } => {
                    if let Some(state) = self.clients.get_mut(client) {
                        state.connect_deadline = None;
                        return Some(Due::Connect(state.tag));
                    }
                }
            }
        }
        None
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
        self.namespaces.get(namespace.index()).map(|namespace| &namespace.name)
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

    /// How many connections and sockets there are.
    pub fn len(&self) -> (usize, usize) {
        (self.clients.len(), self.sockets.len())
    }

    fn handle_packet<'m>(
        &mut self,
        client: ClientKey,
        mut packet: Packet<'m>,
    ) -> Result<Received<'m>, Violation> {
        let Some(state) = self.clients.get(client) else { return Ok(Received::Nothing) };
        if state.revision == Revision::V4 {
            packet.upgrade_v4();
        }
        let Some(&namespace) = self.names.get(&*packet.namespace) else {
            return match packet.kind {
                Kind::Connect => {
                    Ok(Received::UnknownNamespace { name: packet.namespace.into_owned() })
                }
                _ => Err(Violation::NotConnected),
            };
        };
        let membership = state.membership(namespace);
        let socket = match (packet.kind, membership) {
            (Kind::ConnectError, _) => return Err(Violation::UnexpectedKind),
            (Kind::Connect, None | Some(Membership::Left | Membership::Leaving)) => {
                return Ok(Received::Connect { namespace, auth: packet.data });
            }
            (Kind::Connect, Some(Membership::Socket(_))) => return Err(Violation::ConnectedTwice),
            (_, None) => return Err(Violation::NotConnected),
            (_, Some(Membership::Left | Membership::Leaving)) => return Ok(Received::Nothing),
            (_, Some(Membership::Socket(socket))) => socket,
        };
        let Some(state) = self.sockets.get_mut(socket) else { return Ok(Received::Nothing) };
        if state.phase == Phase::Connecting {
            // Not joined yet: the client does not know whether it may.
            return Err(Violation::NotConnected);
        }
        Ok(match packet.kind {
            Kind::Event => Received::Event { socket, id: packet.id, data: packet.data },
            Kind::Ack => match packet.id.and_then(|id| state.acks.remove(id)) {
                Some(awaited) => {
                    self.deadlines.clear(awaited.deadline);
                    Received::Ack { socket, token: awaited.token, data: packet.data }
                }
                None => Received::Nothing,
            },
            Kind::Disconnect => Received::Disconnect { socket },
            Kind::Connect | Kind::ConnectError => Received::Nothing,
        })
    }

    fn set_membership(&mut self, socket: SocketKey, membership: Option<Membership>) {
        let Some(state) = self.sockets.get(socket) else { return };
        if let Some(client) = self.clients.get_mut(state.client) {
            client.set_membership(state.namespace, membership);
        }
    }

    fn is_alive(&self, socket: SocketKey) -> bool {
        self.sockets.get(socket).is_some_and(|state| state.phase != Phase::Leaving)
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        // Nothing that runs under the lock panics halfway; if it did, the index would still be of use.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NamespaceId {
    /// The namespace that was declared after `index` others.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// How many were declared before.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_millis(45_000), packets: Limits::default() }
    }
}

#[cfg(test)]
mod tests;
