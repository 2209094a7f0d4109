//! From packets to bytes on their way.

use std::sync::Arc;

use bytes::Bytes;
use siomio_engine::{CloseReason, Framing, Lane, Outgoing, Text};
use siomio_hub::{Broadcast, SocketKey};
use siomio_packet::{Kind, Payload, write_head};
use siomio_websocket::{self as websocket, OpCode};

use crate::{
    Dropped, Sent,
    shard::{
        conn::{ConnKey, Recipient, write_queue::WriteQueue},
        core::{Core, Event, SessionKey},
    },
};

impl Core {
    /// Sends an event or an acknowledgement to a socket.
    pub(crate) fn send(
        &mut self,
        socket: SocketKey,
        kind: Kind,
        id: Option<u64>,
        payload: &Payload,
    ) -> Sent {
        if !self.hub.is_connected(socket) {
            return Sent::Dropped(Dropped::Disconnected);
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
        let sent = match self.session_of(socket) {
            Some(session) => {
                self.send_packet(session, &[&head, payload.as_bytes()], payload.attachments())
            }
            None => Sent::Dropped(Dropped::Disconnected),
        };
        self.head = head;
        sent
    }

    /// Sends a packet, its text in pieces and its attachments, on whatever transport the session is.
    pub(crate) fn send_packet(
        &mut self,
        session: SessionKey,
        text: &[&[u8]],
        attachments: &[Bytes],
    ) -> Sent {
        let Some(state) = self.sessions.get_mut(session) else {
            return Sent::Dropped(Dropped::Disconnected);
        };
        match state.machine.lane() {
            Lane::WebSocket { channel, framing } => {
                let conn = ConnKey::from_bits(channel.0);
                let Some(state) = self.conns.get_mut(conn) else {
                    return Sent::Dropped(Dropped::Disconnected);
                };
                state.out.append(|out| {
                    websocket::write_header(
                        out,
                        OpCode::Text,
                        1 + text.iter().map(|piece| piece.len()).sum::<usize>(),
                    );
                    out.push(b'4');
                    text.iter().for_each(|piece| out.extend_from_slice(piece));
                });
                attachments.iter().for_each(|data| push_binary(&mut state.out, data, framing));
                self.mark(conn);
                Sent::Queued
            }
            Lane::Queue => {
                let Ok(text) = Text::try_from(Bytes::from(text.concat())) else {
                    return Sent::Dropped(Dropped::Disconnected);
                };
                state.machine.queue(Outgoing::Text(text));
                attachments
                    .iter()
                    .for_each(|data| state.machine.queue(Outgoing::Binary(data.clone())));
                self.mark_session(session);
                self.check_queue(session)
            }
            Lane::Closed => Sent::Dropped(Dropped::Disconnected),
        }
    }

    /// Sends a binary message by itself.
    pub(crate) fn send_binary(&mut self, session: SessionKey, data: Bytes) -> Sent {
        let Some(state) = self.sessions.get_mut(session) else {
            return Sent::Dropped(Dropped::Disconnected);
        };
        match state.machine.lane() {
            Lane::WebSocket { channel, framing } => {
                let conn = ConnKey::from_bits(channel.0);
                let Some(state) = self.conns.get_mut(conn) else {
                    return Sent::Dropped(Dropped::Disconnected);
                };
                push_binary(&mut state.out, &data, framing);
                self.mark(conn);
                Sent::Queued
            }
            Lane::Queue => {
                state.machine.queue(Outgoing::Binary(data));
                self.mark_session(session);
                self.check_queue(session)
            }
            Lane::Closed => Sent::Dropped(Dropped::Disconnected),
        }
    }

    /// Sends a packet that many get: on WebSockets all share one framed form, as far as they take binary data in the same way.
    pub(crate) fn send_broadcast(&mut self, session: SessionKey, packet: &Arc<Broadcast>) {
        let Some(state) = self.sessions.get(session) else { return };
        match state.machine.lane() {
            Lane::WebSocket { channel, framing }
                if packet.attachments.is_empty() || framing == Framing::PLAIN =>
            {
                let conn = ConnKey::from_bits(channel.0);
                let Some(state) = self.conns.get_mut(conn) else { return };
                state.out.share(packet.framed.get_or_init(|| frame(packet)).clone());
                self.mark(conn);
            }
            _ => drop(self.send_packet(session, &[&packet.text], &packet.attachments)),
        }
    }

    /// The client takes too little of what waits for it: it is disconnected, and not waited for.
    pub(crate) fn drop_slow_consumer(&mut self, conn: ConnKey) {
        let websocket = self.conns.get_mut(conn).and_then(|state| state.websocket_mut());
        match websocket.map(|websocket| websocket.recipient).unwrap_or_default() {
            Recipient::Nobody => {}
            Recipient::Session(session) => {
                self.with_session(session, |machine, actions| {
                    machine.discard(CloseReason::SlowConsumer, actions)
                });
            }
            Recipient::Raw(raw) => self.events.push_back(Event::RawTooSlow { raw }),
        }
        self.drop_conn(conn);
    }

    /// On polling nobody takes anything while no GET waits.
    fn check_queue(&mut self, session: SessionKey) -> Sent {
        let max = self.shared.config.max_buffered;
        let machine = self.sessions.get(session).map(|state| &state.machine);
        if machine.is_none_or(|machine| machine.is_polled() || machine.queued_bytes() <= max) {
            return Sent::Queued;
        }
        self.with_session(session, |machine, actions| {
            machine.discard(CloseReason::SlowConsumer, actions)
        });
        Sent::Dropped(Dropped::SlowConsumer)
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
    let text = websocket::frame(OpCode::Text, &[b"4", &packet.text]);
    if packet.attachments.is_empty() {
        return text;
    }
    let mut frames = Vec::from(text);
    for data in &packet.attachments {
        websocket::write_frame(&mut frames, OpCode::Binary, data, None);
    }
    frames.into()
}
