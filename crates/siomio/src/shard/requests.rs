//! Requests below our path: sessions open, poll and upgrade.

use std::rc::Rc;

use siomio_engine::{
    self as engine, Admission, ChannelId, Protocol, Query, Refusal, Sid, Transport, verify,
};
use siomio_http::{Body, Head, Method, Response};

use super::{
    conn::{ConnKey, Reading},
    core::{Core, Event, Session, SessionKey},
    perform::html,
    revision::revision,
};
use crate::handshake::Opening;

impl Core {
    /// A request below our path.
    pub(super) fn handle_engine_head(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        query: &Query<'_>,
        sid: Option<Sid>,
    ) {
        let cors = self.shared.config.cors;
        if head.method() == Method::Options && cors != crate::Cors::Off {
            let request = self.take_request(conn, head, None);
            return self
                .respond(request, cors.preflight(head).unwrap_or_else(|_| Response::new(400)));
        }
        let now = self.now;
        let session = sid.and_then(|sid| self.by_sid.get(&sid).copied());
        if let Some(session) = session {
            // Its time may be over before the timer has noticed.
            self.with_session(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        let session = session.filter(|session| {
            self.sessions.get(*session).is_some_and(|state| !state.machine.is_closed())
        });
        let request = engine::Request {
            query,
            is_get: head.method() == Method::Get,
            is_upgrade: head.is_upgrade(),
            origin: head.header_bytes("origin"),
        };
        let machine =
            session.and_then(|session| self.sessions.get(session)).map(|state| &state.machine);
        match (verify(request, &self.shared.config.engine, machine), session) {
            (Err(refusal), _) => self.refuse(conn, head, &refusal),
            (Ok(Admission::Handshake(_)), _) if self.stopping.is_some() => {
                let request = self.take_request(conn, head, None);
                self.respond(request, Response::new(503));
            }
            (Ok(Admission::Handshake(Transport::Polling)), _) if head.is_upgrade() => {
                // As the reference does: nobody polls over a WebSocket.
                if self.switch_protocols(conn, head) {
                    self.close_channel(conn);
                }
            }
            (Ok(Admission::Handshake(Transport::Polling)), _) => {
                self.open_polling(conn, head, query)
            }
            (Ok(Admission::Handshake(Transport::WebSocket)), _) => {
                self.open_websocket(conn, head, query)
            }
            (Ok(Admission::Session), Some(session)) if head.is_upgrade() => {
                self.open_probe(conn, head, query, session);
            }
            (Ok(Admission::Session), Some(session)) => self.poll(conn, head, session),
            (Ok(Admission::Session), None) => self.refuse(conn, head, &Refusal::UnknownSid),
        }
    }

    fn open_polling(&mut self, conn: ConnKey, head: &Head<'_>, query: &Query<'_>) {
        let (now, config) = (self.now, self.shared.config.engine.clone());
        let machine = engine::Session::open_polling(now, config, self.new_sid(), query.protocol);
        let session = self.insert_session(conn, head, query, machine);
        let request = self.take_request(conn, head, Some(session));
        self.with_session(session, |machine, actions| machine.handle_get(request, actions));
    }

    /// A session that begins on a WebSocket.
    fn open_websocket(&mut self, conn: ConnKey, head: &Head<'_>, query: &Query<'_>) {
        if !self.switch_protocols(conn, head) {
            return;
        }
        if query.protocol == Protocol::V3 {
            self.send_apart(conn);
        }
        let (now, config) = (self.now, self.shared.config.engine.clone());
        let channel = ChannelId(conn.to_bits());
        let mut actions = Vec::new();
        let machine = engine::Session::open_websocket(
            now,
            config,
            self.new_sid(),
            query.protocol,
            channel,
            &mut actions,
        );
        let session = self.insert_session(conn, head, query, machine);
        self.attach(conn, session);
        self.with_session(session, |_, out| out.append(&mut actions));
    }

    /// A WebSocket for a session that exists: the beginning of an upgrade.
    fn open_probe(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        query: &Query<'_>,
        session: SessionKey,
    ) {
        if !self.switch_protocols(conn, head) {
            return;
        }
        if query.transport != Some(Transport::WebSocket) {
            return self.close_channel(conn);
        }
        self.attach(conn, session);
        let (now, channel) = (self.now, ChannelId(conn.to_bits()));
        self.with_session(session, |machine, actions| {
            machine.handle_channel(now, channel, query.base64, actions)
        });
    }

    /// A GET or POST of a polling session.
    fn poll(&mut self, conn: ConnKey, head: &Head<'_>, session: SessionKey) {
        let request = self.take_request(conn, head, Some(session));
        match head.method() {
            Method::Get => {
                self.with_session(session, |machine, actions| machine.handle_get(request, actions));
            }
            Method::Post => {
                let is_binary = head.header("content-type") == Some("application/octet-stream");
                let format = self.with_session(session, |machine, actions| {
                    if !machine.handle_post(request, actions) {
                        return None;
                    }
                    let format = machine.post_format(is_binary);
                    if format.is_none() {
                        machine.handle_post_invalid(request, actions);
                    }
                    format
                });
                if let Some(format) = format.flatten() {
                    let max = self.shared.config.engine.max_payload;
                    self.read_body(conn, head, |_| Reading::Post {
                        session,
                        request,
                        format,
                        body: Body::new(max),
                    });
                }
            }
            _ => self.respond(request, Response::new(500)),
        }
    }

    fn insert_session(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        query: &Query<'_>,
        mut machine: engine::Session,
    ) -> SessionKey {
        if query.base64 {
            machine.set_base64();
        }
        if let Some(index) = &query.jsonp {
            machine.set_jsonp(index);
        }
        let sid = *machine.sid();
        let peer = self.conns.get(conn).map(|state| state.peer);
        let peer = peer.unwrap_or_else(|| ([0, 0, 0, 0], 0).into());
        let issued = self.environment.time_of_day();
        let opening = Rc::new(Opening { head: head.clone().into_owned(), peer, issued });
        let speaks_socket_io = !self.shared.config.engine_only;
        let (now, hub) = (self.now, &mut self.hub);
        let revision = revision(machine.protocol());
        let session = self.sessions.insert_with(|key| {
            let client = speaks_socket_io.then(|| hub.open_client(now, key.to_bits(), revision));
            Session { machine, client, opening, dirty: false, armed: None }
        });
        self.by_sid.insert(sid, session);
        self.events.push_back(Event::Opened { session });
        session
    }

    fn refuse(&mut self, conn: ConnKey, head: &Head<'_>, refusal: &Refusal) {
        if head.is_upgrade() {
            return self.refuse_upgrade(
                conn,
                head,
                html(Response::new(400), refusal.message().to_owned()),
            );
        }
        let request = self.take_request(conn, head, None);
        let response = Response::new(refusal.status()).header("Content-Type", "application/json");
        let response = response.map(|response| response.body(refusal.body()));
        self.respond(request, response.unwrap_or_else(|_| Response::new(400)));
    }
}
