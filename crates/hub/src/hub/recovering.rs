//! Sessions that outlive their connections; see [`crate::recovery`].

use std::{sync::Arc, time::Instant};

use super::{Hub, Recovering};
use crate::{
    Broadcast, DisconnectReason, Due, NamespaceId, Offset, Recovered, Selector, Socket, SocketKey,
    deadlines::Waiting,
    recovery::{Log, Lost, Session, Stays},
};

impl Hub {
    /// Whether sessions outlive their connections.
    pub const fn recovers(&self) -> bool {
        self.recovery.is_some()
    }

    /// A name for a packet that is made on this hub, if sessions outlive their connections.
    pub fn next_offset(&mut self) -> Option<Offset> {
        self.recovery.as_mut().map(|recovery| recovery.log.next_offset())
    }

    /// The same for a packet to one socket of this hub alone, which is connected.
    pub fn next_private_offset(&mut self) -> Option<Offset> {
        self.recovery.as_mut().map(|recovery| recovery.log.next_private_offset())
    }

    /// A packet is being delivered that can be asked for again. Call it for every packet with an offset that this hub makes
    /// or is told of, in this order, whether any of its sockets receives it or not.
    pub fn record(
        &mut self,
        now: Instant,
        namespace: NamespaceId,
        to: &Selector,
        packet: &Arc<Broadcast>,
    ) {
        let Some(recovery) = &mut self.recovery else { return };
        recovery.log.record(now, namespace, to, packet);
        if !recovery.catching_up.is_empty() {
            let seen = recovery.log.seen();
            recovery.catching_up.retain(|(_, marks)| !seen.include(marks));
        }
    }

    /// This packet was sent to a socket, after it was [recorded](Self::record).
    pub fn delivered(&mut self, socket: SocketKey, packet: &Broadcast) {
        let state = self.sockets.get_mut(socket);
        if let Some(session) = state.and_then(|state| state.session.as_mut()) {
            session.sent = packet.offset();
        }
    }

    /// This packet should have been sent to a socket, after it was [recorded](Self::record), but its connection takes nothing any
    /// more.
    pub fn undelivered(&mut self, socket: SocketKey) {
        let Some(place) = self.recovery.as_ref().map(|recovery| recovery.log.place()) else {
            return;
        };
        self.end_deliveries(socket, place.saturating_sub(1));
    }

    /// A socket that may come back has joined or left a room.
    pub(super) fn note_stay(&mut self, socket: SocketKey, note: impl FnOnce(&mut Stays, &Log)) {
        let Some(recovery) = &self.recovery else { return };
        let state = self.sockets.get_mut(socket);
        if let Some(session) = state.and_then(|state| state.session.as_mut()) {
            note(&mut session.stays, &recovery.log);
        }
    }

    /// From this place of the log on, a socket has received nothing.
    pub(super) fn end_deliveries(&mut self, socket: SocketKey, place: u64) {
        let state = self.sockets.get_mut(socket);
        if let Some(session) = state.and_then(|state| state.session.as_mut()) {
            session.until.get_or_insert(place);
        }
    }

    /// Whether a socket has this packet already, because the hub that had its session before has sent it. Ask before
    /// [recording](Self::record) it.
    pub fn has_received(&self, socket: SocketKey, packet: &Broadcast) -> bool {
        let (Some(recovery), Some(offset)) = (&self.recovery, packet.offset()) else {
            return false;
        };
        let mut marks = recovery.catching_up.iter().filter(|(own, _)| *own == socket);
        marks.any(|(_, marks)| marks.cover(offset))
    }

    /// Whether [`has_received`](Self::has_received) has to be asked at all.
    pub fn is_catching_up(&self) -> bool {
        self.recovery.as_ref().is_some_and(|recovery| !recovery.catching_up.is_empty())
    }

    /// The connected socket that has this session. Disconnect it before the session is [given up](Self::give_up).
    pub fn holder(&self, pid: &str) -> Option<SocketKey> {
        self.recovery.as_ref()?.sessions.holder(pid)
    }

    /// Whether there is a lost session of this id in a namespace.
    pub fn has_lost(&self, namespace: NamespaceId, pid: &str) -> bool {
        let sessions = self.recovery.as_ref().map(|recovery| &recovery.sessions);
        sessions.is_some_and(|sessions| sessions.has_lost(namespace, pid))
    }

    /// Gives a lost session up, to a client that has seen this offset last. `None` when it is not known, or what the client
    /// has missed is not, or is too much; then it is gone.
    pub fn give_up(&mut self, now: Instant, pid: &str, last: Option<Offset>) -> Option<Recovered> {
        let recovery = self.recovery.as_mut()?;
        let lost = recovery.sessions.take(now, pid)?;
        recovery.log.give_up(now, lost, last)
    }

    /// Keeps a session that was given up to a client that has gone meanwhile. Its id, or `None` if it cannot be kept here.
    pub fn keep(
        &mut self,
        now: Instant,
        namespace: NamespaceId,
        recovered: Recovered,
    ) -> Option<Arc<str>> {
        if !self.can_take_up(&recovered) {
            return None;
        }
        let recovery = self.recovery.as_mut()?;
        let (id, rooms) = (recovered.id.clone(), recovered.rooms.clone());
        let session = recovery.log.take_up(now, namespace, recovered);
        let (pid, at) = (session.pid.clone(), recovery.log.place());
        recovery.sessions.lost(now, Lost { namespace, id, rooms, at, session });
        self.await_expiry(now);
        Some(pid)
    }

    /// Whether this hub knows what the one that gave the session up had not seen.
    pub fn can_take_up(&self, recovered: &Recovered) -> bool {
        self.recovery.as_ref().is_some_and(|it| it.log.reaches_back_to(&recovered.seen))
    }

    /// Whether the socket has taken up the session of an earlier one.
    pub fn is_recovered(&self, socket: SocketKey) -> bool {
        let Some(state) = self.sockets.get(socket) else { return false };
        let connecting = state.connecting.as_ref();
        connecting.is_some_and(|connecting| connecting.recovered.is_some())
            || state.session.as_ref().is_some_and(|session| session.is_recovered)
    }

    /// The secret by which a socket's session can be taken up again.
    pub fn pid(&self, socket: SocketKey) -> Option<&Arc<str>> {
        let state = self.sockets.get(socket)?;
        let connecting = state.connecting.as_ref().and_then(|it| it.recovered.as_ref());
        connecting
            .map(|recovered| &recovered.pid)
            .or_else(|| state.session.as_ref().map(|session| &session.pid))
    }

    /// How many sessions there are, connected and lost.
    pub fn sessions(&self) -> usize {
        self.recovery.as_ref().map_or(0, |recovery| recovery.sessions.len())
    }

    /// The socket is connected: what it has missed.
    pub(super) fn begin_session(
        &mut self,
        now: Instant,
        socket: SocketKey,
        recovered: Option<Recovered>,
        pid: Option<Arc<str>>,
    ) -> Vec<Arc<Broadcast>> {
        let Some(recovery) = &mut self.recovery else { return Vec::new() };
        let Some(state) = self.sockets.get_mut(socket) else { return Vec::new() };
        let session = match recovered {
            None => {
                let Some(pid) = pid else { return Vec::new() };
                Session::new(pid, recovery.log.place())
            }
            Some(recovered) => {
                let session = recovery.log.take_up(now, state.namespace, recovered);
                if !recovery.log.seen().include(&session.marks) {
                    recovery.catching_up.push((socket, session.marks.clone()));
                }
                let prelude = session.prelude.as_ref();
                if let Some(until) = prelude.and_then(|it| it.until(recovery.log.max_age())) {
                    self.deadlines.set(until, Waiting::Prelude { socket });
                }
                session
            }
        };
        let prelude = session.prelude.as_ref();
        let missed = prelude.map(|prelude| prelude.packets().to_vec()).unwrap_or_default();
        recovery.sessions.connected(session.pid.clone(), socket);
        state.session = Some(Box::new(session));
        missed
    }

    /// The rooms of a socket whose session may be kept.
    pub(super) fn rooms_to_keep(&self, socket: SocketKey) -> Vec<Arc<str>> {
        let has_session = self.sockets.get(socket).is_some_and(|state| state.session.is_some());
        let mut rooms = if has_session { self.rooms_of(socket) } else { Vec::new() };
        // Its own needs no joining.
        rooms.drain(..rooms.len().min(1));
        rooms
    }

    /// A socket is gone. The id of its session, if that is kept.
    pub(super) fn end_session(
        &mut self,
        now: Instant,
        socket: SocketKey,
        state: Socket,
        rooms: Vec<Arc<str>>,
        reason: DisconnectReason,
    ) -> Option<Arc<str>> {
        let Recovering { log, sessions, catching_up } = &mut **self.recovery.as_mut()?;
        catching_up.retain(|(own, _)| *own != socket);
        let session = *state.session?;
        let pid = session.pid.clone();
        if !reason.is_recoverable() {
            sessions.ended(&pid, socket);
            return None;
        }
        let Socket { id, namespace, .. } = state;
        let at = session.until.unwrap_or_else(|| log.place());
        sessions.lost(now, Lost { namespace, id, rooms, at, session });
        self.await_expiry(now);
        Some(pid)
    }

    /// A session was lost: it is kept for so long, and if there are too many now, another goes at once.
    fn await_expiry(&mut self, now: Instant) {
        let Some(sessions) = self.recovery.as_ref().map(|recovery| &recovery.sessions) else {
            return;
        };
        if sessions.are_too_many() {
            self.deadlines.set(now, Waiting::Sessions);
        }
        if let Some(until) = sessions.last_expiry() {
            self.deadlines.set(until, Waiting::Sessions);
        }
    }

    /// The next lost session that is not kept any longer.
    pub(super) fn expire_sessions(&mut self, now: Instant) -> Option<Due> {
        let pid = self.recovery.as_mut()?.sessions.expire(now)?;
        // There may be more.
        self.deadlines.set(now, Waiting::Sessions);
        Some(Due::Session(pid))
    }

    /// What was sent again is so old that a client that has not seen it by now cannot come back. Nothing is as good as ever.
    pub(super) fn forget_prelude(&mut self, socket: SocketKey) {
        if let Some(session) = self.sockets.get_mut(socket).and_then(|state| state.session.as_mut())
        {
            session.prelude.take_if(|prelude| !prelude.packets().is_empty());
        }
    }
}
