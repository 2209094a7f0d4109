//! A namespace, as a shard sees it.

use std::{rc::Rc, sync::Arc};

use siomio_hub::NamespaceId;

use super::local::Local;
use crate::{
    Namespace,
    namespace::{cell::NamespaceCell, table::NamespaceTable},
};

/// What a shard has of a namespace: a snapshot of what is registered, replaced when that changes. Whoever works with one keeps it
/// until done.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) cell: Arc<NamespaceCell>,
    version: u64,
    pub(crate) table: Arc<NamespaceTable>,
}

impl Local {
    /// A namespace that this shard knows, with what is registered now.
    pub(crate) fn space(&self, id: NamespaceId) -> Option<Rc<Space>> {
        let space = self.spaces.borrow().get(id.index())?.clone()?;
        if space.cell.id != id {
            return None;
        }
        if space.cell.version() == space.version {
            return Some(space);
        }
        Some(self.know(&space.cell))
    }

    /// Gets to know a namespace, or what is registered for it now.
    pub(crate) fn know(&self, cell: &Arc<NamespaceCell>) -> Rc<Space> {
        // The version first: what is registered in between is looked at again.
        let (version, table) = (cell.version(), cell.table());
        let space = Rc::new(Space { cell: cell.clone(), version, table });
        self.core.borrow_mut().hub.declare_as(cell.id, &cell.name);
        let mut spaces = self.spaces.borrow_mut();
        if spaces.len() <= cell.id.index() {
            spaces.resize_with(cell.id.index() + 1, || None);
        }
        let old = spaces[cell.id.index()].replace(space.clone());
        // It may be the last that holds closures of the application.
        drop(spaces);
        self.discard(old);
        space
    }

    /// A namespace is gone.
    pub(crate) fn forget_namespace(&self, id: NamespaceId) {
        self.core.borrow_mut().hub.forget(id);
        let mut spaces = self.spaces.borrow_mut();
        let place = spaces.get_mut(id.index());
        let old = place.and_then(|place| place.take_if(|space| space.cell.id == id));
        drop(spaces);
        self.discard(old);
    }

    /// A namespace, as the application handles it.
    pub(crate) fn handle_of(&self, space: &Space) -> Namespace {
        Namespace::new(self.shared.clone(), space.cell.clone())
    }
}
