//! Sockets come and go.

use std::rc::Rc;

use siomio_engine::CloseReason;
use siomio_hub::{DisconnectReason, NamespaceId, SocketKey};
use siomio_packet::{Data, connect_error, disconnect};

use crate::{
    AckError, ConnectError, HandlerError, Socket,
    shard::{
        core::{Event, SessionKey},
        local::Local,
        socket::revision::{self, consent},
    },
};

impl Local {
    /// A client asks to join a namespace.
    pub(crate) fn connect(
        self: &Rc<Self>,
        session: SessionKey,
        namespace: NamespaceId,
        auth: &Data<'_>,
    ) {
        let key = {
            let mut core = self.core.borrow_mut();
            let id = core.socket_id(session, namespace);
            let Some(client) = core.sessions.get(session).and_then(|state| state.client) else {
                return;
            };
            let Some(key) = core.hub.begin_connect(client, namespace, id) else { return };
            if !auth.json().is_empty() {
                if let Some(extra) = core.extra_mut(key, true) {
                    extra.auth = Some(auth.json().into());
                }
            }
            key
        };
        let tables = self.tables();
        let Some(table) = tables.namespaces.get(namespace.index()) else { return };
        let socket = Socket::new(self.clone(), key, namespace, session);
        if let Some(middleware) = &table.middleware {
            match self.guard(|| middleware.call(&socket, auth)) {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => return self.refuse(session, key, &table.name, &refusal),
                Err(message) => {
                    let error = HandlerError::Panic { event: "middleware".to_owned(), message };
                    self.report(&socket, key, table, &error);
                    return self.refuse(
                        session,
                        key,
                        &table.name,
                        &ConnectError::new("internal error"),
                    );
                }
            }
        }
        if !self.accept(session, key, &table.name, &socket.id()) {
            // The middleware disconnected it, and let it in nevertheless.
            return self.refuse(session, key, &table.name, &ConnectError::new("disconnected"));
        }
        for handler in &table.connect {
            if !socket.is_connected() {
                return;
            }
            if let Err(message) = self.guard(|| handler(&socket)) {
                let error = HandlerError::Panic { event: "connect".to_owned(), message };
                self.report(&socket, key, table, &error);
            }
        }
    }

    /// Lets a socket in: the answer goes out before anything else can.
    fn accept(&self, session: SessionKey, key: SocketKey, namespace: &str, id: &str) -> bool {
        let mut core = self.core.borrow_mut();
        let accepted = core.hub.accept(key);
        if accepted {
            let packet = consent(core.protocol_of(session), namespace, id);
            core.send_packet(session, &[&packet], &[]);
        }
        accepted
    }

    fn refuse(&self, session: SessionKey, key: SocketKey, namespace: &str, refusal: &ConnectError) {
        {
            let mut core = self.core.borrow_mut();
            let packet = revision::refusal(core.protocol_of(session), namespace, refusal);
            core.hub.refuse(key);
            core.send_packet(session, &[&packet], &[]);
        }
        self.forget(key);
    }

    pub(crate) fn refuse_unknown(&self, session: SessionKey, namespace: &str) {
        let mut packet = Vec::new();
        connect_error(&mut packet, namespace, "Invalid namespace", None);
        self.core.borrow_mut().send_packet(session, &[&packet], &[]);
    }

    /// The application disconnects a socket; with `close`, the whole connection.
    pub(crate) fn disconnect(self: &Rc<Self>, key: SocketKey, close: bool) {
        let (session, sockets) = {
            let mut core = self.core.borrow_mut();
            let Some(session) = core.session_of(key) else { return };
            // In a middleware, a disconnect is a refusal.
            let is_connecting = !core.hub.is_connected(key);
            if is_connecting {
                core.hub.refuse(key);
            }
            let client = core.sessions.get(session).and_then(|state| state.client);
            let all = if close { client.map(|client| core.hub.sockets(client)) } else { None };
            (session, all.unwrap_or_else(|| vec![key]))
        };
        for key in sockets {
            self.leave(key, DisconnectReason::ServerNamespaceDisconnect);
        }
        if close {
            self.close_session(session);
        }
    }

    /// The client left a namespace.
    pub(crate) fn leave_by_client(self: &Rc<Self>, key: SocketKey) {
        self.leave(key, DisconnectReason::ClientNamespaceDisconnect);
    }

    /// Takes a socket out of its namespace, telling the client if it does not know, the application, and whoever waits for
    /// an acknowledgement. Runs once for every socket that was connected.
    pub(crate) fn leave(self: &Rc<Self>, key: SocketKey, reason: DisconnectReason) {
        let (session, namespace) = {
            let mut core = self.core.borrow_mut();
            let (session, namespace) = (core.session_of(key), core.hub.namespace_of(key));
            let (Some(session), Some(namespace)) = (session, namespace) else { return };
            if !core
                .hub
                .begin_disconnect(key, reason == DisconnectReason::ClientNamespaceDisconnect)
            {
                return;
            }
            if reason == DisconnectReason::ServerNamespaceDisconnect {
                let mut packet = Vec::new();
                disconnect(&mut packet, core.hub.name(namespace).map_or("/", |name| name));
                core.send_packet(session, &[&packet], &[]);
            }
            (session, namespace)
        };
        let tables = self.tables();
        if let Some(table) = tables.namespaces.get(namespace.index()) {
            let socket = Socket::new(self.clone(), key, namespace, session);
            for handler in &table.disconnect {
                if let Err(message) = self.guard(|| handler(&socket, reason)) {
                    let error = HandlerError::Panic { event: "disconnect".to_owned(), message };
                    self.report(&socket, key, table, &error);
                }
            }
        }
        self.forget(key);
    }

    /// Removes what is left of a socket. The application's values are dropped, and its callbacks run, outside of the borrow.
    fn forget(&self, key: SocketKey) {
        let (extra, timers, replies) = {
            let mut core = self.core.borrow_mut();
            let departure = core.hub.remove(key);
            let extra = core.take_extra(key);
            let keys = extra.iter().flat_map(|extra| &extra.belongings.timers);
            let timers: Vec<_> = keys.filter_map(|(_, key)| core.timers.remove(*key)).collect();
            let tokens = departure.map(|departure| departure.acks).unwrap_or_default();
            let replies: Vec<_> =
                tokens.iter().filter_map(|token| core.replies.remove(token)).collect();
            (extra, timers, replies)
        };
        for reply in replies {
            reply.send(Err(AckError::Disconnected));
        }
        drop(self.guard(|| drop((extra, timers))));
    }

    /// Closes a session gracefully, because of what its client did or at the application's wish.
    pub(crate) fn close_session(self: &Rc<Self>, session: SessionKey) {
        let mut core = self.core.borrow_mut();
        let now = core.now;
        core.with_session(session, |machine, actions| machine.close(now, actions));
        let is_waiting = core.sessions.get(session).is_some_and(|state| !state.machine.is_closed());
        if is_waiting {
            core.events.push_back(Event::Closing { session });
        }
    }

    /// A session closes, but its farewell waits for a GET: for the application it is over now.
    pub(crate) fn handle_closing(self: &Rc<Self>, session: SessionKey) {
        self.disconnect_all(session, DisconnectReason::ForcedServerClose);
    }

    /// A session has closed.
    pub(crate) fn handle_closed(self: &Rc<Self>, session: SessionKey, reason: CloseReason) {
        self.disconnect_all(session, disconnect_reason(reason));
        self.engine_closed(session, reason);
        let mut core = self.core.borrow_mut();
        if let Some(client) = core.sessions.remove(session).and_then(|state| state.client) {
            core.hub.close_client(client);
        }
    }

    /// Disconnects the sockets of a session.
    pub(crate) fn disconnect_all(self: &Rc<Self>, session: SessionKey, reason: DisconnectReason) {
        let sockets = {
            let core = self.core.borrow();
            let client = core.sessions.get(session).and_then(|state| state.client);
            client.map(|client| core.hub.sockets(client)).unwrap_or_default()
        };
        for key in sockets {
            self.leave(key, reason);
        }
    }
}

const fn disconnect_reason(reason: CloseReason) -> DisconnectReason {
    match reason {
        CloseReason::TransportError(_) => DisconnectReason::TransportError,
        CloseReason::TransportClose => DisconnectReason::TransportClose,
        CloseReason::PingTimeout => DisconnectReason::PingTimeout,
        CloseReason::ParseError => DisconnectReason::ParseError,
        CloseReason::SlowConsumer => DisconnectReason::SlowConsumer,
        _ => DisconnectReason::ForcedClose,
    }
}
