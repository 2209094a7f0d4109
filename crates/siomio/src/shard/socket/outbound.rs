//! What is sent to one socket.

use std::{borrow::Cow, rc::Rc, sync::Arc, time::Duration};

use siomio_hub::{Broadcast, Flags, NamespaceId, Selector, SocketKey};
use siomio_packet::{Data, IntoArgs, Kind, Payload};

use crate::{
    AckError, Dropped, Event, HandlerError, Handshake, Sent, Socket,
    config::capped,
    mailbox::RunHere,
    reply::ReplySender,
    shard::{
        core::{Core, SessionKey},
        local::Local,
        socket::listeners::{AnyListener, MiddlewareListener},
        space::Space,
    },
};

impl Local {
    /// Sends an event to a socket.
    pub(crate) fn emit<A: IntoArgs>(
        self: &Rc<Self>,
        socket: &Socket,
        event: &str,
        args: &A,
        flags: Flags,
    ) -> Sent {
        let mut payload = self.scratch.take().unwrap_or_default();
        let sent = match payload.event(event, args) {
            Ok(()) => self.emit_encoded(socket, &payload, flags),
            Err(error) => error.into(),
        };
        self.keep_scratch(payload);
        sent
    }

    /// Sends an event that is encoded already.
    pub(crate) fn emit_payload(
        self: &Rc<Self>,
        key: SocketKey,
        payload: &Payload,
        flags: Flags,
    ) -> Sent {
        let Some((space, session)) = self.space_of(key).zip(self.core.borrow().session_of(key))
        else {
            return Sent::Dropped(Dropped::Disconnected);
        };
        self.emit_encoded(&Socket::new(self.clone(), key, space, session), payload, flags)
    }

    fn emit_encoded(self: &Rc<Self>, socket: &Socket, payload: &Payload, flags: Flags) -> Sent {
        self.show_outgoing(socket, payload, false);
        let mut core = self.core.borrow_mut();
        if core.hub.recovers() && !flags.volatile {
            return core.send_recoverable(socket.key(), &socket.space().cell.name, payload);
        }
        core.send(socket.key(), Kind::Event, None, payload, flags)
    }

    /// Sends an event that is to be acknowledged.
    pub(crate) fn emit_with_ack(
        self: &Rc<Self>,
        socket: &Socket,
        payload: &Payload,
        timeout: Duration,
        reply: ReplySender,
    ) {
        self.show_outgoing(socket, payload, true);
        let mut core = self.core.borrow_mut();
        let (token, deadline) = (core.new_token(), core.environment.now() + capped(timeout));
        let Some(id) = core.hub.expect_ack(socket.key(), token, deadline) else {
            drop(core);
            return reply.send(Err(AckError::Disconnected));
        };
        let sent = core.send(socket.key(), Kind::Event, Some(id), payload, Flags::default());
        if let Sent::Dropped(dropped @ (Dropped::Overflow | Dropped::Parser)) = sent {
            core.hub.forgo_ack(socket.key(), id);
            drop(core);
            return reply.send(Err(AckError::NotSent(dropped)));
        }
        // If it was dropped otherwise the socket is on its way out, and its departure resolves the reply.
        core.replies.insert(token, reply);
    }

    /// Runs code of the application with a socket.
    pub(crate) fn run_with(self: &Rc<Self>, key: SocketKey, run: Box<RunHere>) {
        let place = self.space_of(key).zip(self.core.borrow().session_of(key));
        let Some((space, session)) = place else {
            return self.discard(run);
        };
        let socket = Socket::new(self.clone(), key, space, session);
        if let Err(message) = self.call("run", || run(&socket)) {
            self.report(&socket, &HandlerError::Panic { event: "run".to_owned(), message });
        }
    }

    /// Shows an event to those who see all that is sent to a socket.
    fn show_outgoing(self: &Rc<Self>, socket: &Socket, payload: &Payload, wants_ack: bool) {
        if self.sees_outgoing(socket.key(), socket.space()) {
            let data = Data::of_own_event(payload.json(), payload.attachments());
            self.show(socket, &data, wants_ack);
        }
    }

    /// Whether anybody sees all that is sent to a socket.
    pub(crate) fn sees_outgoing(&self, key: SocketKey, space: &Space) -> bool {
        if !space.table.any_outgoing.is_empty() {
            return true;
        }
        let mut core = self.core.borrow_mut();
        core.shows_outgoing && core.has_outgoing_listeners(key)
    }

    pub(crate) fn show(self: &Rc<Self>, socket: &Socket, data: &Data<'_>, wants_ack: bool) {
        let Some((name, args)) = data.event().filter(|_| socket.is_connected()) else { return };
        let event = Event::new(Cow::Borrowed(name.as_str()), args, wants_ack);
        let panicked = |message| HandlerError::Panic { event: event.name().to_owned(), message };
        for see in &socket.space().table.any_outgoing {
            if let Err(message) = self.call("on_any_outgoing", || see(socket, &event)) {
                self.report(socket, &panicked(message));
            }
        }
        let own = self.core.borrow_mut().outgoing_listeners(socket.key());
        for see in own {
            if let Err(message) = self.call("on_any_outgoing", || see(socket, &event)) {
                self.report(socket, &panicked(message));
            }
        }
    }

    /// A session's client has taken everything after too much had waited for it.
    pub(crate) fn drained(self: &Rc<Self>, session: SessionKey) {
        let sockets = {
            let core = self.core.borrow();
            let client = core.sessions.get(session).and_then(|state| state.client);
            client.map(|client| core.hub.sockets(client)).unwrap_or_default()
        };
        for key in sockets {
            let Some(space) = self.space_of(key) else { continue };
            let socket = Socket::new(self.clone(), key, space, session);
            let own: Vec<_> = {
                let mut core = self.core.borrow_mut();
                let listeners = core.extra_mut(key, false).and_then(|it| it.listeners.as_ref());
                let drain = listeners.map_or(&[][..], |listeners| &listeners.drain);
                drain.iter().map(|(_, run)| run.clone()).collect()
            };
            let panicked = |message| HandlerError::Panic { event: "drain".to_owned(), message };
            for run in socket.space().table.drain.iter().filter(|_| socket.is_connected()) {
                if let Err(message) = self.call("drain", || run(&socket)) {
                    self.report(&socket, &panicked(message));
                }
            }
            for run in own.iter().filter(|_| socket.is_connected()) {
                if let Err(message) = self.call("drain", || run(&socket)) {
                    self.report(&socket, &panicked(message));
                }
            }
        }
    }

    /// How a socket came.
    pub(crate) fn handshake(&self, key: SocketKey, session: SessionKey) -> Handshake {
        let mut core = self.core.borrow_mut();
        let extra = core.extra_mut(key, false);
        let auth = extra.as_ref().and_then(|extra| extra.auth.clone());
        let late = extra.and_then(|extra| extra.backlog.as_ref()?.opening().cloned());
        let opening = core.sessions.get(session).map(|state| state.opening.clone());
        // A socket outlives its session only behind blocking handlers, and then its backlog has it.
        let opening = opening.or(late).expect("somebody keeps it while a socket has handlers");
        Handshake::new(opening, auth)
    }
}

impl Core {
    /// Sends an event that the client can ask for again.
    fn send_recoverable(&mut self, key: SocketKey, name: &Arc<str>, payload: &Payload) -> Sent {
        if !self.hub.is_connected(key) {
            return Sent::Dropped(Dropped::Disconnected);
        }
        let place = self.hub.namespace_of(key).zip(self.hub.id(key).cloned());
        let (Some((namespace, id)), Some(session)) = (place, self.session_of(key)) else {
            return Sent::Dropped(Dropped::Disconnected);
        };
        let offset = self.hub.next_private_offset();
        let packet = Arc::new(Broadcast::new(name.clone(), payload, offset));
        let now = self.now;
        self.hub.record(now, namespace, &Selector::all().room(id), &packet);
        self.send_recorded(key, session, &packet)
    }

    /// Sends an event to many that they can ask for again, less those who have it already.
    pub(crate) fn deliver_recoverable(
        &mut self,
        namespace: NamespaceId,
        to: &Selector,
        packet: &Arc<Broadcast>,
    ) {
        let mut sockets = Vec::new();
        self.hub.select_sockets(namespace, to, &mut sockets);
        if self.hub.is_catching_up() {
            sockets.retain(|socket| !self.hub.has_received(*socket, packet));
        }
        let now = self.now;
        self.hub.record(now, namespace, to, packet);
        for socket in sockets {
            if let Some(session) = self.session_of(socket) {
                self.send_recorded(socket, session, packet);
            }
        }
    }

    fn send_recorded(
        &mut self,
        socket: SocketKey,
        session: SessionKey,
        packet: &Arc<Broadcast>,
    ) -> Sent {
        let sent = self.send_broadcast(session, packet);
        match sent {
            Sent::Queued | Sent::HighWater => self.hub.delivered(socket, packet),
            Sent::Dropped(Dropped::Disconnected | Dropped::SlowConsumer) => {
                self.hub.undelivered(socket);
            }
            // The application wants it so: whoever stays gets what comes later.
            Sent::Dropped(_) => {}
        }
        sent
    }

    pub(crate) fn has_listeners(&mut self, key: SocketKey) -> bool {
        self.extra_mut(key, false).is_some_and(|extra| extra.listeners.is_some())
    }

    fn has_outgoing_listeners(&mut self, key: SocketKey) -> bool {
        let listeners = self.extra_mut(key, false).and_then(|extra| extra.listeners.as_ref());
        listeners.is_some_and(|listeners| !listeners.any_outgoing.is_empty())
    }

    fn outgoing_listeners(&mut self, key: SocketKey) -> Vec<Rc<AnyListener>> {
        let listeners = self.extra_mut(key, false).and_then(|extra| extra.listeners.as_ref());
        let any = listeners.map_or(&[][..], |listeners| &listeners.any_outgoing);
        any.iter().map(|(_, see)| see.clone()).collect()
    }

    /// Those who see all events of a socket, and those who may refuse them.
    pub(crate) fn catch_alls(
        &mut self,
        key: SocketKey,
    ) -> (Vec<Rc<AnyListener>>, Vec<Rc<MiddlewareListener>>) {
        let listeners = self.extra_mut(key, false).and_then(|extra| extra.listeners.as_ref());
        let Some(listeners) = listeners else { return (Vec::new(), Vec::new()) };
        let any = listeners.any.iter().map(|(_, see)| see.clone()).collect();
        (any, listeners.middlewares.iter().map(|(_, ask)| ask.clone()).collect())
    }
}
