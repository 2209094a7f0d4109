//! Whether a namespace exists that a client asks for.

use std::{rc::Rc, sync::Arc};

use crate::{
    Handshake, NamespaceDecision, NamespaceRequest,
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
}

impl Local {
    /// A client asks for a namespace that this shard does not know.
    pub(crate) fn look_up(self: &Rc<Self>, session: SessionKey, name: &str, auth: &str) {
        if let Some(cell) = self.shared.namespaces.find(name) {
            let space = self.know(&cell);
            return self.connect(session, &space, auth);
        }
        let parents = self.shared.namespaces.parents();
        let lookup = Lookup { session, name: name.into(), auth: auth.into(), parents, place: 0 };
        self.ask_parents(lookup);
    }

    /// A parent has decided.
    pub(crate) fn looked_up(self: &Rc<Self>, lookup: u64, allowed: bool) {
        let (mut lookup, is_awaited) = {
            let mut core = self.core.borrow_mut();
            let Some(lookup) = core.lookups.remove(&lookup) else { return };
            let client = core.sessions.get(lookup.session).and_then(|state| state.client);
            let is_awaited = client.is_some_and(|client| core.hub.end_lookup(client, &lookup.name));
            (lookup, is_awaited)
        };
        if !is_awaited {
            return;
        }
        if allowed {
            return self.make_child(&lookup);
        }
        lookup.place += 1;
        self.ask_parents(lookup);
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
                return self.make_child(&lookup);
            }
        }
        self.refuse_unknown(lookup.session, &name);
    }

    fn begin_lookup(&self, lookup: Lookup) -> NamespaceDecision {
        let mut core = self.core.borrow_mut();
        let client = core.sessions.get(lookup.session).and_then(|state| state.client);
        if let Some(client) = client {
            core.hub.begin_lookup(client, &lookup.name);
        }
        let (number, until) = (core.new_token().0, core.now + self.shared.config.decision_timeout);
        core.lookups.insert(number, lookup);
        core.wheel.insert(until, Alarm::Lookup(number));
        NamespaceDecision::new(self.shared.clone(), self.index, number)
    }

    /// The namespace is made, unless somebody else has made it meanwhile.
    fn make_child(self: &Rc<Self>, lookup: &Lookup) {
        let Some(parent) = lookup.parents.get(lookup.place) else { return };
        let (cell, is_new) = self.shared.namespaces.make_child(parent, &lookup.name);
        let space = self.know(&cell);
        if is_new {
            self.handle_of(&space).announce();
        }
        // What was registered by those who were told holds already.
        let space = self.space(cell.id).unwrap_or(space);
        self.connect(lookup.session, &space, &lookup.auth);
    }
}
