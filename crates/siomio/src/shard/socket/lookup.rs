//! Whether a namespace exists that a client asks for.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
};

use siomio_hub::Key;

use crate::{
    Handshake, Namespace, NamespaceDecision, NamespaceRequest,
    namespace::{
        Rule,
        cell::{Kind, NamespaceCell},
    },
    shard::{
        core::{Alarm, SessionKey},
        local::Local,
    },
};

/// Longest name of a namespace that is made because a client asks for it: it is kept as long as that is there, or as long as a
/// parent thinks about it, and one client may ask for many.
const MAX_NAME: usize = 4 * 1024;

/// A client waits to hear whether a namespace exists, because a parent thinks about it.
#[derive(Debug)]
pub(crate) struct Lookup {
    session: SessionKey,
    name: Arc<str>,
    auth: Rc<str>,
    /// As they were when the client asked.
    parents: Arc<[Arc<NamespaceCell>]>,
    /// Who thinks about it.
    place: usize,
    /// It exists, and the client is counted in it, but has to wait until those know of it who want to.
    entered: Option<Arc<NamespaceCell>>,
}

/// All clients that wait so, by number and by session.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    by_number: HashMap<u64, Lookup>,
    by_session: BTreeSet<(u64, u64)>,
}

impl Lookups {
    fn insert(&mut self, number: u64, lookup: Lookup) {
        self.by_session.insert((lookup.session.to_bits(), number));
        self.by_number.insert(number, lookup);
    }

    fn remove(&mut self, number: u64) -> Option<Lookup> {
        let lookup = self.by_number.remove(&number)?;
        self.by_session.remove(&(lookup.session.to_bits(), number));
        Some(lookup)
    }

    /// Removes one of a session's.
    fn remove_of(&mut self, session: SessionKey) -> Option<Lookup> {
        let bits = session.to_bits();
        let (_, number) = *self.by_session.range((bits, 0)..=(bits, u64::MAX)).next()?;
        self.remove(number)
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.by_number.contains_key(&number)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }
}

impl Local {
    /// A client asks for a namespace that this shard does not know.
    pub(crate) fn look_up(self: &Rc<Self>, session: SessionKey, name: &str, auth: &str) {
        let parents = self.shared.namespaces.parents();
        let (name, auth) = (Arc::from(name), Rc::from(auth));
        let lookup = Lookup { session, name, auth, parents, place: 0, entered: None };
        match self.shared.namespaces.find(&lookup.name) {
            Some(cell) => self.enter_namespace(lookup, &cell),
            None if lookup.name.len() > MAX_NAME => self.refuse_name(&lookup),
            None => self.ask_parents(lookup),
        }
    }

    /// A parent has decided, or the namespace is ready.
    pub(crate) fn looked_up(self: &Rc<Self>, lookup: u64, allowed: bool) {
        let (mut lookup, is_awaited) = {
            let mut core = self.core.borrow_mut();
            let Some(lookup) = core.lookups.remove(lookup) else { return };
            // A session that closes takes part in nothing any more.
            let state = core.sessions.get(lookup.session).filter(|state| state.machine.is_open());
            let client = state.and_then(|state| state.client);
            let is_awaited = client.is_some_and(|client| core.hub.end_lookup(client, &lookup.name));
            (lookup, is_awaited)
        };
        match lookup.entered.take() {
            Some(cell) if is_awaited => self.enter_announced(lookup, &cell),
            Some(cell) => self.shared.left_namespace(&cell),
            None if !is_awaited => {}
            None if allowed => match self.shared.namespaces.find(&lookup.name) {
                Some(cell) => self.enter_namespace(lookup, &cell),
                None => self.make_child(lookup),
            },
            None => {
                lookup.place += 1;
                self.ask_parents(lookup);
            }
        }
    }

    /// A session has closed: what its client waits to hear nobody needs to know.
    pub(crate) fn drop_lookups(self: &Rc<Self>, session: SessionKey) {
        loop {
            let lookup = self.core.borrow_mut().lookups.remove_of(session);
            let Some(lookup) = lookup else { return };
            if let Some(cell) = lookup.entered {
                self.shared.left_namespace(&cell);
            }
        }
    }

    /// Asks parents in turn, from the lookup's place on.
    fn ask_parents(self: &Rc<Self>, mut lookup: Lookup) {
        let parents = lookup.parents.clone();
        let auth = Some(lookup.auth.clone()).filter(|auth| !auth.is_empty());
        let opening =
            self.core.borrow().sessions.get(lookup.session).map(|state| state.opening.clone());
        let Some(opening) = opening else { return };
        let name = lookup.name.clone();
        let request = NamespaceRequest::new(&name, Handshake::new(opening, auth));
        for (place, parent) in parents.iter().enumerate().skip(lookup.place) {
            lookup.place = place;
            let Kind::Parent { rule, .. } = &parent.kind else { continue };
            let is_wanted = match rule {
                Rule::Pattern(pattern) => pattern.matches(&name),
                Rule::AtOnce(wants) => {
                    self.guard_hook("of_matching", || wants(&request)).unwrap_or(false)
                }
                Rule::Later(decide) => {
                    let decision = self.begin_lookup(lookup);
                    self.guard_hook("of_deciding", || decide(&request, decision));
                    return;
                }
            };
            if is_wanted {
                return self.make_child(lookup);
            }
        }
        self.refuse_name(&lookup);
    }

    fn refuse_name(&self, lookup: &Lookup) {
        self.refuse_early(lookup.session, &lookup.name, "Invalid namespace");
    }

    fn begin_lookup(&self, lookup: Lookup) -> NamespaceDecision {
        let number = self.keep_lookup(lookup);
        NamespaceDecision::new(self.shared.clone(), self.index, number)
    }

    /// Has a client wait. Returns the number by which it is found again.
    fn keep_lookup(&self, lookup: Lookup) -> u64 {
        let mut core = self.core.borrow_mut();
        let client = core.sessions.get(lookup.session).and_then(|state| state.client);
        if let Some(client) = client {
            core.hub.begin_lookup(client, &lookup.name);
        }
        let (number, until) = (core.new_token().0, core.now + self.shared.config.decision_timeout);
        core.lookups.insert(number, lookup);
        let until = core.wheel.tick(until);
        core.wheel.insert(until, Alarm::Lookup(Key::from_bits(number)));
        number
    }

    /// The namespace is made, unless somebody else has made it meanwhile.
    fn make_child(self: &Rc<Self>, lookup: Lookup) {
        let Some(parent) = lookup.parents.get(lookup.place) else { return };
        let (cell, is_new) = self.shared.namespaces.make_child(parent, &lookup.name);
        if is_new {
            Namespace::new(self.shared.clone(), cell.clone()).announce();
        }
        self.enter_namespace(lookup, &cell);
    }

    /// The namespace exists. If it is so new that whoever registers handlers there has not got to it yet, the client waits.
    fn enter_namespace(self: &Rc<Self>, mut lookup: Lookup, cell: &Arc<NamespaceCell>) {
        if !cell.population.enter() {
            // It has just gone, and may come once more.
            return self.look_up(lookup.session, &lookup.name, &lookup.auth);
        }
        lookup.entered = Some(cell.clone());
        let mut lookup = Some(lookup);
        let wait = || (self.index, lookup.take().map_or(0, |lookup| self.keep_lookup(lookup)));
        if cell.is_announced_or_tells(wait) {
            lookup.into_iter().for_each(|lookup| self.enter_announced(lookup, cell));
        }
    }

    /// Nothing is in the way of a client any more that is counted in a namespace.
    fn enter_announced(self: &Rc<Self>, lookup: Lookup, cell: &Arc<NamespaceCell>) {
        let space = self.know(cell);
        self.connect_entered(lookup.session, &space, &lookup.auth);
    }
}
