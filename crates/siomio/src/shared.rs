//! What the shards and handles of a server have in common.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use siomio_engine::Sid;
use siomio_hub::{RequestId, Rooms, SharedRooms};

use crate::{
    Adapter, Namespace, Node,
    addresses::Addresses,
    blocking::Pool,
    config::Config,
    mailbox::{Mail, Mailbox},
    metrics::{Counts, Metrics, ShardMetrics},
    namespace::{Namespaces, cell::NamespaceCell},
    registry::Registry,
    shard::Local,
};

/// One server: its settings, what the application registered, and the ways to its shards.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) registry: Registry,
    pub(crate) namespaces: Namespaces,
    /// Where handlers run that may block.
    pub(crate) pool: Pool,
    cluster: Option<Cluster>,
    /// The last packet that can be asked for again among those made by threads that are no shard's.
    outside: Mutex<u64>,
    requests: AtomicU64,
    /// Sessions that can be recovered and are not on the shard that their private id names.
    moved: Mutex<HashMap<Arc<str>, u8>>,
    shards: Box<[Post]>,
    pub(crate) addresses: Arc<Addresses>,
    /// The shards that own the sessions, where ids are the application's own and do not tell.
    owners: Option<Mutex<HashMap<Box<str>, u8>>>,
    /// Where connections are accepted, if that is a thread of its own: it gets no mail, but has to be woken.
    pub(crate) door: Mailbox,
    accepted: AtomicU64,
    accept_errors: AtomicU64,
    /// Hash seed of the server, so that clients cannot choose names that collide.
    pub(crate) seed: u64,
    /// The server runs, or has run.
    started: AtomicBool,
    stopping: AtomicBool,
}

/// What is known of a shard from outside.
#[derive(Debug)]
struct Post {
    mailbox: Mailbox,
    rooms: SharedRooms,
    /// Connections, those on their way to it included.
    load: AtomicUsize,
    /// Sessions that are open.
    open_sessions: AtomicUsize,
    /// Sessions, as of its last turn while the server goes down.
    sessions: AtomicUsize,
    counts: Arc<Counts>,
    /// Bytes that were read of its connections before it had them.
    read_before: AtomicU64,
}

/// The adapter, if the server is one of several.
struct Cluster(Arc<dyn Adapter>);

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster")
    }
}

/// Longest id that the application may make, in bytes.
const MAX_ID: usize = 255;

impl Shared {
    pub(crate) fn new(config: Config, seed: u64, adapter: Option<Arc<dyn Adapter>>) -> Arc<Self> {
        let shard = || Post {
            mailbox: Mailbox::default(),
            rooms: Rooms::shared(seed),
            load: AtomicUsize::new(0),
            open_sessions: AtomicUsize::new(0),
            sessions: AtomicUsize::new(usize::MAX),
            counts: Arc::default(),
            read_before: AtomicU64::new(0),
        };
        let shards = std::iter::repeat_with(shard).take(config.shards.into()).collect();
        let (started, stopping) = (AtomicBool::new(false), AtomicBool::new(false));
        let owners = config.generate_id.is_some().then(Mutex::default);
        let addresses = Addresses::new(config.addresses.clone(), seed);
        let shared = Arc::new(Self {
            pool: Pool::new(config.blocking_threads),
            config,
            addresses,
            owners,
            registry: Registry::new(),
            namespaces: Namespaces::new(),
            cluster: adapter.clone().map(Cluster),
            outside: Mutex::new(0),
            requests: AtomicU64::new(0),
            moved: Mutex::default(),
            shards,
            door: Mailbox::default(),
            accepted: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
            seed,
            started,
            stopping,
        });
        if let Some(adapter) = adapter {
            adapter.attach(Node::new(&shared));
        }
        shared
    }

    /// The main namespace.
    pub(crate) fn main_namespace(self: &Arc<Self>) -> Namespace {
        Namespace::new(self.clone(), self.namespaces.main().clone())
    }

    /// A namespace, made when it is first asked for.
    pub(crate) fn namespace(self: &Arc<Self>, name: &str) -> Namespace {
        let (cell, is_new) = self.namespaces.find_or_make(name);
        let namespace = Namespace::new(self.clone(), cell);
        if is_new {
            namespace.announce();
        }
        namespace
    }

    /// A socket has left its namespace. If nobody is left and it was made by a parent, it may go, and has to where too many such
    /// are there already: clients choose their names.
    pub(crate) fn left_namespace(self: &Arc<Self>, cell: &Arc<NamespaceCell>) {
        let was_last = cell.population.exit();
        let (cleans_up, most) =
            (self.config.cleanup_empty_child_namespaces, self.config.max_empty_child_namespaces);
        let goes = cell.is_child() && (cleans_up || self.namespaces.has_more_vacant(most));
        if was_last && goes && self.namespaces.remove(cell) {
            self.send_to_all(|| Mail::Forget(cell.id));
        }
    }

    /// What connects the server to others.
    pub(crate) fn adapter(&self) -> Option<Arc<dyn Adapter>> {
        self.cluster.as_ref().map(|cluster| cluster.0.clone())
    }

    /// Names a request, which the shard `home` collects the answers to.
    pub(crate) fn new_request(&self, home: u8) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) & (u64::MAX >> 8);
        RequestId(u64::from(home) << 56 | number)
    }

    /// The number of the last packet that can be asked for again, of those that threads outside of all shards have made. While
    /// it is held, none overtakes another.
    pub(crate) fn outside(&self) -> MutexGuard<'_, u64> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shard on which a session can be recovered, as far as its private id tells, or as it was told.
    pub(crate) fn holder_of(&self, pid: &str) -> Option<u8> {
        let moved = self.moved().get(pid).copied();
        moved.or_else(|| Sid::parse(pid)?.shard()).filter(|shard| *shard < self.shards())
    }

    /// A session is on this shard now, whatever its private id says.
    pub(crate) fn session_moved(&self, pid: &Arc<str>, shard: u8) {
        self.moved().insert(pid.clone(), shard);
    }

    /// A session is not to be found any more.
    pub(crate) fn session_ended(&self, pid: &str, shard: u8) {
        let mut moved = self.moved();
        if moved.get(pid) == Some(&shard) {
            moved.remove(pid);
        }
    }

    /// How many sessions are not where their private ids say.
    pub(crate) fn moved_sessions(&self) -> usize {
        self.moved().len()
    }

    fn moved(&self) -> MutexGuard<'_, HashMap<Arc<str>, u8>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shards(&self) -> u8 {
        // Never more than the configured number, which is a `u8`.
        self.shards.len() as u8
    }

    pub(crate) fn mailbox(&self, shard: u8) -> &Mailbox {
        &self.shards[usize::from(shard)].mailbox
    }

    pub(crate) fn rooms(&self, shard: u8) -> &SharedRooms {
        &self.shards[usize::from(shard)].rooms
    }

    pub(crate) fn all_rooms(&self) -> impl Iterator<Item = &SharedRooms> {
        self.shards.iter().map(|shard| &shard.rooms)
    }

    /// What a shard counts; to be written on its own thread only.
    pub(crate) fn counts(&self, shard: u8) -> &Arc<Counts> {
        &self.shards[usize::from(shard)].counts
    }

    /// A connection was accepted, or could not be.
    pub(crate) fn count_accept(&self, is_success: bool) {
        let count = if is_success { &self.accepted } else { &self.accept_errors };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes of a connection were read before its shard had it.
    pub(crate) fn count_read(&self, shard: u8, bytes: usize) {
        let count = &self.shards[usize::from(shard)].read_before;
        count.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// All numbers there are.
    pub(crate) fn metrics(&self) -> Metrics {
        let read = |post: &Post| {
            let mailbox_depth = post.mailbox.load() as u64;
            let mut metrics = ShardMetrics { mailbox_depth, ..post.counts.read() };
            metrics.bytes_received += post.read_before.load(Ordering::Relaxed);
            metrics
        };
        let (shards, mut total): (Vec<_>, _) =
            (self.shards.iter().map(read).collect(), ShardMetrics::default());
        shards.iter().for_each(|shard| total.add(shard));
        let jobs = self.pool.jobs();
        Metrics {
            total,
            shards,
            connections_accepted: self.accepted.load(Ordering::Relaxed),
            accept_errors: self.accept_errors.load(Ordering::Relaxed),
            connections_refused: self.addresses.refused(),
            handshakes_held_off: self.addresses.held_off(),
            namespaces: self.namespaces.count() as u64,
            blocking_running: jobs.running as u64,
            blocking_waiting: jobs.waiting as u64,
            blocking_started: jobs.started,
        }
    }

    /// The shard with the fewest connections.
    pub(crate) fn least_loaded(&self) -> u8 {
        let load = |shard: &u8| self.shards[usize::from(*shard)].load.load(Ordering::Relaxed);
        (0..self.shards()).min_by_key(load).unwrap_or(0)
    }

    /// A connection was given to a shard.
    pub(crate) fn arrived(&self, shard: u8) {
        self.shards[usize::from(shard)].load.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection left a shard.
    pub(crate) fn left(&self, shard: u8) {
        self.shards[usize::from(shard)].load.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        self.shards.iter().map(|shard| shard.load.load(Ordering::Relaxed)).sum()
    }

    /// A session was opened.
    pub(crate) fn session_opened(&self, shard: u8) {
        self.shards[usize::from(shard)].open_sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// A session was closed: its id is free again.
    pub(crate) fn session_closed(&self, shard: u8, sid: &Sid) {
        self.shards[usize::from(shard)].open_sessions.fetch_sub(1, Ordering::Relaxed);
        self.release_id(sid);
    }

    /// How many sessions are open.
    pub(crate) fn sessions(&self) -> usize {
        self.shards.iter().map(|shard| shard.open_sessions.load(Ordering::Relaxed)).sum()
    }

    /// Reserves an id that the application has made.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub(crate) fn claim_id(&self, id: &str, shard: u8) -> Result<(), String> {
        if id.is_empty() || id.len() > MAX_ID {
            return Err(format!("an id has 1 to {MAX_ID} bytes, and this one {}", id.len()));
        }
        let Some(owners) = &self.owners else { return Ok(()) };
        match owners.lock().unwrap_or_else(PoisonError::into_inner).entry(id.into()) {
            Entry::Occupied(_) => Err("the id is taken".to_owned()),
            Entry::Vacant(place) => {
                place.insert(shard);
                Ok(())
            }
        }
    }

    /// Gives up an id that was reserved.
    pub(crate) fn release_id(&self, sid: &Sid) {
        if let Some(owners) = &self.owners {
            owners.lock().unwrap_or_else(PoisonError::into_inner).remove(sid.as_str());
        }
    }

    /// The shard that owns a session, as far as its id tells.
    pub(crate) fn owner_of(&self, sid: &str) -> Option<u8> {
        match &self.owners {
            Some(owners) => owners.lock().unwrap_or_else(PoisonError::into_inner).get(sid).copied(),
            None => Sid::parse(sid)?.shard().filter(|shard| *shard < self.shards()),
        }
    }

    /// While the server goes down, a shard tells how many sessions it has left. When it is the last without any, the others
    /// learn that no connection is needed any more.
    pub(crate) fn sessions_left(&self, shard: u8, count: usize) {
        let before = self.shards[usize::from(shard)].sessions.swap(count, Ordering::SeqCst);
        if before != count && !self.has_sessions() {
            self.shards.iter().for_each(|shard| shard.mailbox.wake());
        }
    }

    /// Whether any shard has, or may have, a session left.
    pub(crate) fn has_sessions(&self) -> bool {
        self.shards.iter().any(|shard| shard.sessions.load(Ordering::SeqCst) > 0)
    }

    /// Sends something to one shard, from whatever thread this is: at once on the shard's own, in its batch on
    /// another's, by its mailbox elsewhere. So what one thread sends keeps its order.
    pub(crate) fn send(self: &Arc<Self>, shard: u8, mail: Mail) {
        match Local::current(self) {
            Some(local) => local.send(shard, mail),
            None => self.mailbox(shard).post_one(mail),
        }
    }

    /// Sends to every shard what `make` makes.
    pub(crate) fn send_to_all(self: &Arc<Self>, make: impl Fn() -> Mail) {
        for shard in 0..self.shards() {
            self.send(shard, make());
        }
    }

    /// Claims the right to run the server; `false` when somebody did before.
    pub(crate) fn start(&self) -> bool {
        !self.started.swap(true, Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
