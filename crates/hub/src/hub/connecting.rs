//! Sockets come and go.

use std::{sync::Arc, time::Instant};

use super::{Departure, Hub};
use crate::{
    Broadcast, ClientKey, DisconnectReason, NamespaceId, Recovered, Socket, SocketKey,
    client::Membership,
    deadlines::Waiting,
    socket::{Connecting, Phase},
};

impl Hub {
    /// Begins to connect a client to a namespace: the socket may join rooms, but nothing reaches it yet. Go on with
    /// [`accept`](Self::accept) or [`refuse`](Self::refuse). `None` when the client is gone, or there already.
    pub fn begin_connect(
        &mut self,
        client: ClientKey,
        namespace: NamespaceId,
        id: Arc<str>,
    ) -> Option<SocketKey> {
        let state = self.clients.get_mut(client)?;
        if let Some(Membership::Socket(_)) = state.membership(namespace) {
            return None;
        }
        let socket = self.sockets.insert(Socket {
            id: id.clone(),
            client,
            namespace,
            phase: Phase::Connecting,
            acks: Default::default(),
            connecting: None,
            session: None,
        });
        state.set_membership(namespace, Some(Membership::Socket(socket)));
        let tag = state.tag;
        self.rooms().insert(socket, tag, namespace, id);
        Some(socket)
    }

    /// A socket that [begins to connect](Self::begin_connect), under its earlier id, takes its session up again: from here on it is
    /// in its rooms.
    pub fn take_up(&mut self, socket: SocketKey, recovered: Recovered) {
        if !self.is_connecting(socket) {
            return;
        }
        for room in &recovered.rooms {
            self.join(socket, room);
        }
        if let Some(connecting) = self.connecting_mut(socket) {
            connecting.recovered = Some(recovered);
        }
    }

    /// The session that a socket would have [taken up](Self::take_up), which is going to be [refused](Self::refuse): so that it can be
    /// [kept](Self::keep).
    pub fn reclaim(&mut self, socket: SocketKey) -> Option<Recovered> {
        if !self.is_connecting(socket) {
            return None;
        }
        self.sockets.get_mut(socket)?.connecting.as_mut()?.recovered.take()
    }

    /// If a socket that [connects](Self::take_up) has missed what is not known any more, because the decision took so long: it is to
    /// begin anew instead of taking its session up. Returns the session's private id then. Ask before [accepting](Self::accept) it.
    pub fn begin_anew(&mut self, socket: SocketKey) -> Option<Arc<str>> {
        let connecting = self.sockets.get(socket)?.connecting.as_ref()?;
        let is_whole = self.can_take_up(connecting.recovered.as_ref()?);
        if is_whole { None } else { self.reclaim(socket).map(|session| session.pid) }
    }

    /// The decision about a socket that connects has to come by then, or it is [due](crate::Due::Decision). What was set before
    /// does not count any more.
    pub fn limit_decision(&mut self, socket: SocketKey, at: Instant) {
        if self.is_connecting(socket) {
            let deadline = self.deadlines.set(at, Waiting::Decision { socket });
            let connecting = self.connecting_mut(socket);
            if let Some(old) = connecting.and_then(|own| own.deadline.replace(deadline)) {
                self.deadlines.clear(old);
            }
        }
    }

    /// Completes the connecting of a socket. `pid` is the secret by which its session can be taken up again. Returns what the
    /// client has missed, to be sent before anything else; `None` when the socket is gone.
    pub fn accept(
        &mut self,
        now: Instant,
        socket: SocketKey,
        pid: Option<Arc<str>>,
    ) -> Option<Vec<Arc<Broadcast>>> {
        let state =
            self.sockets.get_mut(socket).filter(|state| state.phase == Phase::Connecting)?;
        state.phase = Phase::Connected;
        let connecting = state.connecting.take().map(|connecting| *connecting).unwrap_or_default();
        let client = state.client;
        let to_join =
            self.clients.get_mut(client).and_then(|client| client.connect_deadline.take());
        for deadline in [to_join, connecting.deadline].into_iter().flatten() {
            self.deadlines.clear(deadline);
        }
        self.rooms().set_present(socket, true);
        Some(self.begin_session(now, socket, connecting.recovered, pid))
    }

    /// Gives up the connecting of a socket, which leaves the rooms it has joined. Returns `false` when it is gone.
    pub fn refuse(&mut self, socket: SocketKey) -> bool {
        let Some(state) =
            self.sockets.get_mut(socket).filter(|state| state.phase == Phase::Connecting)
        else {
            return false;
        };
        let connecting = state.connecting.take();
        if let Some(deadline) = connecting.and_then(|connecting| connecting.deadline) {
            self.deadlines.clear(deadline);
        }
        self.set_membership(socket, None);
        self.sockets.remove(socket);
        self.rooms().remove(socket);
        true
    }

    /// Begins to disconnect a socket: nothing reaches it any more and nothing of it is heard, but its rooms can still be
    /// read. Go on with [`remove`](Self::remove). Returns `false` when it is not connected.
    ///
    /// `by_client` says that the client asked for it: what it sends to the namespace after this
    /// [batch](Self::end_batch) is a violation, while after a disconnect by the server such packets may have crossed it and
    /// are ignored.
    pub fn begin_disconnect(&mut self, socket: SocketKey, by_client: bool) -> bool {
        let Some(state) =
            self.sockets.get_mut(socket).filter(|state| state.phase == Phase::Connected)
        else {
            return false;
        };
        state.phase = Phase::Leaving;
        let membership = if by_client { Membership::Leaving } else { Membership::Left };
        // Once is enough for whoever leaves one after another.
        if by_client && self.leaving.last() != Some(&state.client) {
            self.leaving.push(state.client);
        }
        self.set_membership(socket, Some(membership));
        self.rooms().set_present(socket, false);
        if let Some(place) = self.recovery.as_ref().map(|recovery| recovery.log.place()) {
            self.end_deliveries(socket, place);
        }
        true
    }

    /// Removes a socket, with its rooms and what it is owed. For some reasons its session is kept.
    pub fn remove(
        &mut self,
        now: Instant,
        socket: SocketKey,
        reason: DisconnectReason,
    ) -> Option<Departure> {
        let rooms = self.rooms_to_keep(socket);
        let mut state = self.sockets.remove(socket)?;
        self.rooms().remove(socket);
        let owed: Vec<_> = state.acks.drain().collect();
        let acks =
            owed.into_iter().map(|awaited| self.settle_ack(state.namespace, awaited)).collect();
        let kept = self.end_session(now, socket, state, rooms, reason);
        Some(Departure { acks, kept })
    }

    pub(super) fn set_membership(&mut self, socket: SocketKey, membership: Option<Membership>) {
        let Some(state) = self.sockets.get(socket) else { return };
        if let Some(client) = self.clients.get_mut(state.client) {
            client.set_membership(state.namespace, membership);
        }
    }

    fn connecting_mut(&mut self, socket: SocketKey) -> Option<&mut Connecting> {
        Some(self.sockets.get_mut(socket)?.connecting.get_or_insert_default())
    }
}
