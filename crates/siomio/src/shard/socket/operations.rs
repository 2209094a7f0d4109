//! What is to be done with the sockets of this shard that a selector means.

use std::{rc::Rc, sync::Arc};

use siomio_hub::{
    Answer, Broadcast, Flags, Gathering, NamespaceId, Operation, Selector, SocketInfo, SocketKey,
};

use crate::{
    Dropped, Namespace, Sent, Socket,
    config::capped,
    shard::{core::SessionKey, local::Local, space::Space},
};

impl Local {
    pub(crate) fn operate(self: &Rc<Self>, namespace: NamespaceId, operation: &Operation) {
        match operation {
            Operation::Broadcast { to, packet, flags, gathering: None } => {
                self.deliver(namespace, to, packet, *flags);
            }
            Operation::Broadcast { to, packet, flags, gathering: Some(gathering) } => {
                self.deliver_and_gather(namespace, to, packet, *flags, *gathering);
            }
            Operation::Join { who, rooms } => {
                for (socket, space) in self.select(namespace, who) {
                    self.join(socket, &space, &rooms[..]);
                }
            }
            Operation::Leave { who, rooms } => {
                for (socket, space) in self.select(namespace, who) {
                    self.leave_rooms(socket, &space, &rooms[..]);
                }
            }
            Operation::Disconnect { who, close } => {
                for (socket, _) in self.select(namespace, who) {
                    self.disconnect(socket, *close);
                }
            }
            Operation::Fetch { who, request } => {
                let sockets = self.select(namespace, who);
                let infos = sockets.into_iter().filter_map(|(socket, _)| self.describe(socket));
                let answer = Answer::Sockets(infos.collect());
                self.answer(*request, answer);
            }
            // These have mail of their own.
            _ => {}
        }
    }

    /// Sends an event to many.
    fn deliver(
        self: &Rc<Self>,
        namespace: NamespaceId,
        to: &Selector,
        packet: &Arc<Broadcast>,
        flags: Flags,
    ) {
        let Some(space) = self.space(namespace).filter(|space| self.is_watched(space)) else {
            return self.deliver_unseen(namespace, to, packet, flags);
        };
        for (key, _) in self.select(namespace, to) {
            if self.sees_outgoing(key, &space) {
                self.show_to(key, &space, packet);
            }
        }
        self.deliver_unseen(namespace, to, packet, flags);
    }

    fn deliver_unseen(
        &self,
        namespace: NamespaceId,
        to: &Selector,
        packet: &Arc<Broadcast>,
        flags: Flags,
    ) {
        let mut core = self.core.borrow_mut();
        if packet.offset().is_some() {
            return core.deliver_recoverable(namespace, to, packet);
        }
        let mut tags = std::mem::take(&mut core.recipients);
        tags.clear();
        core.hub.select(namespace, to, &mut tags);
        for tag in &tags {
            let session = SessionKey::from_bits(*tag);
            if flags.volatile && !core.is_writable(session) {
                core.counts.dropped_volatile.add(1);
                continue;
            }
            core.send_broadcast(session, packet);
        }
        core.recipients = tags;
    }

    /// Sends an event to many that each is to acknowledge, and tells whoever asked how many there are.
    fn deliver_and_gather(
        self: &Rc<Self>,
        namespace: NamespaceId,
        to: &Selector,
        packet: &Broadcast,
        flags: Flags,
        gathering: Gathering,
    ) {
        let Gathering { request, timeout } = gathering;
        let watched = self.space(namespace).filter(|space| self.is_watched(space));
        for (key, space) in watched.map(|_| self.select(namespace, to)).unwrap_or_default() {
            if self.sees_outgoing(key, &space) {
                self.show_to(key, &space, packet);
            }
        }
        let (count, dropped) = {
            let mut core = self.core.borrow_mut();
            let mut sockets = Vec::new();
            core.hub.select_sockets(namespace, to, &mut sockets);
            if flags.volatile {
                let all = sockets.len();
                sockets.retain(|socket| {
                    core.session_of(*socket).is_some_and(|session| core.is_writable(session))
                });
                core.counts.dropped_volatile.add((all - sockets.len()) as u64);
            }
            let deadline = core.environment.now() + capped(timeout);
            let id = core.hub.expect_acks(namespace, sockets.clone(), request, deadline);
            let packet = Arc::new(packet.numbered(id.unwrap_or_default()));
            let mut dropped = 0;
            for socket in &sockets {
                let Some(session) = core.session_of(*socket) else { continue };
                let sent = core.send_broadcast(session, &packet);
                // Whoever is dropped otherwise is on its way out, and its departure tells.
                if let Sent::Dropped(Dropped::Overflow | Dropped::Parser) = sent {
                    core.hub.forgo_ack(*socket, id.unwrap_or_default());
                    dropped += 1;
                }
            }
            (sockets.len(), dropped)
        };
        self.answer(request, Answer::Recipients(u32::try_from(count).unwrap_or(u32::MAX)));
        for _ in 0..dropped {
            self.answer(request, Answer::Ack(None));
        }
    }

    /// Whether somebody may see all that is sent to sockets of a namespace.
    fn is_watched(&self, space: &Space) -> bool {
        !space.table.any_outgoing.is_empty() || self.core.borrow().shows_outgoing
    }

    fn show_to(self: &Rc<Self>, key: SocketKey, space: &Rc<Space>, packet: &Broadcast) {
        let Some(session) = self.core.borrow().session_of(key) else { return };
        let socket = Socket::new(self.clone(), key, space.clone(), session);
        self.show(&socket, &packet.data(), packet.id().is_some());
    }

    fn select(&self, namespace: NamespaceId, who: &Selector) -> Vec<(SocketKey, Rc<Space>)> {
        let Some(space) = self.space(namespace) else { return Vec::new() };
        let mut sockets = Vec::new();
        self.core.borrow().hub.select_sockets(namespace, who, &mut sockets);
        sockets.into_iter().map(|socket| (socket, space.clone())).collect()
    }

    /// What others may know of a socket.
    fn describe(&self, key: SocketKey) -> Option<SocketInfo> {
        let session = self.core.borrow().session_of(key)?;
        let handshake = serde_json::to_string(&self.handshake(key, session)).ok()?;
        let mut core = self.core.borrow_mut();
        let (id, rooms) = (core.hub.id(key)?.clone(), core.hub.rooms_of(key));
        let extra = core.extra_mut(key, false);
        let data = extra.and_then(|extra| extra.belongings.extensions.shared().cloned());
        Some(SocketInfo {
            id,
            handshake: handshake.into(),
            rooms,
            data: data.unwrap_or_else(|| "null".into()),
        })
    }

    /// Another server has sent an event to this one.
    pub(crate) fn handle_server_side(
        self: &Rc<Self>,
        namespace: &Namespace,
        event: &str,
        args: &siomio_packet::Args,
        asker: Option<(Arc<str>, siomio_hub::RequestId)>,
    ) {
        let table = namespace.cell().table();
        let asker = asker.zip(self.shared.adapter());
        let ack = asker
            .map(|((server, request), adapter)| crate::Ack::to_server(adapter, server, request));
        for handler in table.server_side.get(event).into_iter().flatten() {
            let ack = ack.as_ref().map_or_else(crate::Ack::unwanted, crate::Ack::again);
            // What does not fit is for another version of the application.
            self.guard_hook("on_server_side", || drop(handler.call(namespace, args.reader(), ack)));
        }
    }
}
