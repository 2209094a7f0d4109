//! What becomes of a request: sessions are opened, polled and moved to a WebSocket.

use siomio_engine::{
    self as engine, Admission, ChannelId, Query, RequestId, Transport, payload, verify,
};
use siomio_http::{self as http, Body, Head, Method, Response};
use siomio_hub::Key;
use siomio_websocket::handshake::{RequestParts, ServerHandshake};

use super::{State, connections::ConnKey, new_sid, sessions::SessionKey};

const PATH: &str = "/socket.io/";
/// Requests of one connection that wait for their answers.
const MAX_PIPELINE: usize = 16;

impl State {
    /// A request: whose is it, and may it proceed?
    pub(super) fn handle_head(&mut self, key: ConnKey, head: &Head<'_>) {
        let Some((link, http)) = self.http(key) else { return };
        let ticket = http.pipeline.open(head);
        let is_first = http.pipeline.is_first(ticket);
        let request = RequestId { connection: key.to_bits(), sequence: ticket.number() };
        if http.pipeline.len() > MAX_PIPELINE {
            return self.respond(request, Response::new(503), true);
        }
        if head.expects_continue() && is_first {
            link.send(http::CONTINUE.to_vec());
        }
        if !head.path().starts_with(PATH) {
            return self.respond(request, Response::new(404), false);
        }
        let query = Query::from_pairs(head.query_pairs());
        let session = query.sid.as_deref().and_then(|sid| self.by_sid.get(sid).copied());
        if let Some(session) = session {
            // Its time may be over, and not yet noticed.
            let now = self.now;
            self.act(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        let session = session.filter(|session| !self.closed.contains(session));
        let machine = session.and_then(|key| self.sessions.get(key)).map(|it| &it.machine);
        let is_upgrade = head.is_upgrade() && query.transport == Some(Transport::WebSocket);
        let facts = engine::Request {
            query: &query,
            is_get: head.method() == Method::Get,
            is_upgrade,
            origin: head.header_bytes("origin"),
        };
        let admission = match verify(facts, &self.engine, machine) {
            Ok(admission) => admission,
            Err(refusal) if is_upgrade => {
                let text = refusal.message().to_owned();
                return self.respond(request, Response::new(400).html(text), true);
            }
            Err(refusal) => {
                let response = Response::new(refusal.status()).json(refusal.body());
                return self.respond(request, response, false);
            }
        };
        if is_upgrade && !is_first {
            // The connection cannot change its protocol before everything is answered.
            return self.respond(request, Response::new(400), true);
        }
        match (admission, session) {
            (Admission::Handshake(Transport::Polling), _) => {
                let (now, config, sid) = (self.now, self.engine.clone(), new_sid());
                let machine = engine::Session::open_polling(now, config, sid, query.protocol);
                let session = self.open_session(machine);
                self.poll(request, head, session);
            }
            (Admission::Handshake(Transport::WebSocket), _) => {
                self.open_websocket(request, head, &query);
            }
            (Admission::Session, Some(session)) if is_upgrade => {
                let (now, channel) = (self.now, ChannelId(request.connection));
                if self.switch_protocols(request, head, session) {
                    self.act(session, |machine, actions| {
                        machine.handle_channel(now, channel, query.base64, actions);
                    });
                }
            }
            (Admission::Session, Some(session)) => self.poll(request, head, session),
            // Nobody is admitted to a session that there is not.
            (Admission::Session, None) => self.respond(request, Response::new(400), true),
        }
    }

    /// A request of a polling session, which answers it in its own time.
    fn poll(&mut self, request: RequestId, head: &Head<'_>, session: SessionKey) {
        let (key, limit) = (Key::from_bits(request.connection), self.engine.max_payload);
        if let Some((_, http)) = self.http(key) {
            http.polls.push((session, request));
        }
        match head.method() {
            Method::Get => {
                self.act(session, |machine, actions| machine.handle_get(request, actions));
            }
            Method::Post => {
                let is_binary = head.header("content-type") == Some("application/octet-stream");
                let is_wanted = self.act(session, |machine, actions| {
                    let is_wanted = machine.handle_post(request, actions);
                    if is_binary {
                        machine.handle_post_invalid(request, actions);
                    }
                    is_wanted && !is_binary
                });
                if let Some((_, http)) = self.http(key).filter(|_| is_wanted == Some(true)) {
                    http.post = Some((session, request, Body::new(limit)));
                }
            }
            _ => self.respond(request, Response::new(500), false),
        }
    }

    /// The body of a POST is complete.
    pub(super) fn handle_post(&mut self, session: SessionKey, request: RequestId, body: &[u8]) {
        let (now, text) = (self.now, String::from_utf8_lossy(body));
        let machine = self.sessions.get(session).map(|it| &it.machine);
        // It may have been answered meanwhile, because the session left polling.
        if machine.is_some_and(|machine| machine.is_reading(request)) {
            for packet in payload::v4::decode(&text) {
                self.receive(session, |machine, out| machine.handle_packet(now, packet, out));
            }
            self.act(session, |machine, actions| machine.handle_post_end(request, actions));
        }
        // Or the session is gone.
        self.respond(request, Response::new(400), false);
    }

    /// A session that begins on a WebSocket.
    fn open_websocket(&mut self, request: RequestId, head: &Head<'_>, query: &Query<'_>) {
        let (now, config, sid) = (self.now, self.engine.clone(), new_sid());
        let (channel, mut out) = (ChannelId(request.connection), Vec::new());
        let mut machine =
            engine::Session::open_websocket(now, config, sid, query.protocol, channel, &mut out);
        if query.base64 {
            machine.set_base64();
        }
        let session = self.open_session(machine);
        if self.switch_protocols(request, head, session) {
            self.perform(session, out);
        } else {
            self.closed.push(session);
        }
    }

    /// Answers 101, and the connection is a WebSocket; or refuses, and returns `false`.
    fn switch_protocols(
        &mut self,
        request: RequestId,
        head: &Head<'_>,
        session: SessionKey,
    ) -> bool {
        let parts = RequestParts {
            method: head.method().as_str(),
            http_minor: head.minor_version(),
            headers: |name| head.header_values(name),
        };
        let handshake = match ServerHandshake::check(&parts) {
            Ok(handshake) => handshake,
            Err(rejection) => {
                let mut response = Response::new(rejection.status()).html(rejection.reason());
                if let Some((name, value)) = rejection.header() {
                    _ = response.set_header(name, value);
                }
                self.respond(request, response, true);
                return false;
            }
        };
        let mut bytes = Vec::new();
        // Can fail only for what we put in, which is nothing.
        _ = handshake.write_response(&mut bytes, None, None, []);
        self.open_channel(request, bytes, session);
        true
    }
}
