//! Clients that lost their connection and are back.

use std::{rc::Rc, sync::Arc};

use siomio_engine::Protocol;
use siomio_hub::{DisconnectReason, NamespaceId, Offset, Recovered};
use siomio_packet::Value;

use crate::{
    extensions::Extensions,
    mailbox::Mail,
    namespace::cell::NamespaceCell,
    shard::{core::SessionKey, local::Local, space::Space},
    trace::log,
};

/// What two shards say to each other about a client that was on one and is on the other now.
#[derive(Debug)]
pub(crate) enum Recovering {
    /// Give this session up.
    Ask { claim: Claim, by: Claimant },
    /// Here it is, or it is not to be had.
    Answer { by: Claimant, found: Option<Found> },
}

/// A session that was given up, to be taken up again, and the application's values in it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) session: Recovered,
    pub(crate) data: Extensions,
}

/// What a client says that it was.
#[derive(Debug)]
pub(crate) struct Claim {
    pid: Arc<str>,
    /// Of the last event that it saw.
    last: Option<Offset>,
}

/// A client that waits, and is counted in the namespace.
#[derive(Debug)]
pub(crate) struct Claimant {
    shard: u8,
    session: SessionKey,
    namespace: Arc<NamespaceCell>,
    auth: Box<str>,
}

impl Claim {
    /// Reads what a client sends along to a namespace.
    fn read(auth: &str) -> Option<Self> {
        if !auth.contains("\"pid\"") {
            return None;
        }
        let auth: Value = serde_json::from_str(auth).ok()?;
        let last = match auth.get("offset") {
            None => None,
            // One that cannot be read was never given.
            Some(offset) => Some(Offset::parse(offset.as_str()?)?),
        };
        Some(Self { pid: auth.get("pid")?.as_str()?.into(), last })
    }
}

impl Local {
    /// If a client, which is counted in the namespace, says that it was here before, its session is looked for, on whichever
    /// shard that is. Returns whether that takes care of the client.
    pub(crate) fn recover(
        self: &Rc<Self>,
        session: SessionKey,
        space: &Rc<Space>,
        auth: &str,
    ) -> bool {
        if self.shared.config.hub.recovery.is_none() {
            return false;
        }
        let Some(claim) = Claim::read(auth) else { return false };
        let Some(holder) = self.shared.holder_of(&claim.pid) else {
            self.not_recovered("unknown");
            return false;
        };
        let (client, protocol) = {
            let core = self.core.borrow();
            let client = core.sessions.get(session).and_then(|state| state.client);
            (client, core.protocol_of(session))
        };
        let Some(client) = client.filter(|_| protocol == Protocol::V4) else { return false };
        if holder == self.index {
            let found = self.give_up(&claim, space.cell.id);
            self.take_up(session, space, auth, found);
            return true;
        }
        self.core.borrow_mut().hub.begin_lookup(client, &space.cell.name);
        let by = Claimant {
            shard: self.index,
            session,
            namespace: space.cell.clone(),
            auth: auth.into(),
        };
        self.send(holder, Mail::Recover(Box::new(Recovering::Ask { claim, by })));
        true
    }

    /// Another shard has something to say about a client that is back.
    pub(crate) fn handle_recovering(self: &Rc<Self>, recovering: Recovering) {
        match recovering {
            Recovering::Ask { claim, by } => {
                let found = self.give_up(&claim, by.namespace.id);
                let holder = self.shared.holder_of(&claim.pid);
                if let (None, Some(holder)) = (&found, holder.filter(|it| *it != self.index)) {
                    // It has moved on meanwhile; the client's own shard is asked like any other.
                    let mail = Mail::Recover(Box::new(Recovering::Ask { claim, by }));
                    return self.send(holder, mail);
                }
                if found.is_some() {
                    self.shared.session_moved(&claim.pid, by.shard);
                }
                let shard = by.shard;
                self.send(shard, Mail::Recover(Box::new(Recovering::Answer { by, found })));
            }
            Recovering::Answer { by, found } => self.handle_found(by, found),
        }
    }

    fn handle_found(self: &Rc<Self>, by: Claimant, found: Option<Found>) {
        let Claimant { session, namespace, auth, .. } = by;
        let is_awaited = {
            let mut core = self.core.borrow_mut();
            let state = core.sessions.get(session).filter(|state| state.machine.is_open());
            let client = state.and_then(|state| state.client);
            client.is_some_and(|client| core.hub.end_lookup(client, &namespace.name))
        };
        if is_awaited {
            let space = self.know(&namespace);
            return self.take_up(session, &space, &auth, found);
        }
        // It is gone again, and may come back once more.
        self.keep(namespace.id, found);
        self.shared.left_namespace(&namespace);
    }

    /// Lets a client go on where it was, or begin anew.
    fn take_up(
        self: &Rc<Self>,
        session: SessionKey,
        space: &Rc<Space>,
        auth: &str,
        found: Option<Found>,
    ) {
        let is_whole = |found: &Found| self.core.borrow().hub.can_take_up(&found.session);
        match found {
            Some(found) if !is_whole(&found) => {
                self.end_session(found);
                self.not_recovered("too much was missed");
                self.begin(session, space, auth, None);
            }
            None => {
                self.not_recovered("too late, or unknown");
                self.begin(session, space, auth, None);
            }
            found => self.begin(session, space, auth, found),
        }
    }

    /// Gives a session up. Whoever has it now is disconnected: its connection is lost, only that nobody here has noticed.
    fn give_up(self: &Rc<Self>, claim: &Claim, namespace: NamespaceId) -> Option<Found> {
        let holder = {
            let core = self.core.borrow();
            let key = core.hub.holder(&claim.pid);
            key.filter(|key| core.hub.namespace_of(*key) == Some(namespace))
                .and_then(|key| Some((key, core.session_of(key)?)))
        };
        if let Some((key, session)) = holder {
            self.leave(key, DisconnectReason::TransportClose);
            self.close_session(session);
        }
        let (found, data) = {
            let mut core = self.core.borrow_mut();
            if !core.hub.has_lost(namespace, &claim.pid) {
                return None;
            }
            let now = core.now;
            let found = core.hub.give_up(now, &claim.pid, claim.last);
            (found, core.kept.remove(&claim.pid).unwrap_or_default())
        };
        if found.is_none() {
            self.session_is_over(&claim.pid, Some(data));
            return None;
        }
        found.map(|session| Found { session, data })
    }

    /// A session that was given up is not taken up just now.
    pub(crate) fn keep(&self, namespace: NamespaceId, found: Option<Found>) {
        let Some(Found { session, data }) = found else { return };
        let (pid, now) = (session.pid.clone(), self.core.borrow().now);
        let is_kept = self.core.borrow_mut().hub.keep(now, namespace, session).is_some();
        if is_kept {
            self.keep_data(pid, data);
        } else {
            self.session_is_over(&pid, Some(data));
        }
    }

    /// The values of a session that is kept.
    pub(crate) fn keep_data(&self, pid: Arc<str>, data: Extensions) {
        let old = self.core.borrow_mut().kept.insert(pid, data);
        self.discard(old);
    }

    /// A session that was given up is not going to be taken up.
    pub(crate) fn end_session(&self, found: Found) {
        self.session_is_over(&found.session.pid, Some(found.data));
    }

    /// A client has asked for an earlier session in vain.
    fn not_recovered(&self, why: &'static str) {
        self.counts.not_recovered.add(1);
        log!(DEBUG, "siomio::socket", "not recovered", why = why);
    }

    /// A session cannot be recovered any more, and these were its values.
    pub(crate) fn session_is_over(&self, pid: &str, data: Option<Extensions>) {
        self.shared.session_ended(pid, self.index);
        self.discard(data);
    }

    /// A lost session was not taken up in time.
    pub(crate) fn session_expired(&self, pid: &str) {
        let data = self.core.borrow_mut().kept.remove(pid);
        self.session_is_over(pid, data);
    }
}
