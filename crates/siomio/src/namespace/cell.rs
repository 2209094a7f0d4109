//! A namespace, as all of a server share it.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use siomio_hub::NamespaceId;

use crate::{
    RoomEvent,
    namespace::{parent::Rule, population::Population, table::NamespaceTable},
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
    pub(crate) population: Population,
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
    Parent { rule: Rule, children: Mutex<BTreeMap<u64, Weak<NamespaceCell>>> },
}

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
            population: Population::default(),
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

    /// The namespaces that a parent has made; of another namespace, itself.
    pub(crate) fn members(self: &Arc<Self>) -> Vec<Arc<Self>> {
        match &self.kind {
            Kind::Static | Kind::Child { .. } => vec![self.clone()],
            Kind::Parent { children, .. } => {
                lock(children).values().filter_map(Weak::upgrade).collect()
            }
        }
    }

    pub(crate) fn adopt(&self, child: &Arc<Self>) {
        if let Kind::Parent { children, .. } = &self.kind {
            lock(children).insert(child.id.to_bits(), Arc::downgrade(child));
        }
    }

    /// The child is gone.
    pub(crate) fn disown(&self, child: &Self) {
        if let Kind::Parent { children, .. } = &self.kind {
            lock(children).remove(&child.id.to_bits());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namespace::Pattern;

    fn cell(kind: Kind) -> Arc<NamespaceCell> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NamespaceId::from_bits(NEXT.fetch_add(1, Ordering::Relaxed));
        Arc::new(NamespaceCell::new(id, "/x".into(), kind, Arc::default()))
    }

    fn parent() -> Arc<NamespaceCell> {
        let rule = Rule::Pattern(Pattern::parse("/{x}").unwrap());
        cell(Kind::Parent { rule, children: Mutex::default() })
    }

    #[test]
    fn a_change_has_a_version_and_leaves_old_snapshots_alone() {
        let cell = cell(Kind::Static);
        let (before, version) = (cell.table(), cell.version());
        cell.change(|table| table.connect.push(Arc::new(|_| {})));
        assert_ne!(cell.version(), version);
        assert_eq!((before.connect.len(), cell.table().connect.len()), (0, 1));
        assert!(!cell.watches_rooms());
        cell.change(|table| table.rooms.push(Arc::new(|_| {})));
        assert!(cell.watches_rooms());
        let replaced = cell.change(|table| std::mem::take(&mut table.rooms));
        assert_eq!((replaced.len(), cell.watches_rooms()), (1, false));
    }

    #[test]
    fn who_comes_before_the_announcement_is_over_is_called_when_it_is() {
        let cell = cell(Kind::Static);
        assert!(!cell.is_announced_or_tells(|| (1, 7)));
        assert!(!cell.is_announced_or_tells(|| (0, 8)));
        assert_eq!(cell.announced(), [(1, 7), (0, 8)]);
        assert!(cell.is_announced_or_tells(|| unreachable!("it has been announced")));
        assert_eq!(cell.announced(), []);
    }

    #[test]
    fn a_parent_stands_for_the_children_that_there_are_and_anything_else_for_itself() {
        let parent = parent();
        assert!(parent.members().is_empty() && !parent.is_child() && parent.parent().is_none());
        let child = || cell(Kind::Child { parent: Arc::downgrade(&parent) });
        let (one, two) = (child(), child());
        parent.adopt(&one);
        parent.adopt(&two);
        let is_one_of = |cell: &Arc<NamespaceCell>| {
            parent.members().iter().any(|member| Arc::ptr_eq(member, cell))
        };
        assert!(is_one_of(&one) && is_one_of(&two));
        assert!(one.is_child() && one.parent().is_some_and(|own| Arc::ptr_eq(&own, &parent)));
        assert!(Arc::ptr_eq(&one.members()[0], &one));
        parent.disown(&one);
        assert!(!is_one_of(&one));
        drop(two);
        assert!(parent.members().is_empty(), "it does not keep them");
    }
}
