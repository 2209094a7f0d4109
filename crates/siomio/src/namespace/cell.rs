//! A namespace, as all of a server share it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use siomio_hub::NamespaceId;

use crate::{
    RoomEvent,
    namespace::{parent::Rule, table::NamespaceTable},
};

/// What there is of a namespace once for the whole server. Shards keep their own view of it.
#[derive(Debug)]
pub(crate) struct NamespaceCell {
    /// Nothing that sockets are in has the id of a parent.
    pub(crate) id: NamespaceId,
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    table: Mutex<Arc<NamespaceTable>>,
    /// Grows with every change of the table.
    version: AtomicU64,
    /// Sockets, those included that are being connected; [`CLOSED`] once it is gone.
    population: AtomicUsize,
    /// Somebody wants to know about rooms.
    watches_rooms: AtomicBool,
    /// Held while rooms change, if somebody wants to know: whether a room is new is seen by looking at all shards.
    pub(crate) census: Mutex<Census>,
    /// Clients that wait until whoever wants to know of new namespaces has been told of this one; nothing when that is done.
    unannounced: Mutex<Option<Vec<Waiting>>>,
}

/// What has happened to rooms and was not told yet, in the order in which it happened on all shards.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) events: VecDeque<RoomEvent>,
    /// Some shard is telling them, and will tell what comes meanwhile.
    pub(crate) is_telling: bool,
}

/// A client that waits for a namespace: its shard, and the number of its lookup there.
pub(crate) type Waiting = (u8, u64);

/// How a namespace came to be.
pub(crate) enum Kind {
    /// The application has named it.
    Static,
    /// A client has asked for it, or the application, and a parent made it.
    Child { parent: Weak<NamespaceCell> },
    /// It has no sockets of its own, but makes namespaces.
    Parent { rule: Rule, children: Mutex<Vec<Weak<NamespaceCell>>> },
}

const CLOSED: usize = usize::MAX;

impl NamespaceCell {
    pub(crate) fn new(
        id: NamespaceId,
        name: Arc<str>,
        kind: Kind,
        table: Arc<NamespaceTable>,
    ) -> Self {
        let watches_rooms = AtomicBool::new(!table.rooms.is_empty());
        Self {
            id,
            name,
            kind,
            table: Mutex::new(table),
            version: AtomicU64::new(0),
            population: AtomicUsize::new(0),
            watches_rooms,
            census: Mutex::default(),
            unannounced: Mutex::new(Some(Vec::new())),
        }
    }

    pub(crate) fn table(&self) -> Arc<NamespaceTable> {
        lock(&self.table).clone()
    }

    /// Changes what is registered. What the change replaces it should return: closures of the application are not dropped
    /// under the lock.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut NamespaceTable) -> R) -> R {
        let mut table = lock(&self.table);
        let replaced = change(Arc::make_mut(&mut table));
        self.watches_rooms.store(!table.rooms.is_empty(), Ordering::Release);
        self.version.fetch_add(1, Ordering::Release);
        replaced
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn watches_rooms(&self) -> bool {
        self.watches_rooms.load(Ordering::Acquire)
    }

    /// Whoever wanted to know of it has been told. Returns those who have waited for that.
    pub(crate) fn announced(&self) -> Vec<Waiting> {
        lock(&self.unannounced).take().unwrap_or_default()
    }

    /// Whether those who want to know of new namespaces have been told of this one. If not, the client is told when they have.
    pub(crate) fn is_announced_or_tells(&self, waiting: impl FnOnce() -> Waiting) -> bool {
        match &mut *lock(&self.unannounced) {
            Some(clients) => {
                clients.push(waiting());
                false
            }
            None => true,
        }
    }

    /// A socket comes. Returns `false` when the namespace is gone.
    pub(crate) fn enter(&self) -> bool {
        let more = |count: usize| (count != CLOSED).then(|| count + 1);
        self.population.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// A socket has gone. Tells whether it was the last.
    pub(crate) fn exit(&self) -> bool {
        self.population.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Ends a namespace without sockets: nobody can enter it from now on. Returns `false` when somebody is in it.
    pub(crate) fn close(&self) -> bool {
        self.population.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The namespaces that a parent has made; of another namespace, itself.
    pub(crate) fn members(self: &Arc<Self>) -> Vec<Arc<Self>> {
        match &self.kind {
            Kind::Static | Kind::Child { .. } => vec![self.clone()],
            Kind::Parent { children, .. } => {
                lock(children).iter().filter_map(Weak::upgrade).collect()
            }
        }
    }

    pub(crate) fn adopt(&self, child: &Arc<Self>) {
        if let Kind::Parent { children, .. } = &self.kind {
            lock(children).push(Arc::downgrade(child));
        }
    }

    /// The child is gone.
    pub(crate) fn disown(&self, child: &Self) {
        if let Kind::Parent { children, .. } = &self.kind {
            lock(children).retain(|own| !std::ptr::eq(own.as_ptr(), child));
        }
    }

    /// Whether a parent has made it.
    pub(crate) const fn is_child(&self) -> bool {
        matches!(self.kind, Kind::Child { .. })
    }

    /// The namespace that made it.
    pub(crate) fn parent(&self) -> Option<Arc<Self>> {
        match &self.kind {
            Kind::Child { parent } => parent.upgrade(),
            Kind::Static | Kind::Parent { .. } => None,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Static => "Static",
            Self::Child { .. } => "Child",
            Self::Parent { .. } => "Parent",
        })
    }
}
