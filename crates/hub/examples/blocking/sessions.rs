//! Engine.IO: what sessions ask for, and what time does to them.

use siomio_engine::{self as engine, Action, CloseReason, Message, Outgoing};
use siomio_http::Response;
use siomio_hub::{ClientKey, Due, Key, Revision};

use super::{MAX_BUFFERED, State};

pub(super) type SessionKey = Key<Session>;

pub(super) struct Session {
    pub(super) machine: engine::Session,
    /// What it is to the hub, which calls it by the number of its key.
    pub(super) client: ClientKey,
}

impl State {
    pub(super) fn open_session(&mut self, machine: engine::Session) -> SessionKey {
        let (now, hub, sid) = (self.now, &mut self.hub, machine.sid().to_string());
        let session = self.sessions.insert_with(|key| Session {
            machine,
            client: hub.open_client(now, key.to_bits(), Revision::V5),
        });
        self.by_sid.insert(sid, session);
        session
    }

    /// Lets a session do something, and carries out what it asks for. `None` when it is gone.
    pub(super) fn act<R>(
        &mut self,
        session: SessionKey,
        act: impl FnOnce(&mut engine::Session, &mut Vec<Action>) -> R,
    ) -> Option<R> {
        let mut actions = Vec::new();
        let result = act(&mut self.sessions.get_mut(session)?.machine, &mut actions);
        self.unflushed.push(session);
        self.perform(session, actions);
        Some(result)
    }

    /// Lets a session look at what came; a message goes on to the hub.
    pub(super) fn receive<'m>(
        &mut self,
        session: SessionKey,
        act: impl FnOnce(&mut engine::Session, &mut Vec<Action>) -> Option<Message<'m>>,
    ) {
        if let Some(message) = self.act(session, act).flatten() {
            self.handle_message(session, message);
        }
    }

    pub(super) fn perform(&mut self, session: SessionKey, actions: Vec<Action>) {
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
                Action::Transmit { channel, packet } => {
                    let machine = self.sessions.get(session).map(|it| &it.machine);
                    let base64 = machine.is_some_and(|machine| machine.framing().base64);
                    self.transmit(channel, &packet, base64);
                }
                Action::CloseChannel { channel } => self.close_channel(channel),
                Action::Closed { .. } => self.closed.push(session),
                // The session itself knows where its packets go.
                _ => {}
            }
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

    /// The end of each step: waiting GETs are answered, and closed sessions forgotten.
    pub(super) fn settle(&mut self) {
        while let Some(session) = self.unflushed.pop() {
            let mut actions = Vec::new();
            if let Some(state) = self.sessions.get_mut(session) {
                state.machine.flush(&mut actions);
            }
            self.perform(session, actions);
        }
        while let Some(session) = self.closed.pop() {
            self.leave_all(session);
            if let Some(state) = self.sessions.remove(session) {
                self.by_sid.remove(state.machine.sid().as_str());
                self.hub.close_client(state.client);
            }
        }
        self.hub.end_batch();
    }

    /// Does what is due. To look through everything is good enough for two threads per connection.
    pub(super) fn expire(&mut self) {
        let now = self.now;
        let sessions = self.sessions.iter().map(|(key, it)| (key, it.machine.deadline()));
        let due = sessions.filter(|(_, deadline)| deadline.is_some_and(|it| it <= now));
        for (session, _) in due.collect::<Vec<_>>() {
            self.act(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        while let Some(due) = self.hub.handle_timeout(now) {
            // Its client has joined no namespace. Acknowledgements that do not come are missed by nobody here.
            if let Due::Connect(tag) = due {
                self.close(Key::from_bits(tag));
            }
        }
        let conns = self.conns.iter().map(|(key, conn)| (key, conn.link.until));
        let due = conns.filter(|(_, until)| until.is_some_and(|it| it <= now));
        for (conn, _) in due.collect::<Vec<_>>() {
            self.cut(conn);
        }
    }
}
