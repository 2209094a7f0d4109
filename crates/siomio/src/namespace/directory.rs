//! The namespaces of a server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use siomio_hub::{Arena, NamespaceId};

use super::{
    cell::{Kind, NamespaceCell},
    parent::Rule,
    population::{Population, Vacancies},
};

/// All namespaces by name, and those that make others. Shards look here only for what they do not know yet.
#[derive(Debug)]
pub(crate) struct Namespaces {
    main: Arc<NamespaceCell>,
    known: Mutex<Known>,
    /// In the order in which they are asked.
    parents: RwLock<Arc<[Arc<NamespaceCell>]>>,
    vacancies: Arc<Vacancies>,
}

#[derive(Debug)]
struct Known {
    by_name: HashMap<Arc<str>, Arc<NamespaceCell>>,
    /// Where ids come from.
    ids: Arena<()>,
}

impl Namespaces {
    pub(crate) fn new() -> Self {
        let mut ids = Arena::new();
        let main = NamespaceCell::new(next(&mut ids), "/".into(), Kind::Static, Arc::default());
        // Nobody has to be told of it.
        drop(main.announced());
        let main = Arc::new(main);
        let by_name = HashMap::from([(main.name.clone(), main.clone())]);
        let (known, parents) = (Mutex::new(Known { by_name, ids }), RwLock::new(Arc::from([])));
        Self { main, known, parents, vacancies: Arc::default() }
    }

    pub(crate) const fn main(&self) -> &Arc<NamespaceCell> {
        &self.main
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<NamespaceCell>> {
        self.known().by_name.get(name).cloned()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.known().by_name.len()
    }

    /// Whether so many children are there for nobody.
    pub(crate) fn has_more_vacant(&self, most: usize) -> bool {
        self.vacancies.are_more_than(most)
    }

    /// Finds a namespace, or makes it; a parent whose pattern fits has it as its child. Tells whether it is new.
    pub(crate) fn find_or_make(&self, name: &str) -> (Arc<NamespaceCell>, bool) {
        if let Some(cell) = self.find(name) {
            return (cell, false);
        }
        let fits = |parent: &&Arc<NamespaceCell>| matches!(&parent.kind, Kind::Parent { rule: Rule::Pattern(pattern), .. } if pattern.matches(name));
        match self.parents().iter().find(fits) {
            Some(parent) => self.make_child(parent, name),
            None => self.make(name, || (Kind::Static, Arc::default())),
        }
    }

    /// Makes a child of a parent, or finds it: whoever comes second gets the same. Tells whether it is new.
    pub(crate) fn make_child(
        &self,
        parent: &Arc<NamespaceCell>,
        name: &str,
    ) -> (Arc<NamespaceCell>, bool) {
        let kind = Kind::Child { parent: Arc::downgrade(parent) };
        self.make(name, || (kind, parent.table()))
    }

    /// Registers a parent.
    pub(crate) fn make_parent(&self, rule: Rule) -> Arc<NamespaceCell> {
        let mut parents = self.parents.write().unwrap_or_else(PoisonError::into_inner);
        let name = format!("/_{}", parents.len());
        let kind = Kind::Parent { rule, children: Mutex::default() };
        // No socket is ever in it.
        let id = NamespaceId::from_bits(u64::MAX);
        let parent = Arc::new(NamespaceCell::new(id, name.into(), kind, Arc::default()));
        *parents = parents.iter().cloned().chain([parent.clone()]).collect();
        parent
    }

    pub(crate) fn parents(&self) -> Arc<[Arc<NamespaceCell>]> {
        self.parents.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends a child that nobody is in. Returns `false` when somebody is, after all.
    pub(crate) fn remove(&self, cell: &Arc<NamespaceCell>) -> bool {
        let mut known = self.known();
        if !cell.population.close() {
            return false;
        }
        if known.by_name.get(&cell.name).is_some_and(|own| Arc::ptr_eq(own, cell)) {
            known.by_name.remove(&cell.name);
        }
        known.ids.remove(siomio_hub::Key::from_bits(cell.id.to_bits()));
        if let Some(parent) = cell.parent() {
            parent.disown(cell);
        }
        true
    }

    fn make(
        &self,
        name: &str,
        what: impl FnOnce() -> (Kind, Arc<super::table::NamespaceTable>),
    ) -> (Arc<NamespaceCell>, bool) {
        let mut known = self.known();
        if let Some(cell) = known.by_name.get(name) {
            return (cell.clone(), false);
        }
        let ((kind, table), name) = (what(), Arc::<str>::from(name));
        let id = next(&mut known.ids);
        let mut cell = NamespaceCell::new(id, name.clone(), kind, table);
        if cell.is_child() {
            cell.population = Population::of_child(&self.vacancies);
        }
        let cell = Arc::new(cell);
        known.by_name.insert(name, cell.clone());
        // Under the lock: it may be gone again as soon as others know of it.
        if let Some(parent) = cell.parent() {
            parent.adopt(&cell);
        }
        (cell, true)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next(ids: &mut Arena<()>) -> NamespaceId {
    NamespaceId::from_bits(ids.insert(()).to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namespace::pattern::Pattern;

    #[test]
    fn whoever_comes_second_gets_the_same() {
        let namespaces = Namespaces::new();
        let (chat, is_new) = namespaces.find_or_make("/chat");
        assert!(is_new && chat.id != namespaces.main().id);
        let (again, is_new) = namespaces.find_or_make("/chat");
        assert!(!is_new && Arc::ptr_eq(&chat, &again));
        assert!(Arc::ptr_eq(&namespaces.find_or_make("/").0, namespaces.main()));
    }

    #[test]
    fn an_empty_child_goes_and_its_successor_is_another() {
        let namespaces = Namespaces::new();
        let rule = Rule::Pattern(Pattern::parse("/room-{id}").unwrap());
        let parent = namespaces.make_parent(rule);
        let (child, _) = namespaces.find_or_make("/room-1");
        assert_eq!(parent.members().len(), 1);
        assert!(child.population.enter());
        assert!(!namespaces.remove(&child), "somebody is in it");
        assert!(child.population.exit());
        assert!(namespaces.remove(&child));
        assert!(!child.population.enter(), "nobody can come any more");
        assert!(parent.members().is_empty());
        let (next, is_new) = namespaces.find_or_make("/room-1");
        assert!(is_new && next.id != child.id && next.id.index() == child.id.index());
    }

    #[test]
    fn a_child_has_what_its_parent_had_when_it_was_made() {
        let namespaces = Namespaces::new();
        let rule = |text| Rule::Pattern(Pattern::parse(text).unwrap());
        let parent = namespaces.make_parent(rule("/room-{id}"));
        parent.change(|table| table.connect.push(Arc::new(|_| {})));
        let (early, _) = namespaces.find_or_make("/room-1");
        parent.change(|table| table.connect.push(Arc::new(|_| {})));
        let (late, _) = namespaces.find_or_make("/room-2");
        early.change(|table| table.drain.push(Arc::new(|_| {})));
        assert_eq!(
            [&parent, &early, &late].map(|cell| {
                let table = cell.table();
                (table.connect.len(), table.drain.len())
            }),
            [(2, 0), (1, 1), (2, 0)]
        );
        // Parents are no namespaces that one could ask for, and the first that fits is the one.
        assert!(namespaces.find(&parent.name).is_none());
        let second = namespaces.make_parent(rule("/{any}"));
        assert!(
            namespaces
                .find_or_make("/room-3")
                .0
                .parent()
                .is_some_and(|own| Arc::ptr_eq(&own, &parent))
        );
        assert!(
            namespaces.find_or_make("/x").0.parent().is_some_and(|own| Arc::ptr_eq(&own, &second))
        );
        assert!(!namespaces.find_or_make("/x/y").0.is_child());
        assert_eq!((&*parent.name, &*second.name), ("/_0", "/_1"));
    }

    #[test]
    fn a_namespace_outlives_the_handle_and_ends_once() {
        let namespaces = Namespaces::new();
        let parent = namespaces.make_parent(Rule::AtOnce(Box::new(|_| true)));
        let (child, is_new) = namespaces.make_child(&parent, "/x");
        assert!(is_new && Arc::ptr_eq(&namespaces.make_child(&parent, "/x").0, &child));
        let id = child.id;
        drop(child);
        let child = namespaces.find("/x").expect("the directory keeps it");
        assert_eq!(child.id, id);
        assert!(namespaces.remove(&child));
        assert!(!namespaces.remove(&child), "once");
        let (next, _) = namespaces.make_child(&parent, "/x");
        assert!(!namespaces.remove(&child), "its successor is another");
        assert!(Arc::ptr_eq(&namespaces.find("/x").unwrap(), &next));
        assert_eq!(parent.members().len(), 1);
    }
}
