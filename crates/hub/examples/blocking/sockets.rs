//! Socket.IO, and the application on top of it.

use super::*;

impl State {
    pub(super) fn handle_message(
        &mut self,
        session: SessionKey,
        client: ClientKey,
        message: Message<'_>,
    ) {
        let received = match message {
            Message::Text(text) => self.hub.handle_text(client, text),
            Message::Binary(data) => self.hub.handle_binary(client, data),
        };
        match received {
            Ok(Received::Connect { namespace, auth }) => self.join(client, namespace, &auth),
            Ok(Received::UnknownNamespace { name, .. }) => {
                let refusal = text(|out| connect_error(out, &name, "Invalid namespace", None));
                self.send(session, &[refusal]);
            }
            Ok(Received::Event { socket, id, data }) => {
                if let Some((name, args)) = data.event() {
                    self.handle_event(socket, &name, args, id);
                }
            }
            // Only one event asks for an acknowledgement, so the token needs no look-up.
            Ok(Received::Ack { socket, data, .. }) => {
                self.emit(&[socket], "ack-response", None, &data.args());
            }
            Ok(Received::Disconnect { socket }) => {
                self.leave(socket, DisconnectReason::ClientNamespaceDisconnect);
            }
            Ok(Received::Nothing) => {}
            Err(_) => self.close(session),
        }
    }

    /// What the application does.
    pub(super) fn handle_event(
        &mut self,
        socket: SocketKey,
        name: &str,
        args: ArgsRef<'_>,
        id: Option<u64>,
    ) {
        let Some(namespace) = self.hub.namespace_of(socket) else { return };
        let (all, mut reader, mut members) = (Selector::all(), args.reader(), Vec::new());
        match name {
            "message" => self.emit(&[socket], "message-back", None, &args),
            "message-with-ack" => {
                let mut payload = Payload::new();
                if id.is_some() && payload.ack(&args).is_ok() {
                    self.send_payload(&[socket], Kind::Ack, id, &payload);
                }
            }
            "ack-me" => {
                let deadline = self.now + Duration::from_secs(10);
                let id = self.hub.expect_ack(socket, AckToken(0), deadline);
                self.emit(&[socket], "ack-request", id, &args);
            }
            "broadcast" => {
                self.hub.select_sockets(namespace, &all, &mut members);
                self.emit(&members, "broadcast-back", None, &args);
            }
            "join" => {
                let room = reader.next::<String>().unwrap_or_default();
                if self.hub.rooms_of(socket).len() <= MAX_ROOMS {
                    self.hub.join(socket, &room);
                }
            }
            "to-room" => {
                if let (Ok(room), Some(own)) = (reader.next::<String>(), self.hub.id(socket)) {
                    let others = all.room(room).except(own.clone());
                    self.hub.select_sockets(namespace, &others, &mut members);
                    self.emit(&members, "room-back", None, &reader.rest());
                }
            }
            "bye" => self.dismiss(socket),
            "bye-all" => {
                let Some(session) = self.hub.tag_of(socket).map(Key::from_bits) else { return };
                self.sockets(session).into_iter().for_each(|socket| self.dismiss(socket));
                self.close(session);
            }
            _ => {}
        }
    }

    /// A client asks to join a namespace: everybody may.
    pub(super) fn join(&mut self, client: ClientKey, namespace: NamespaceId, auth: &Data<'_>) {
        let id: Arc<str> = new_sid().as_str().into();
        let Some(socket) = self.hub.begin_connect(client, namespace, id.clone()) else { return };
        self.hub.accept(self.now, socket, None);
        self.send_packet(&[socket], |out, namespace| connect(out, namespace, &id, None), &[]);
        let auth = auth.get::<Option<Value>>().ok().flatten();
        self.emit(&[socket], "auth", None, &auth.unwrap_or(Value::Object(Vec::new())));
    }

    pub(super) fn emit(
        &mut self,
        to: &[SocketKey],
        name: &str,
        id: Option<u64>,
        args: &impl IntoArgs,
    ) {
        let mut payload = Payload::new();
        if payload.event(name, args).is_ok() {
            self.send_payload(to, Kind::Event, id, &payload);
        }
    }

    pub(super) fn send_payload(
        &mut self,
        to: &[SocketKey],
        kind: Kind,
        id: Option<u64>,
        payload: &Payload,
    ) {
        let write = |text: &mut _, namespace: &_| payload.encode(kind, namespace, id, text);
        self.send_packet(to, write, payload.attachments());
    }

    /// Sends a packet to sockets of one namespace, encoded once: its text, and behind that the attachments.
    pub(super) fn send_packet(
        &mut self,
        to: &[SocketKey],
        write: impl FnOnce(&mut Vec<u8>, &str),
        attachments: &[Bytes],
    ) {
        let namespace = to.first().and_then(|socket| self.hub.name_of(*socket));
        let text = text(|out| write(out, namespace.map_or("/", |name| name)));
        let attachments = attachments.iter().cloned().map(Outgoing::Binary);
        let packets: Vec<_> = iter::once(text).chain(attachments).collect();
        for socket in to {
            if let Some(session) = self.hub.tag_of(*socket) {
                self.send(Key::from_bits(session), &packets);
            }
        }
    }

    /// Disconnects a socket, and tells its client.
    pub(super) fn dismiss(&mut self, socket: SocketKey) {
        self.send_packet(&[socket], disconnect, &[]);
        self.leave(socket, DisconnectReason::ServerNamespaceDisconnect);
    }

    /// Takes a socket out of its namespace.
    pub(super) fn leave(&mut self, socket: SocketKey, reason: DisconnectReason) {
        let by_client = reason == DisconnectReason::ClientNamespaceDisconnect;
        self.hub.begin_disconnect(socket, by_client);
        self.hub.remove(self.now, socket, reason);
    }

    pub(super) fn leave_all(&mut self, session: SessionKey) {
        let reason = DisconnectReason::TransportClose;
        self.sockets(session).into_iter().for_each(|socket| self.leave(socket, reason));
    }

    pub(super) fn sockets(&self, session: SessionKey) -> Vec<SocketKey> {
        self.sessions.get(session).map(|it| self.hub.sockets(it.client)).unwrap_or_default()
    }
}
