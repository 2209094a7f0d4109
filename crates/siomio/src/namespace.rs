//! A namespace: what happens in it, and who is in it.

pub(crate) mod cell;
mod directory;
pub(crate) mod parent;
mod pattern;
mod population;
pub(crate) mod registering;
pub(crate) mod table;

use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use siomio_hub::{NamespaceId, Rooms};
use siomio_packet::{Args, IntoArgs};

use self::cell::{Kind, NamespaceCell};
pub use self::parent::{NamespaceDecision, NamespaceRequest};
pub(crate) use self::{directory::Namespaces, parent::Rule, pattern::Pattern};
use crate::{
    Broadcast, RemoteSocket, Replies, RoomNames, Sent, SocketId, mailbox::Mail, shard::Local,
    shared::Shared,
};

/// A namespace of a server: handlers are registered here, once for all of its sockets, and broadcasts start here.
///
/// It is a handle: cheap to clone, usable from any thread, also before the server runs. One that is a
/// [parent](crate::Io::of_pattern) stands for all namespaces it has made: what is sent to it is sent to all of them.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::Socket;
///
/// let chat = server.of("/chat");
/// chat.on_connect(|socket| { socket.join("lobby"); });
/// chat.on("message", |socket: &Socket, text: String| {
///     socket.to("lobby").emit("message", (socket.id(), text));
/// });
/// std::thread::spawn(move || chat.emit("news", "from another thread"));
/// ```
#[derive(Clone)]
pub struct Namespace {
    shared: Arc<Shared>,
    cell: Arc<NamespaceCell>,
}

impl Namespace {
    pub(crate) const fn new(shared: Arc<Shared>, cell: Arc<NamespaceCell>) -> Self {
        Self { shared, cell }
    }

    /// Its name, `/` for the main one.
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// What stands in its name where the pattern of its [parent](crate::Io::of_pattern) has a gap.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.of_pattern("/game-{id}").on_connect(|socket| {
    ///     let namespace = socket.namespace();
    ///     println!("somebody plays {:?}", namespace.param("id"));
    /// });
    /// ```
    pub fn param(&self, gap: &str) -> Option<&str> {
        match &self.cell.parent()?.kind {
            Kind::Parent { rule: Rule::Pattern(pattern), .. } => {
                pattern.param(&self.cell.name, gap)
            }
            _ => None,
        }
    }

    /// The namespaces that it has made and that exist, if it is a parent.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// let games = server.of_pattern("/game-{id}");
    /// server.of("/game-1");
    /// assert_eq!(games.children().len(), 1);
    /// ```
    pub fn children(&self) -> Vec<Self> {
        match self.cell.kind {
            Kind::Parent { .. } => self.members().collect(),
            Kind::Static | Kind::Child { .. } => Vec::new(),
        }
    }

    /// Sends an event to everybody in the namespace. A tuple is several arguments, `()` none, anything else one.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.emit("news", "one argument");
    /// server.of("/chat").emit("news", ("two", "arguments"));
    /// ```
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.everyone().emit(event, args)
    }

    /// Sends the event `message`.
    pub fn send<A: IntoArgs>(&self, args: A) -> Sent {
        self.emit("message", args)
    }

    /// Sends an event that everybody in the namespace is to acknowledge within `timeout`.
    ///
    /// See [`Broadcast::emit_with_ack`].
    pub fn emit_with_ack<A: IntoArgs>(
        &self,
        event: &str,
        args: A,
        timeout: Duration,
    ) -> Replies<Args> {
        self.everyone().emit_with_ack(event, args, timeout)
    }

    /// Everybody in a room, or in several. Everybody's id is a room.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.to("lobby").emit("news", "hello");
    /// server.to(["lobby", "hall"]).except("muted").emit("news", "hello");
    /// ```
    pub fn to(&self, rooms: impl RoomNames) -> Broadcast {
        self.everyone().to(rooms)
    }

    /// The same as [`to`](Self::to), where it reads better.
    pub fn within(&self, rooms: impl RoomNames) -> Broadcast {
        self.to(rooms)
    }

    /// Everybody but those in a room, or in any of several.
    pub fn except(&self, rooms: impl RoomNames) -> Broadcast {
        self.everyone().except(rooms)
    }

    /// Everybody in the namespace.
    ///
    /// [`emit`](Self::emit) and the like are short for the same on this; it is of use where a [`Broadcast`] is to be kept or passed on.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// let watchers = server.of("/admin").everyone();
    /// for step in 1..=3 {
    ///     watchers.emit("progress", step);
    /// }
    /// ```
    pub fn everyone(&self) -> Broadcast {
        Broadcast::new(self.clone())
    }

    /// Everybody who is connected to this server, where it is one of several.
    pub fn local(&self) -> Broadcast {
        self.everyone().local()
    }

    /// Everybody who can take an event at once.
    pub fn volatile(&self) -> Broadcast {
        self.everyone().volatile()
    }

    /// Everybody, with events compressed or not where compression was negotiated.
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.everyone().compress(compress)
    }

    /// Puts everybody into rooms.
    ///
    /// Like a broadcast it is on its way when this returns: on other shards it happens a moment later.
    pub fn sockets_join(&self, rooms: impl RoomNames) {
        self.everyone().sockets_join(rooms);
    }

    /// Takes everybody out of rooms.
    pub fn sockets_leave(&self, rooms: impl RoomNames) {
        self.everyone().sockets_leave(rooms);
    }

    /// Disconnects everybody; with `close`, their connections too.
    pub fn disconnect_sockets(&self, close: bool) {
        self.everyone().disconnect_sockets(close);
    }

    /// Asks who is there, on all servers.
    ///
    /// What is to be told is in [`RemoteSocket`]; see [`Broadcast::fetch_sockets`]. It waits no longer than
    /// [`answer_timeout`](crate::ServerBuilder::answer_timeout).
    pub fn fetch_sockets(&self) -> Replies<RemoteSocket> {
        self.everyone().fetch_sockets()
    }

    /// Sends an event to the other servers of a cluster, where [`on_server_side`](Self::on_server_side) handles it.
    ///
    /// Not to this one; and without an [adapter](crate::Adapter), to nobody. `connect`, `connection` and `new_namespace` cannot be sent:
    /// they are [`Sent::Dropped`].
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Namespace;
    ///
    /// server.on_server_side("reload", |_: &Namespace, what: String| println!("reload {what}"));
    /// server.server_side_emit("reload", "words");
    /// ```
    pub fn server_side_emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        crate::cluster::server_side_emit(self, event, &args)
    }

    /// Sends an event to the other servers of a cluster, which each are to answer within `timeout`.
    ///
    /// Those that have no handler for it do not answer, and are missing then. Alone, there is nobody to ask, and the answer is an empty
    /// list at once.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use std::time::Duration;
    ///
    /// server.server_side_emit_with_ack("load?", (), Duration::from_secs(2)).on_reply(|answers| match answers {
    ///     Ok(answers) => println!("{} others have answered", answers.len()),
    ///     Err(incomplete) => println!("{} have not", incomplete.missing),
    /// });
    /// ```
    pub fn server_side_emit_with_ack<A: IntoArgs>(
        &self,
        event: &str,
        args: A,
        timeout: Duration,
    ) -> Replies<Args> {
        crate::cluster::server_side_emit_with_ack(self, event, &args, timeout)
    }

    /// The ids of the sockets that are connected to this server, in no particular order. Reads all shards.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// for id in server.sockets() {
    ///     server.to(id).emit("you are", "one of them");
    /// }
    /// ```
    pub fn sockets(&self) -> Vec<SocketId> {
        self.collect(Rooms::ids).into_iter().map(SocketId::from).collect()
    }

    /// The ids of the sockets in a room of this server, in no particular order. Reads all shards.
    pub fn sockets_in(&self, room: &str) -> Vec<SocketId> {
        let ids = self.collect(|rooms, namespace| rooms.ids_in(namespace, room));
        ids.into_iter().map(SocketId::from).collect()
    }

    /// The rooms that somebody on this server is in, in alphabetical order, less those of the sockets' own ids. Reads all shards.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// for room in server.rooms() {
    ///     println!("{} in {room}", server.sockets_in(&room).len());
    /// }
    /// ```
    pub fn rooms(&self) -> Vec<Arc<str>> {
        let mut rooms = self.collect(Rooms::names);
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }

    /// How many sockets are connected to this server. Reads all shards.
    pub fn socket_count(&self) -> usize {
        self.read(Rooms::count).into_iter().sum()
    }

    fn collect(&self, read: impl Fn(&Rooms, NamespaceId) -> Vec<Arc<str>>) -> Vec<Arc<str>> {
        self.read(read).into_iter().flatten().collect()
    }

    fn read<T>(&self, read: impl Fn(&Rooms, NamespaceId) -> T) -> Vec<T> {
        let cells = self.cell.members();
        let per_shard = self.shared.all_rooms().flat_map(|rooms| {
            let rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
            cells.iter().map(|cell| read(&rooms, cell.id)).collect::<Vec<_>>()
        });
        per_shard.collect()
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn id(&self) -> NamespaceId {
        self.cell.id
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        // The cell lives at least as long as its handle.
        &self.cell.name
    }

    pub(crate) const fn cell(&self) -> &Arc<NamespaceCell> {
        &self.cell
    }

    /// It is new: tells those who want to know, and then lets the clients in that have asked for it meanwhile.
    pub(crate) fn announce(&self) {
        let parent = self.cell.parent();
        let tables = [Some(self.shared.namespaces.main().clone()), parent];
        for table in tables.iter().flatten().map(|cell| cell.table()) {
            for hook in &table.created {
                // Whatever it does, the clients must be let in.
                Local::shield("on_new_namespace", || hook(self));
            }
        }
        for (shard, lookup) in self.cell.announced() {
            self.shared.send(shard, Mail::Lookup { lookup, allowed: true });
        }
    }

    /// Itself, or if it is a parent all it has made.
    pub(crate) fn members(&self) -> impl Iterator<Item = Self> + use<> {
        let shared = self.shared.clone();
        self.cell.members().into_iter().map(move |cell| Self::new(shared.clone(), cell))
    }
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cell, &other.cell)
    }
}

impl Eq for Namespace {}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.cell.name).finish()
    }
}
