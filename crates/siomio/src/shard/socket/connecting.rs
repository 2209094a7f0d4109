//! Sockets come.

use std::{rc::Rc, sync::Arc};

use siomio_engine::Protocol;
use siomio_hub::SocketKey;
use siomio_packet::Packet;

use crate::{
    ConnectError, HandlerError, Permit, Socket,
    middleware::Verdict,
    shard::{
        core::SessionKey,
        local::Local,
        socket::{
            recovering::Found,
            revision::{self, consent},
            rooms::Census,
        },
        space::Space,
    },
    trace::log,
};

/// A socket waits for the decision of a middleware.
#[derive(Debug)]
pub(crate) struct Entry {
    /// With the middlewares that were registered when it came.
    space: Rc<Space>,
    /// Which of them is asked.
    stage: u32,
}

impl Local {
    /// A client asks to join a namespace that this shard knows.
    pub(crate) fn connect(self: &Rc<Self>, session: SessionKey, space: &Rc<Space>, auth: &str) {
        if space.cell.population.enter() {
            return self.connect_entered(session, space, auth);
        }
        // It has just gone; the client asks for a new one.
        self.forget_namespace(space.cell.id);
        self.look_up(session, &space.cell.name, auth);
    }

    /// The same for a client that is counted in the namespace already.
    pub(crate) fn connect_entered(
        self: &Rc<Self>,
        session: SessionKey,
        space: &Rc<Space>,
        auth: &str,
    ) {
        if !self.recover(session, space, auth) {
            self.begin(session, space, auth, None);
        }
    }

    /// Begins to connect a client, which is counted in the namespace; one that is back after a lost connection takes up its session.
    pub(crate) fn begin(
        self: &Rc<Self>,
        session: SessionKey,
        space: &Rc<Space>,
        auth: &str,
        found: Option<Found>,
    ) {
        let Some(key) = self.begin_connect(session, space, auth, found) else {
            return self.shared.left_namespace(&space.cell);
        };
        let socket = Socket::new(self.clone(), key, space.clone(), session);
        let skips = self.shared.config.skip_middlewares && socket.is_recovered();
        if skips || space.table.middlewares.is_empty() {
            return self.accept(&socket);
        }
        self.ask_middlewares(&socket, 0);
    }

    /// Makes the socket.
    fn begin_connect(
        &self,
        session: SessionKey,
        space: &Rc<Space>,
        auth: &str,
        found: Option<Found>,
    ) -> Option<SocketKey> {
        let census = self.census(space);
        let key = {
            let mut core = self.core.borrow_mut();
            let client = core.sessions.get(session).and_then(|state| state.client);
            let id = match &found {
                Some(found) => found.session.id.clone(),
                None => core.socket_id(session, space.cell.id),
            };
            client.and_then(|client| core.hub.begin_connect(client, space.cell.id, id))
        };
        let Some(key) = key else {
            drop(census);
            self.keep(space.cell.id, found);
            return None;
        };
        if !auth.is_empty() {
            let mut core = self.core.borrow_mut();
            if let Some(extra) = core.extra_mut(key, true) {
                extra.auth = Some(auth.into());
            }
        }
        if let Some(found) = found {
            self.go_on(key, space, found, census);
        }
        Some(key)
    }

    /// A socket that connects goes on with an earlier session.
    fn go_on(&self, key: SocketKey, space: &Rc<Space>, found: Found, census: Census<'_>) {
        let Found { session, data } = found;
        let (id, rooms) = (session.id.clone(), session.rooms.clone());
        {
            let mut core = self.core.borrow_mut();
            core.hub.take_up(key, session);
            if let Some(extra) = core.extra_mut(key, !data.is_empty()) {
                // Nothing of the application's is there yet.
                extra.belongings.extensions = data;
            }
        }
        self.joined_rooms(census, space, &id, rooms);
    }

    /// Asks the middlewares in turn, from this one on, until one takes its time or refuses.
    fn ask_middlewares(self: &Rc<Self>, socket: &Socket, stage: usize) {
        let (key, space) = (socket.key(), socket.space().clone());
        let auth = self.auth_of(key);
        for (stage, middleware) in space.table.middlewares.iter().enumerate().skip(stage) {
            let stage = stage as u32;
            let permit = || {
                self.await_decision(key, &space, stage);
                Permit::new(self.shared.clone(), self.index, key, stage)
            };
            let ask = || middleware.call(socket, auth.as_deref().unwrap_or(""), &permit);
            match self.call("middleware", ask) {
                Ok(Some(Ok(()))) if self.core.borrow().hub.is_connecting(key) => {}
                Ok(Some(Ok(()))) => {
                    // It has disconnected it, and let it in nevertheless.
                    return self.refuse(socket, &ConnectError::new("disconnected"));
                }
                Ok(Some(Err(refusal))) => return self.refuse(socket, &refusal),
                Ok(None) => return,
                Err(message) => {
                    let error = HandlerError::Panic { event: "middleware".to_owned(), message };
                    // It may have been given a permit, which counts for nothing: the client hears of one refusal.
                    self.discard(self.take_entry(key));
                    self.report(socket, &error);
                    return self.refuse(socket, &ConnectError::new("internal error"));
                }
            }
        }
        self.accept(socket);
    }

    /// A middleware takes its time.
    fn await_decision(&self, key: SocketKey, space: &Rc<Space>, stage: u32) {
        let mut core = self.core.borrow_mut();
        if stage == 0 || core.extra_mut(key, false).is_none_or(|extra| extra.entry.is_none()) {
            let until = core.now + self.shared.config.decision_timeout;
            core.hub.limit_decision(key, until);
        }
        let entry = Entry { space: space.clone(), stage };
        let old = core.extra_mut(key, true).and_then(|extra| extra.entry.replace(entry));
        drop(core);
        self.discard(old);
    }

    /// A middleware that took its time has decided.
    pub(crate) fn permitted(self: &Rc<Self>, key: SocketKey, stage: u32, verdict: Verdict) {
        let (session, entry) = {
            let mut core = self.core.borrow_mut();
            if !core.hub.is_connecting(key) {
                return;
            }
            let session = core.session_of(key);
            let entry = core
                .extra_mut(key, false)
                .and_then(|extra| extra.entry.take_if(|entry| entry.stage == stage));
            let (Some(session), Some(entry)) = (session, entry) else { return };
            (session, entry)
        };
        let socket = Socket::new(self.clone(), key, entry.space, session);
        match verdict {
            Ok(()) => self.ask_middlewares(&socket, stage as usize + 1),
            Err(refusal) => self.refuse(&socket, &refusal),
        }
    }

    /// A middleware has not decided in time.
    pub(crate) fn decision_is_late(self: &Rc<Self>, key: SocketKey) {
        self.give_up_waiting(key, "timeout");
    }

    /// A socket that waits for a middleware is refused, whatever that will say. Returns whether it waits.
    pub(crate) fn give_up_waiting(self: &Rc<Self>, key: SocketKey, why: &str) -> bool {
        let session = self.core.borrow().session_of(key);
        let Some((session, entry)) = session.zip(self.take_entry(key)) else { return false };
        let socket = Socket::new(self.clone(), key, entry.space, session);
        self.refuse(&socket, &ConnectError::new(why));
        true
    }

    fn take_entry(&self, key: SocketKey) -> Option<Entry> {
        self.core.borrow_mut().extra_mut(key, false)?.entry.take()
    }

    /// Lets a socket in: the answer goes out before anything else can, but for what it has missed.
    fn accept(self: &Rc<Self>, socket: &Socket) {
        let (key, session, space) = (socket.key(), socket.session(), socket.space());
        let id = socket.id();
        if !self.let_in(key, session, space) {
            // The middleware disconnected it, and let it in nevertheless.
            return self.refuse(socket, &ConnectError::new("disconnected"));
        }
        log!(
            DEBUG,
            "siomio::socket",
            "connected",
            id = self.shown_id(socket),
            namespace = space.cell.name.escape_debug(),
            recovered = socket.is_recovered()
        );
        self.own_room_created(space, id);
        for handler in &space.table.connect {
            if !socket.is_connected() {
                return;
            }
            if let Err(message) = self.call("connect", || handler(socket)) {
                let error = HandlerError::Panic { event: "connect".to_owned(), message };
                self.report(socket, &error);
            }
        }
    }

    fn let_in(&self, key: SocketKey, session: SessionKey, space: &Space) -> bool {
        let mut core = self.core.borrow_mut();
        let protocol = core.protocol_of(session);
        let is_recoverable = core.hub.recovers() && protocol == Protocol::V4;
        if let Some(over) = core.hub.begin_anew(key) {
            self.shared.session_ended(&over, self.index);
        }
        let pid = core.hub.pid(key).cloned().filter(|_| is_recoverable);
        let pid = pid.or_else(|| is_recoverable.then(|| core.new_socket_id()));
        let now = core.now;
        let Some(missed) = core.hub.accept(now, key, pid.clone()) else { return false };
        for packet in &missed {
            core.send_broadcast(session, packet);
        }
        let id = core.hub.id(key).cloned().unwrap_or_else(|| Arc::from(""));
        let packet = consent(protocol, &space.cell.name, &id, pid.as_deref());
        core.send_control(session, &packet);
        core.counts.sockets.add(1);
        core.counts.sockets_connected.add(1);
        core.counts.recovered.add(core.hub.is_recovered(key).into());
        true
    }

    fn refuse(self: &Rc<Self>, socket: &Socket, refusal: &ConnectError) {
        let (key, session, space) = (socket.key(), socket.session(), socket.space());
        {
            let mut core = self.core.borrow_mut();
            let protocol = core.protocol_of(session);
            let packet = revision::refusal(protocol, &space.cell.name, refusal);
            core.send_control(session, &packet);
            core.counts.sockets_refused.add(1);
        }
        log!(
            DEBUG,
            "siomio::socket",
            "refused",
            namespace = space.cell.name.escape_debug(),
            why = refusal.shown().escape_debug()
        );
        self.abandon(key, space, true);
    }

    /// Takes a socket back that has not been let in. The session that it would have taken up can be asked for again, unless it is not
    /// wanted any more.
    pub(crate) fn abandon(self: &Rc<Self>, key: SocketKey, space: &Rc<Space>, is_wanted: bool) {
        if !self.core.borrow().hub.is_connecting(key) {
            return;
        }
        let census = self.census(space);
        let rooms = self.rooms_to_note(key, &census);
        let (mut extra, id, session) = {
            let mut core = self.core.borrow_mut();
            let id = core.hub.id(key).cloned().unwrap_or_else(|| "".into());
            let session = core.hub.reclaim(key);
            core.hub.refuse(key);
            (core.take_extra(key), id, session)
        };
        self.left_rooms(census, space, &id, rooms);
        if let Some(session) = session {
            let data = extra.as_mut().map(|extra| &mut extra.belongings.extensions);
            let data = data.map(std::mem::take).unwrap_or_default();
            let found = Found { session, data };
            if is_wanted {
                self.keep(space.cell.id, Some(found));
            } else {
                self.end_session(found);
            }
        }
        self.drop_extra(extra);
        self.shared.left_namespace(&space.cell);
    }

    /// What the client sent along to the namespace.
    fn auth_of(&self, key: SocketKey) -> Option<Rc<str>> {
        let mut core = self.core.borrow_mut();
        core.extra_mut(key, false).and_then(|extra| extra.auth.clone())
    }

    /// Refuses a client that sends more along to a namespace than is kept. Returns whether it does not.
    pub(crate) fn takes_auth(&self, session: SessionKey, namespace: &str, auth: &str) -> bool {
        let is_taken = auth.len() <= self.shared.config.max_auth;
        if !is_taken {
            self.refuse_early(session, namespace, "too much auth data");
        }
        is_taken
    }

    /// Refuses a client that gets no socket to be asked about.
    pub(crate) fn refuse_early(&self, session: SessionKey, namespace: &str, why: &str) {
        let packet = Packet::connect_error(namespace, why, None);
        self.core.borrow_mut().send_control(session, &packet);
        self.counts.sockets_refused.add(1);
        log!(DEBUG, "siomio::socket", "refused", namespace = namespace.escape_debug(), why = why);
    }
}
