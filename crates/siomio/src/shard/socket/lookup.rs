//! Whether a namespace exists that a client asks for.

use std::{rc::Rc, sync::Arc};

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
    /// It exists, but the client has to wait until those know of it who want to.
    exists: bool,
}

impl Local {
    /// A client asks for a namespace that this shard does not know.
    pub(crate) fn look_up(self: &Rc<Self>, session: SessionKey, name: &str, auth: &str) {
        let parents = self.shared.namespaces.parents();
        let (name, auth) = (Arc::from(name), Rc::from(auth));
        let lookup = Lookup { session, name, auth, parents, place: 0, exists: false };
        match self.shared.namespaces.find(&lookup.name) {
            Some(cell) => self.enter_namespace(lookup, &cell),
            None => self.ask_parents(lookup),
        }
    }

    /// A parent has decided, or the namespace is ready.
    pub(crate) fn looked_up(self: &Rc<Self>, lookup: u64, allowed: bool) {
        let (mut lookup, is_awaited) = {
            let mut core = self.core.borrow_mut();
            let Some(lookup) = core.lookups.remove(&lookup) else { return };
            // A session that closes takes part in nothing any more.
            let state = core.sessions.get(lookup.session).filter(|state| state.machine.is_open());
            let client = state.and_then(|state| state.client);
            let is_awaited = client.is_some_and(|client| core.hub.end_lookup(client, &lookup.name));
            (lookup, is_awaited)
        };
        if !is_awaited {
            return;
        }
        if !allowed {
            lookup.place += 1;
            return self.ask_parents(lookup);
        }
        match self.shared.namespaces.find(&lookup.name) {
            Some(cell) => self.enter_namespace(lookup, &cell),
            // It has ended already, and nobody was asked yet.
            None if lookup.exists => self.look_up(lookup.session, &lookup.name, &lookup.auth),
            None => self.make_child(lookup),
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
                    lookup.exists = false;
                    let decision = self.begin_lookup(lookup);
                    self.guard_hook("of_deciding", || decide(&request, decision));
                    return;
                }
            };
            if is_wanted {
                return self.make_child(lookup);
            }
        }
        self.refuse_unknown(lookup.session, &name);
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
        core.wheel.insert(until, Alarm::Lookup(number));
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
        lookup.exists = true;
        let (session, auth) = (lookup.session, lookup.auth.clone());
        let wait = || (self.index, self.keep_lookup(lookup));
        if cell.is_announced_or_tells(wait) {
            let space = self.know(cell);
            self.connect(session, &space, &auth);
        }
    }
}
