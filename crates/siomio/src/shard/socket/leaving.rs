//! Sockets go.

use std::{rc::Rc, sync::Arc};

use siomio_engine::CloseReason;
use siomio_hub::{Answer, Awaiter, DisconnectReason, SocketKey};
use siomio_packet::Packet;

use crate::{
    AckError, HandlerError, Socket,
    shard::{
        core::{Extra, Pending, SessionKey},
        local::Local,
        socket::listeners::{DisconnectListener, Listeners, Numbered},
    },
    trace::log,
};

impl Local {
    /// The application disconnects a socket; with `close`, the whole connection.
    pub(crate) fn disconnect(self: &Rc<Self>, key: SocketKey, close: bool) {
        let Some(session) = self.core.borrow().session_of(key) else { return };
        // One that waits for a middleware is refused.
        self.give_up_waiting(key, "disconnected");
        let sockets = {
            let mut core = self.core.borrow_mut();
            // Inside of a middleware, too: it says so when the middleware has let it in.
            let is_connecting = core.hub.is_connecting(key);
            if is_connecting {
                drop(core);
                if let Some(space) = self.space_of(key) {
                    self.abandon(key, &space, false);
                }
                core = self.core.borrow_mut();
            }
            let client = core.sessions.get(session).and_then(|state| state.client);
            let all = if close { client.map(|client| core.hub.sockets(client)) } else { None };
            all.unwrap_or_else(|| vec![key])
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
    /// an acknowledgement. Runs once for every socket that was connected; one that was not is forgotten.
    pub(crate) fn leave(self: &Rc<Self>, key: SocketKey, reason: DisconnectReason) {
        let Some(space) = self.space_of(key) else { return };
        let by_server = reason == DisconnectReason::ServerNamespaceDisconnect;
        let session = {
            let mut core = self.core.borrow_mut();
            let Some(session) = core.session_of(key) else { return };
            if core.hub.is_connecting(key) {
                drop(core);
                self.abandon(key, &space, reason.is_recoverable());
                return;
            }
            let by_client = reason == DisconnectReason::ClientNamespaceDisconnect;
            if !core.hub.begin_disconnect(key, by_client) {
                return;
            }
            if by_server {
                core.send_control(session, &Packet::disconnect(&*space.cell.name));
            }
            session
        };
        if self.is_behind(key) {
            // Its handlers run when everything before this has been handled.
            return self.leave_later(key, session, reason);
        }
        self.finish_leaving(&Socket::new(self.clone(), key, space, session), reason);
    }

    /// Runs the handlers of a disconnect, and removes the socket.
    pub(crate) fn finish_leaving(self: &Rc<Self>, socket: &Socket, reason: DisconnectReason) {
        let table = &socket.space().table;
        let own = self.take_disconnect_listeners(socket.key(), |listeners| {
            std::mem::take(&mut listeners.disconnecting)
        });
        for handler in &table.disconnecting {
            self.run_last(socket, "disconnecting", || handler(socket, reason));
        }
        for handler in own {
            self.run_last(socket, "disconnecting", || handler(socket, reason));
        }
        for handler in &table.disconnect {
            self.run_last(socket, "disconnect", || handler(socket, reason));
        }
        let own = self.take_disconnect_listeners(socket.key(), |listeners| {
            std::mem::take(&mut listeners.disconnect)
        });
        for handler in own {
            self.run_last(socket, "disconnect", || handler(socket, reason));
        }
        self.forget(socket, reason);
    }

    fn take_disconnect_listeners(
        &self,
        key: SocketKey,
        take: fn(&mut Listeners) -> Numbered<DisconnectListener>,
    ) -> impl Iterator<Item = Box<DisconnectListener>> + use<> {
        let mut core = self.core.borrow_mut();
        let listeners = core.extra_mut(key, false).and_then(|extra| extra.listeners.as_mut());
        listeners
            .map(|listeners| take(listeners))
            .unwrap_or_default()
            .into_iter()
            .map(|(_, run)| run)
    }

    fn run_last(self: &Rc<Self>, socket: &Socket, event: &str, run: impl FnOnce()) {
        if let Err(message) = self.call(event, run) {
            let error = HandlerError::Panic { event: event.to_owned(), message };
            self.report(socket, &error);
        }
    }

    /// Removes what is left of a socket. The application's values are dropped, and its callbacks run, outside of the borrow.
    fn forget(self: &Rc<Self>, socket: &Socket, reason: DisconnectReason) {
        let (key, space) = (socket.key(), socket.space());
        self.counts.sockets.sub(1);
        log!(
            DEBUG,
            "siomio::socket",
            "disconnected",
            id = self.shown_id(socket),
            namespace = space.cell.name.escape_debug(),
            reason = reason
        );
        // From here on the census is locked: nothing of the application's runs before it is let go.
        let census = self.census(space);
        let rooms = self.rooms_to_note(key, &census);
        let id = Arc::from(socket.id());
        let (mut extra, departure, replies, pid) = {
            let mut core = self.core.borrow_mut();
            let (now, pid) = (core.now, core.hub.pid(key).cloned());
            let departure = core.hub.remove(now, key, reason).unwrap_or_default();
            let extra = core.take_extra(key);
            let replies: Vec<_> = departure
                .acks
                .iter()
                .filter_map(|awaiter| match awaiter {
                    Awaiter::One(token) => core.replies.remove(token),
                    Awaiter::Gathering(_) => None,
                })
                .collect();
            (extra, departure, replies, pid)
        };
        self.left_rooms(census, space, &id, rooms);
        for awaiter in &departure.acks {
            if let Awaiter::Gathering(request) = awaiter {
                self.answer(*request, Answer::Ack(None));
            }
        }
        for reply in replies {
            reply.send(Err(AckError::Disconnected));
        }
        if let Some(pid) = departure.kept {
            let data = extra.as_mut().map(|extra| &mut extra.belongings.extensions);
            let data = data.map(std::mem::take).unwrap_or_default();
            self.keep_data(pid, data);
        } else if let Some(pid) = pid {
            self.session_is_over(&pid, None);
        }
        self.drop_extra(extra);
        self.shared.left_namespace(&space.cell);
    }

    /// Drops what was kept with a socket: values, closures and timers of the application.
    pub(crate) fn drop_extra(&self, extra: Option<Box<Extra>>) {
        let Some(extra) = extra else { return };
        let timers: Vec<_> = {
            let mut core = self.core.borrow_mut();
            let keys = extra.belongings.timers.iter();
            keys.filter_map(|(_, key)| core.timers.remove(*key)).collect()
        };
        self.discard((extra, timers));
    }

    /// Closes a session gracefully, because of what its client did or at the application's wish.
    pub(crate) fn close_session(self: &Rc<Self>, session: SessionKey) {
        let mut core = self.core.borrow_mut();
        let now = core.now;
        core.with_session(session, |machine, actions| machine.close(now, actions));
        let is_waiting = core.sessions.get(session).is_some_and(|state| !state.machine.is_closed());
        if is_waiting {
            core.events.push_back(Pending::Closing { session });
        }
    }

    /// A session closes, but its farewell waits for a GET: for the application it is over now.
    pub(crate) fn handle_closing(self: &Rc<Self>, session: SessionKey) {
        self.disconnect_all(session, DisconnectReason::ForcedServerClose);
    }

    /// A session has closed.
    pub(crate) fn handle_closed(self: &Rc<Self>, session: SessionKey, reason: CloseReason) {
        self.tell_closed(session, reason);
        self.drop_lookups(session);
        self.disconnect_all(session, disconnect_reason(reason));
        self.engine_closed(session, reason);
        let mut core = self.core.borrow_mut();
        core.release(session);
        if let Some(client) = core.remove_session(session).and_then(|state| state.client) {
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
        CloseReason::Overloaded => DisconnectReason::Overloaded,
        _ => DisconnectReason::ForcedClose,
    }
}
