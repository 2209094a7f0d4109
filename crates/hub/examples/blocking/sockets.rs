//! Socket.IO, and the application.

use std::{iter, sync::Arc, time::Duration};

use bytes::Bytes;
use siomio_engine::{Message, Outgoing, Text};
use siomio_hub::{AckToken, ClientKey, Key, NamespaceId, Received, Selector, SocketKey};
use siomio_packet::{ArgsRef, Data, IntoArgs, Kind, Payload, Value};
use siomio_packet::{connect, connect_error, disconnect, write_head};

use super::{State, new_sid, sessions::SessionKey};

pub(super) const NAMESPACES: [&str; 2] = ["/", "/custom"];
/// Rooms that one socket may join.
const MAX_ROOMS: usize = 100;
/// Time a client has to acknowledge.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

impl State {
    /// A message came for the hub to judge.
    pub(super) fn handle_message(&mut self, session: SessionKey, message: Message<'_>) {
        let Some(client) = self.sessions.get(session).map(|state| state.client) else { return };
        let received = match message {
            Message::Text(text) => self.hub.handle_text(client, text),
            Message::Binary(data) => self.hub.handle_binary(client, data),
        };
        match received {
            Ok(Received::Connect { namespace, auth }) => {
                self.join(session, client, namespace, &auth)
            }
            Ok(Received::UnknownNamespace { name }) => {
                let mut text = Vec::new();
                connect_error(&mut text, &name, "Invalid namespace", None);
                self.send(session, &[text_packet(text)]);
            }
            Ok(Received::Event { socket, id, data }) => {
                if let Some((name, args)) = data.event() {
                    self.handle_event(socket, &name, args, id);
                }
            }
            // Only one event asks for an acknowledgement, so the token needs no look-up.
            Ok(Received::Ack { socket, data, .. }) => {
                self.emit(socket, "ack-response", &data.args())
            }
            Ok(Received::Disconnect { socket }) => self.leave(socket, true),
            Ok(Received::Nothing) => {}
            Err(_) => self.close(session),
        }
    }

    /// What the application does.
    fn handle_event(&mut self, socket: SocketKey, name: &str, args: ArgsRef<'_>, id: Option<u64>) {
        let Some(namespace) = self.hub.namespace_of(socket) else { return };
        let all = Selector::new(namespace);
        let mut reader = args.reader();
        match name {
            "message" => self.emit(socket, "message-back", &args),
            "message-with-ack" => {
                let mut payload = Payload::new();
                if let (Some(_), Ok(())) = (id, payload.ack(&args)) {
                    self.send_payload(socket, Kind::Ack, id, payload);
                }
            }
            "ack-me" => {
                let mut payload = Payload::new();
                let deadline = self.now + ACK_TIMEOUT;
                let id = self.hub.expect_ack(socket, AckToken(0), deadline);
                if payload.event("ack-request", &args).is_ok() {
                    self.send_payload(socket, Kind::Event, id, payload);
                }
            }
            "broadcast" => self.broadcast(&all, "broadcast-back", &args),
            "join" => match reader.next::<String>() {
                Ok(room) if self.hub.rooms_of(socket).len() <= MAX_ROOMS => {
                    self.hub.join(socket, &room);
                }
                _ => {}
            },
            "to-room" => {
                if let (Ok(room), Some(own)) = (reader.next::<String>(), self.hub.id(socket)) {
                    let others = all.room(room).except(own.clone());
                    self.broadcast(&others, "room-back", &reader.rest());
                }
            }
            "bye" => self.dismiss(socket),
            "bye-all" => {
                let Some((session, _)) = self.whereabouts(socket) else { return };
                let sockets = self.sessions.get(session).map(|it| self.hub.sockets(it.client));
                sockets.into_iter().flatten().for_each(|socket| self.dismiss(socket));
                self.close(session);
            }
            _ => {}
        }
    }

    /// A client asks to join a namespace: everybody may.
    fn join(
        &mut self,
        session: SessionKey,
        client: ClientKey,
        namespace: NamespaceId,
        auth: &Data<'_>,
    ) {
        let id: Arc<str> = new_sid().as_str().into();
        let Some(socket) = self.hub.begin_connect(client, namespace, id.clone()) else { return };
        self.hub.accept(socket);
        let mut text = Vec::new();
        connect(&mut text, self.hub.name(namespace).map_or("/", |name| name), &id, None);
        self.send(session, &[text_packet(text)]);
        let nothing = || Value::Object(Vec::new());
        self.emit(
            socket,
            "auth",
            &auth.get::<Option<Value>>().ok().flatten().unwrap_or_else(nothing),
        );
    }

    fn emit(&mut self, socket: SocketKey, name: &str, args: &impl IntoArgs) {
        let mut payload = Payload::new();
        if payload.event(name, args).is_ok() {
            self.send_payload(socket, Kind::Event, None, payload);
        }
    }

    fn send_payload(&mut self, socket: SocketKey, kind: Kind, id: Option<u64>, payload: Payload) {
        if let Some((session, namespace)) = self.whereabouts(socket) {
            let packets = self.compose(kind, namespace, id, payload);
            self.send(session, &packets);
        }
    }

    /// Sends an event to many, encoded once.
    fn broadcast(&mut self, to: &Selector, name: &str, args: &impl IntoArgs) {
        let (mut payload, mut recipients) = (Payload::new(), Vec::new());
        if payload.event(name, args).is_ok() {
            let packets = self.compose(Kind::Event, to.namespace, None, payload);
            self.hub.select(to, &mut recipients);
            recipients.into_iter().for_each(|tag| self.send(Key::from_bits(tag), &packets));
        }
    }

    /// A packet as the messages that carry it: the text, and behind it the attachments.
    fn compose(
        &self,
        kind: Kind,
        namespace: NamespaceId,
        id: Option<u64>,
        payload: Payload,
    ) -> Vec<Outgoing> {
        let name = self.hub.name(namespace).map_or("/", |name| name);
        let (json, attachments) = payload.into_parts();
        let mut text = Vec::new();
        write_head(&mut text, kind, attachments.len(), name, id);
        text.extend_from_slice(&json);
        iter::once(text_packet(text)).chain(attachments.into_iter().map(Outgoing::Binary)).collect()
    }

    /// Disconnects a socket, and tells its client.
    fn dismiss(&mut self, socket: SocketKey) {
        let Some((session, namespace)) = self.whereabouts(socket) else { return };
        let mut text = Vec::new();
        disconnect(&mut text, self.hub.name(namespace).map_or("/", |name| name));
        self.send(session, &[text_packet(text)]);
        self.leave(socket, false);
    }

    /// Takes a socket out of its namespace.
    fn leave(&mut self, socket: SocketKey, by_client: bool) {
        self.hub.begin_disconnect(socket, by_client);
        self.hub.remove(socket);
    }

    /// Takes all sockets of a session out of their namespaces.
    pub(super) fn leave_all(&mut self, session: SessionKey) {
        let sockets = self.sessions.get(session).map(|it| self.hub.sockets(it.client));
        sockets.into_iter().flatten().for_each(|socket| self.leave(socket, false));
    }

    fn whereabouts(&self, socket: SocketKey) -> Option<(SessionKey, NamespaceId)> {
        Some((Key::from_bits(self.hub.tag_of(socket)?), self.hub.namespace_of(socket)?))
    }
}

/// The text of a packet, which is UTF-8.
fn text_packet(text: Vec<u8>) -> Outgoing {
    Outgoing::Text(Text::try_from(Bytes::from(text)).unwrap_or_default())
}
