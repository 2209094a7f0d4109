//! Engine.IO: what sessions ask for, and what is sent to them.

use super::*;

impl State {
    pub(super) fn open_session(
        &mut self,
        query: &Query<'_>,
        channel: Option<ChannelId>,
    ) -> SessionKey {
        let (now, config, sid, mut actions) =
            (self.now, self.engine.clone(), new_sid(), Vec::new());
        let machine = engine::Session::open(now, config, sid.clone(), query, channel, &mut actions);
        let session = self.sessions.insert_with(|key| Session {
            machine,
            client: self.hub.open_client(now, key.to_bits(), Revision::V5),
        });
        self.by_sid.insert(sid, session);
        self.act(session, |_, out| out.append(&mut actions));
        session
    }

    /// Lets a session do something, and carries out what it asks for. `None` when it is gone.
    pub(super) fn act<R>(
        &mut self,
        session: SessionKey,
        act: impl FnOnce(&mut engine::Session, &mut Vec<Action>) -> R,
    ) -> Option<R> {
        let (machine, mut actions) = (&mut self.sessions.get_mut(session)?.machine, Vec::new());
        let (result, framing) = (act(machine, &mut actions), machine.framing());
        self.touched.push(session);
        self.perform(actions, framing);
        Some(result)
    }

    pub(super) fn perform(&mut self, actions: Vec<Action>, framing: Framing) {
        for action in actions {
            match action {
                Action::Respond { request, response } => {
                    let mut response = match response {
                        engine::Response::Payload(body) => Response::new(200).text(body),
                        engine::Response::Accepted => Response::new(200).html("ok"),
                        _ => Response::new(400),
                    };
                    _ = response.set_header("Cache-Control", "no-store");
                    self.respond(request, response, false);
                }
                Action::Abort { request } => self.cut(Key::from_bits(request.connection)),
                Action::Transmit { channel: ChannelId(key), packet } => {
                    if let Some(Conn {
                        out, protocol: Protocol::WebSocket(connection, _), ..
                    }) = self.writable(Key::from_bits(key))
                    {
                        let (is_binary, message) = framing.message(&packet);
                        let opcode = if is_binary { OpCode::Binary } else { OpCode::Text };
                        connection.write(opcode, &message, out);
                    }
                }
                Action::CloseChannel { channel: ChannelId(key) } => {
                    let patience = self.now + self.config.patience;
                    if let Some(Conn {
                        out,
                        until,
                        protocol: Protocol::WebSocket(connection, session),
                        ..
                    }) = self.writable(Key::from_bits(key))
                    {
                        connection.close(None, out);
                        (*session, *until) = (None, patience);
                    }
                }
                // The session itself knows where its packets go, and that it is closed.
                _ => {}
            }
        }
    }

    /// Lets a session look at what came; a message goes on to the hub.
    pub(super) fn receive<'m>(
        &mut self,
        session: SessionKey,
        act: impl FnOnce(&mut engine::Session, &mut Vec<Action>) -> Option<Message<'m>>,
    ) {
        let message = self.act(session, act).flatten();
        if let (Some(message), Some(state)) = (message, self.sessions.get(session)) {
            self.handle_message(session, state.client, message);
        }
    }

    /// Sends packets that belong together.
    pub(super) fn send(&mut self, session: SessionKey, packets: &[Outgoing]) {
        self.act(session, |machine, actions| {
            packets.iter().for_each(|packet| machine.send(packet.clone(), actions));
            if !machine.is_polled() && machine.queued_bytes() > MAX_BUFFERED {
                machine.discard(CloseReason::SlowConsumer, actions);
            }
        });
    }

    /// Closes a session once it has sent everything; its sockets leave at once.
    pub(super) fn close(&mut self, session: SessionKey) {
        let now = self.now;
        self.leave_all(session);
        self.act(session, |machine, actions| machine.close(now, actions));
    }
}
