//! Namespaces: declared by the application, or made when a client asks for them.

use std::{collections::HashMap, sync::Arc};

use foldhash::quality::FixedState;

use crate::Key;

/// Names a namespace.
pub type NamespaceId = Key<Namespace>;

/// What a hub keeps of a namespace.
#[derive(Debug)]
pub struct Namespace {
    pub(crate) name: Arc<str>,
    /// Acknowledgements are numbered per namespace, so that a broadcast has one number for all.
    next_ack: u64,
}

/// The namespaces of a hub, by id and by name.
#[derive(Debug)]
pub(crate) struct Namespaces {
    by_name: HashMap<Arc<str>, NamespaceId, FixedState>,
    slots: Vec<Option<(NamespaceId, Namespace)>>,
}

impl Namespaces {
    pub(crate) fn new(seed: u64) -> Self {
        Self { by_name: HashMap::with_hasher(FixedState::with_seed(seed)), slots: Vec::new() }
    }

    pub(crate) fn find(&self, name: &str) -> Option<NamespaceId> {
        self.by_name.get(name).copied()
    }

    /// An id that nobody has.
    pub(crate) fn vacant(&self) -> NamespaceId {
        let index = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        NamespaceId::from_bits(index as u64)
    }

    pub(crate) fn insert(&mut self, id: NamespaceId, name: &str) {
        if self.slots.len() <= id.index() {
            self.slots.resize_with(id.index() + 1, || None);
        }
        // What had the place before is gone, whether we were told or not.
        if let Some(old) = self.slots[id.index()].as_ref().map(|(old, _)| *old) {
            self.remove(old);
        }
        let name: Arc<str> = name.into();
        self.by_name.insert(name.clone(), id);
        self.slots[id.index()] = Some((id, Namespace { name, next_ack: 0 }));
    }

    pub(crate) fn remove(&mut self, id: NamespaceId) -> bool {
        let Some(slot) = self.slots.get_mut(id.index()) else { return false };
        let Some((_, namespace)) = slot.take_if(|(own, _)| *own == id) else { return false };
        if self.by_name.get(&namespace.name) == Some(&id) {
            self.by_name.remove(&namespace.name);
        }
        true
    }

    pub(crate) fn get(&self, id: NamespaceId) -> Option<&Namespace> {
        let (own, namespace) = self.slots.get(id.index())?.as_ref()?;
        (*own == id).then_some(namespace)
    }

    /// The next number for something that is to be acknowledged.
    pub(crate) fn next_ack(&mut self, id: NamespaceId) -> Option<u64> {
        let (own, namespace) = self.slots.get_mut(id.index())?.as_mut()?;
        if *own != id {
            return None;
        }
        let number = namespace.next_ack;
        namespace.next_ack += 1;
        Some(number)
    }
}
