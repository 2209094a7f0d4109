//! From packets to bytes on their way.

use std::sync::Arc;

use bytes::Bytes;
use siomio_engine::{CloseReason, Framing, Lane, Outgoing, Text};
use siomio_hub::{Broadcast, Flags, SocketKey};
use siomio_packet::{Encoded, Kind, Packet, Payload, write_head};
use siomio_websocket::{self as websocket, OpCode};

use crate::{
    Dropped, Overflow, Sent,
    shard::{
        conn::{ConnKey, Recipient, write_queue::WriteQueue},
        core::{Alarm, Core, Pending, SessionKey},
        time::wheel::Tick,
    },
};

/// Whether a packet may be dropped when too much waits for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// What follows would make no sense without it.
    Always,
    /// It is an event.
    Droppable,
}

impl Core {
    /// Sends an event or an acknowledgement to a socket.
    pub(crate) fn send(
        &mut self,
        socket: SocketKey,
        kind: Kind,
        id: Option<u64>,
        payload: &Payload,
        flags: Flags,
    ) -> Sent {
        let session = self.session_of(socket).filter(|_| self.hub.is_connected(socket));
        let Some(session) = session else { return Sent::Dropped(Dropped::Disconnected) };
        if flags.volatile && !self.is_writable(session) {
            self.counts.dropped_volatile.add(1);
            return Sent::Dropped(Dropped::Volatile);
        }
        let need = if kind == Kind::Event { Need::Droppable } else { Need::Always };
        if let Some(parser) = &self.shared.config.hub.parser {
            let namespace = self.hub.name_of(socket).map_or("/", |name| name);
            let encoded = parser.encode(&payload.as_packet(kind, namespace, id));
            let sent = self.send_encoded(session, encoded, need);
            return self.count_packet(sent);
        }
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        let namespace = self.hub.name_of(socket);
        write_head(
            &mut head,
            kind,
            payload.attachments().len(),
            namespace.map_or("/", |name| name),
            id,
        );
        let text = [&head[..], payload.as_bytes()];
        let sent = self.send_message(session, &text, payload.attachments(), need);
        self.head = head;
        self.count_packet(sent)
    }

    /// Sends a packet that is not an event.
    pub(crate) fn send_control(&mut self, session: SessionKey, packet: &Packet<'_>) -> Sent {
        let sent = match &self.shared.config.hub.parser {
            Some(parser) => {
                let encoded = parser.encode(packet);
                self.send_encoded(session, encoded, Need::Always)
            }
            None => {
                let mut text = Vec::new();
                packet.encode(&mut text);
                self.send_packet(session, &[&text], packet.data.attachments())
            }
        };
        self.count_packet(sent)
    }

    fn count_packet(&self, sent: Sent) -> Sent {
        self.counts.packets_sent.add(sent.is_queued().into());
        sent
    }

    fn send_encoded(&mut self, session: SessionKey, encoded: Encoded, need: Need) -> Sent {
        match encoded {
            Encoded::Text(text) if text.is_empty() => Sent::Dropped(Dropped::Parser),
            Encoded::Binary(data) if data.is_empty() => Sent::Dropped(Dropped::Parser),
            Encoded::Text(text) => self.send_message(session, &[text.as_bytes()], &[], need),
            Encoded::Binary(data) => self.send_bytes(session, data.into(), need),
        }
    }

    /// Sends a packet, its text in pieces and its attachments, on whatever transport the session is.
    pub(crate) fn send_packet(
        &mut self,
        session: SessionKey,
        text: &[&[u8]],
        attachments: &[Bytes],
    ) -> Sent {
        self.send_message(session, text, attachments, Need::Always)
    }

    fn send_message(
        &mut self,
        session: SessionKey,
        text: &[&[u8]],
        attachments: &[Bytes],
        need: Need,
    ) -> Sent {
        let len = 1 + text.iter().map(|piece| piece.len()).sum::<usize>();
        let bytes = len + attachments.iter().map(Bytes::len).sum::<usize>();
        let (lane, sent) = match self.make_room(session, bytes, need) {
            Ok(room) => room,
            Err(dropped) => return Sent::Dropped(dropped),
        };
        match lane {
            Lane::WebSocket { channel, framing } => {
                let conn = ConnKey::from_bits(channel.0);
                let Some(state) = self.conns.get_mut(conn) else {
                    return Sent::Dropped(Dropped::Disconnected);
                };
                state.out.append(|out| {
                    websocket::write_header(out, OpCode::Text, len);
                    out.push(b'4');
                    text.iter().for_each(|piece| out.extend_from_slice(piece));
                });
                attachments.iter().for_each(|data| push_binary(&mut state.out, data, framing));
                self.mark(conn);
            }
            Lane::Queue => {
                let text = Text::try_from(Bytes::from(text.concat()));
                let state = self.sessions.get_mut(session);
                let (Some(state), Ok(text)) = (state, text) else {
                    return Sent::Dropped(Dropped::Disconnected);
                };
                state.machine.queue(Outgoing::Text(text));
                attachments
                    .iter()
                    .for_each(|data| state.machine.queue(Outgoing::Binary(data.clone())));
                self.mark_session(session);
            }
            Lane::Closed => return Sent::Dropped(Dropped::Disconnected),
        }
        self.counts.messages_sent.add(1 + attachments.len() as u64);
        sent
    }

    /// Where a message of so many bytes goes, and what is to be said of it.
    ///
    /// # Errors
    /// Why it must not be sent.
    fn make_room(
        &mut self,
        session: SessionKey,
        bytes: usize,
        need: Need,
    ) -> Result<(Lane, Sent), Dropped> {
        let config = &self.shared.config;
        let state = self.sessions.get_mut(session).ok_or(Dropped::Disconnected)?;
        let lane = state.machine.lane();
        let is_polled = matches!(lane, Lane::Queue) && state.machine.is_polled();
        if is_polled && state.machine.queued_bytes() > config.max_buffered {
            // It leaves with the GET that waits for it.
            self.act(session, siomio_engine::Session::flush);
            return self.make_room(session, bytes, need);
        }
        let (waiting, is_stuck, conn) = match lane {
            Lane::WebSocket { channel, .. } => {
                let key = ConnKey::from_bits(channel.0);
                let conn = self.conns.get(key).ok_or(Dropped::Disconnected)?;
                (conn.out.len() + bytes, conn.is_blocked, Some(key))
            }
            Lane::Queue => (state.machine.queued_bytes() + bytes, !is_polled, None),
            Lane::Closed => return Err(Dropped::Disconnected),
        };
        if waiting <= config.high_water {
            return Ok((lane, Sent::Queued));
        }
        let was_over = std::mem::replace(&mut state.is_over, true);
        if let Some(conn) = conn.filter(|_| !was_over && !is_stuck) {
            self.brimming.push(conn);
        }
        if conn.is_none() && is_stuck && state.starved.is_none() {
            // It does not fetch its pings, either.
            let until = self.now + config.send_timeout;
            let until = self.wheel.tick(until);
            state.starved = Some(until);
            state.machine.suspend_heartbeat();
            self.wheel.insert(until, Alarm::Starved(session));
        }
        if waiting <= config.max_buffered || !is_stuck {
            return Ok((lane, Sent::HighWater));
        }
        if config.overflow == Overflow::DropNewest {
            if need == Need::Droppable {
                self.counts.dropped_overflow.add(1);
                return Err(Dropped::Overflow);
            }
            // There is an end to this, too.
            if waiting / 2 <= config.max_buffered {
                return Ok((lane, Sent::HighWater));
            }
        }
        match conn {
            Some(conn) => self.drop_slow_consumer(conn),
            None => {
                self.counts.slow_consumers.add(1);
                self.with_session(session, |machine, actions| {
                    machine.discard(CloseReason::SlowConsumer, actions)
                });
            }
        }
        Err(Dropped::SlowConsumer)
    }

    /// Whether something that is sent now leaves at once, with nothing in front of it.
    pub(crate) fn is_writable(&self, session: SessionKey) -> bool {
        let Some(state) = self.sessions.get(session) else { return false };
        match state.machine.lane() {
            Lane::WebSocket { channel, .. } => {
                let conn = self.conns.get(ConnKey::from_bits(channel.0));
                conn.is_some_and(|conn| conn.out.is_empty() && conn.preface.is_none())
            }
            Lane::Queue => state.machine.is_writable(),
            Lane::Closed => false,
        }
    }

    /// Bytes that wait for a session's client.
    pub(crate) fn buffered(&self, session: SessionKey) -> usize {
        let Some(state) = self.sessions.get(session) else { return 0 };
        match state.machine.lane() {
            Lane::WebSocket { channel, .. } => {
                self.conns.get(ConnKey::from_bits(channel.0)).map_or(0, |conn| conn.out.len())
            }
            Lane::Queue | Lane::Closed => state.machine.queued_bytes(),
        }
    }

    /// A session's client has taken all that waited for it; it may have been so much that nothing was read from it.
    pub(crate) fn taken(&mut self, session: SessionKey, was_choked: bool) {
        let now = self.now;
        let Some(state) = self.sessions.get_mut(session) else { return };
        let was_over = std::mem::take(&mut state.is_over);
        let was_choked = state.starved.take().is_some() || was_choked;
        if was_choked && state.stall.is_none() {
            state.machine.resume_heartbeat(now);
            self.arm_session(session);
        }
        if was_over {
            self.events.push_back(Pending::Drained { session });
        }
    }

    /// No GET has come for what waits.
    pub(crate) fn starved(&mut self, session: SessionKey, at: Tick) {
        let Some(state) = self.sessions.get_mut(session) else { return };
        if state.starved.take_if(|until| *until == at).is_none() {
            return;
        }
        // On a WebSocket, the connection is watched instead.
        if let Lane::Queue = state.machine.lane() {
            self.counts.slow_consumers.add(1);
            self.with_session(session, |machine, actions| {
                machine.discard(CloseReason::SlowConsumer, actions)
            });
        }
    }

    /// Sends a binary message by itself.
    pub(crate) fn send_binary(&mut self, session: SessionKey, data: Bytes) -> Sent {
        self.send_bytes(session, data, Need::Droppable)
    }

    fn send_bytes(&mut self, session: SessionKey, data: Bytes, need: Need) -> Sent {
        let (lane, sent) = match self.make_room(session, data.len(), need) {
            Ok(room) => room,
            Err(dropped) => return Sent::Dropped(dropped),
        };
        match lane {
            Lane::WebSocket { channel, framing } => {
                let conn = ConnKey::from_bits(channel.0);
                let Some(state) = self.conns.get_mut(conn) else {
                    return Sent::Dropped(Dropped::Disconnected);
                };
                push_binary(&mut state.out, &data, framing);
                self.mark(conn);
            }
            Lane::Queue => {
                if let Some(state) = self.sessions.get_mut(session) {
                    state.machine.queue(Outgoing::Binary(data));
                }
                self.mark_session(session);
            }
            Lane::Closed => return Sent::Dropped(Dropped::Disconnected),
        }
        self.counts.messages_sent.add(1);
        sent
    }

    /// Sends a packet that many get: on WebSockets all share one framed form, as far as they take binary data in the same way.
    pub(crate) fn send_broadcast(&mut self, session: SessionKey, packet: &Arc<Broadcast>) -> Sent {
        let Some(state) = self.sessions.get(session) else {
            return Sent::Dropped(Dropped::Disconnected);
        };
        if let Some(parser) = &self.shared.config.hub.parser {
            let encoded = packet.encoded.get_or_init(|| parser.encode(&packet.packet()));
            let sent = self.send_encoded(session, encoded.clone(), Need::Droppable);
            return self.count_packet(sent);
        }
        let lane = match state.machine.lane() {
            Lane::WebSocket { framing, .. }
                if packet.attachments().is_empty() || framing == Framing::PLAIN =>
            {
                self.make_room(session, packet.size(), Need::Droppable)
            }
            _ => {
                let (text, attachments) = (packet.text(), packet.attachments());
                let sent = self.send_message(session, &[text], attachments, Need::Droppable);
                return self.count_packet(sent);
            }
        };
        let (channel, sent) = match lane {
            Ok((Lane::WebSocket { channel, .. }, sent)) => (channel, sent),
            Ok(_) => return Sent::Dropped(Dropped::Disconnected),
            Err(dropped) => return Sent::Dropped(dropped),
        };
        let conn = ConnKey::from_bits(channel.0);
        let Some(state) = self.conns.get_mut(conn) else {
            return Sent::Dropped(Dropped::Disconnected);
        };
        state.out.share(packet.framed.get_or_init(|| frame(packet)).clone());
        self.mark(conn);
        self.counts.messages_sent.add(1 + packet.attachments().len() as u64);
        self.count_packet(sent)
    }

    /// The client takes too little of what waits for it: it is disconnected, and not waited for.
    pub(crate) fn drop_slow_consumer(&mut self, conn: ConnKey) {
        let websocket = self.conns.get_mut(conn).and_then(|state| state.websocket_mut());
        match websocket.map(|websocket| websocket.recipient).unwrap_or_default() {
            Recipient::Nobody => {}
            Recipient::Session(session) => {
                self.counts.slow_consumers.add(1);
                self.with_session(session, |machine, actions| {
                    machine.discard(CloseReason::SlowConsumer, actions)
                });
            }
            Recipient::Raw(raw) => {
                self.counts.slow_consumers.add(1);
                self.events.push_back(Pending::RawTooSlow { raw });
            }
        }
        self.drop_conn(conn);
    }
}

/// Appends a binary message, as the client takes it.
pub(crate) fn push_binary(out: &mut WriteQueue, data: &Bytes, framing: Framing) {
    if framing.base64 {
        let mut text = Vec::new();
        framing.write_text(&Outgoing::Binary(data.clone()), &mut text);
        out.append(|out| websocket::write_frame(out, OpCode::Text, &text, None));
    } else {
        let prefix = framing.binary_prefix();
        out.append(|out| {
            websocket::write_header(out, OpCode::Binary, prefix.len() + data.len());
            out.extend_from_slice(prefix);
        });
        out.share(data.clone());
    }
}

/// The packet as the WebSocket transport of revision 4 writes it, attachments included.
fn frame(packet: &Broadcast) -> Bytes {
    let text = websocket::frame(OpCode::Text, &[b"4", packet.text()]);
    if packet.attachments().is_empty() {
        return text;
    }
    let mut frames = Vec::from(text);
    for data in packet.attachments() {
        websocket::write_frame(&mut frames, OpCode::Binary, data, None);
    }
    frames.into()
}
