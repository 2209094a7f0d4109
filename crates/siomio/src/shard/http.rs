//! HTTP connections: whose request it is, and what becomes of it.

use std::rc::Rc;

use siomio_engine::{
    self as engine, Admission, ChannelId, Query, Refusal, RequestId, Sid, Transport, payload,
    verify,
};
use siomio_http::{
    Body, BodyLength, CONTINUE, Head, Item, Method, Reader, Response, ResponseContext, Ticket,
};
use siomio_websocket::{
    self as websocket, Role,
    handshake::{RequestParts, ServerHandshake},
};

use super::{
    conn::{ConnKey, Held, Patience, Reading, State, Waiting, WebSocket},
    core::{Core, Event, Session, SessionKey},
    local::Local,
};
use crate::{Request, Responder, config::MAX_PIPELINE, handshake::Opening};

/// What became of a request's head.
enum Routed {
    /// It is being worked on, or answered.
    Taken,
    /// It has to wait for earlier answers, or belongs to another shard.
    Held { destination: Option<u8> },
    /// Nothing that comes on this connection is answered any more.
    Ignored,
}

impl Local {
    /// Works off one item from the front of `input` and returns how long it was; `None` when all is used up.
    pub(super) fn feed_http(self: &Rc<Self>, conn: ConnKey, input: &[u8]) -> Option<usize> {
        let step = self.core.borrow_mut().conns.get_mut(conn)?.http_mut()?.reader.read(input);
        let step = match step {
            Ok(step) => step,
            Err(error) => {
                self.core.borrow_mut().refuse_connection(conn, error.status());
                return None;
            }
        };
        match step.item? {
            Item::Head(head) => match self.handle_head(conn, &head) {
                Routed::Taken => {}
                Routed::Held { destination } => {
                    let rest = &input[step.consumed..];
                    self.core.borrow_mut().hold(conn, [head.raw(), rest].concat(), destination);
                    return None;
                }
                Routed::Ignored => return None,
            },
            Item::Chunk(bytes) => self.handle_chunk(conn, bytes),
            Item::End => self.handle_end(conn),
        }
        self.settle();
        Some(step.consumed)
    }

    fn handle_head(self: &Rc<Self>, conn: ConnKey, head: &Head<'_>) -> Routed {
        let mut core = self.core.borrow_mut();
        let core = &mut *core;
        let Some(http) = core.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return Routed::Ignored;
        };
        if http.pipeline.is_closing() {
            return Routed::Ignored;
        }
        let is_engine = head.path().starts_with(&self.shared.config.path);
        if http.pipeline.len() >= MAX_PIPELINE
            || (is_engine && head.is_upgrade() && !http.pipeline.is_empty())
        {
            return Routed::Held { destination: None };
        }
        if !is_engine {
            let request = core.take_request(conn, head, None);
            core.read_body(conn, head, |limits| Reading::Page {
                head: head.clone().into_owned(),
                request,
                body: Body::new(limits.max_http_body),
            });
            return Routed::Taken;
        }
        let query = Query::from_pairs(head.query_pairs());
        let sid = query.sid.as_deref().and_then(Sid::parse);
        if let Some(owner) = sid.map(|sid| sid.shard()) {
            if owner != self.index && owner < self.shared.shards() {
                return Routed::Held { destination: Some(owner) };
            }
        }
        core.handle_engine_head(conn, head, &query, sid);
        Routed::Taken
    }

    fn handle_chunk(&self, conn: ConnKey, bytes: &[u8]) {
        let mut core = self.core.borrow_mut();
        let Some(http) = core.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return;
        };
        let body = match &mut http.body {
            Reading::Nothing => return,
            Reading::Post { body, .. } | Reading::Page { body, .. } => body,
        };
        if body.push(bytes).is_ok() {
            return;
        }
        // Answered as soon as it is known; the rest is read away and the connection kept.
        match std::mem::replace(&mut http.body, Reading::Nothing) {
            Reading::Post { session, request, .. } => {
                core.respond(request, Response::new(413));
                core.with_session(session, |machine, _| machine.handle_post_refused(request));
            }
            Reading::Page { request, .. } => core.respond(request, Response::new(413)),
            Reading::Nothing => {}
        }
    }

    fn handle_end(self: &Rc<Self>, conn: ConnKey) {
        let (body, peer) = {
            let mut core = self.core.borrow_mut();
            let Some(state) = core.conns.get_mut(conn) else { return };
            let peer = state.peer;
            let Some(http) = state.http_mut() else { return };
            (std::mem::replace(&mut http.body, Reading::Nothing), peer)
        };
        match body {
            Reading::Nothing => {}
            Reading::Post { session, request, body } => {
                self.handle_post(session, request, &body.finish())
            }
            Reading::Page { head, request, body } => {
                let responder = Responder::new(self.shared.clone(), self.index, request);
                if let Some(handler) = &self.tables().http {
                    // A panic drops the responder, which answers 500.
                    drop(
                        self.guard(|| {
                            handler(&Request::new(&head, &body.finish(), peer), responder)
                        }),
                    );
                }
            }
        }
    }

    fn handle_post(self: &Rc<Self>, session: SessionKey, request: RequestId, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        for packet in payload::decode(&text) {
            let message = {
                let mut core = self.core.borrow_mut();
                let now = core.now;
                core.with_session(session, |machine, actions| {
                    machine.handle_packet(now, packet, actions)
                })
            };
            match message {
                Some(Some(message)) => self.handle_message(session, message),
                Some(None) => {}
                None => return,
            }
        }
        let mut core = self.core.borrow_mut();
        core.with_session(session, |machine, actions| machine.handle_post_end(request, actions));
    }
}

impl Core {
    /// A request below our path.
    fn handle_engine_head(
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
        match (verify(request, self.shared.config.engine.transports, machine), session) {
            (Err(refusal), _) => self.refuse(conn, head, &refusal),
            (Ok(Admission::Handshake(_)), _) if self.stopping.is_some() => {
                let request = self.take_request(conn, head, None);
                self.respond(request, Response::new(503));
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
            machine.handle_channel(now, channel, actions)
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
                let is_wanted = self.with_session(session, |machine, actions| {
                    let is_wanted = machine.handle_post(request, actions);
                    if is_wanted && is_binary {
                        machine.handle_post_invalid(request, actions);
                    }
                    is_wanted && !is_binary
                });
                if is_wanted == Some(true) {
                    let max = self.shared.config.engine.max_payload;
                    self.read_body(conn, head, |_| Reading::Post {
                        session,
                        request,
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
        let sid = *machine.sid();
        let peer = self.conns.get(conn).map(|state| state.peer);
        let peer = peer.unwrap_or_else(|| ([0, 0, 0, 0], 0).into());
        let issued = self.environment.time_of_day();
        let opening = Rc::new(Opening { head: head.clone().into_owned(), peer, issued });
        let speaks_socket_io = !self.shared.config.engine_only;
        let (now, hub) = (self.now, &mut self.hub);
        let session = self.sessions.insert_with(|key| {
            let client = speaks_socket_io.then(|| hub.open_client(now, key.to_bits()));
            Session { machine, client, opening, dirty: false, armed: None }
        });
        self.by_sid.insert(sid, session);
        self.events.push_back(Event::Opened { session });
        session
    }

    /// Answers 101, and the connection is a WebSocket; or refuses, and returns `false`.
    fn switch_protocols(&mut self, conn: ConnKey, head: &Head<'_>) -> bool {
        let headers = |name: &'static str| {
            head.headers()
                .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        let method = head.method();
        let parts =
            RequestParts { method: method.as_str(), http_minor: head.minor_version(), headers };
        let handshake = match ServerHandshake::check(&parts) {
            Ok(handshake) => handshake,
            Err(rejection) => {
                let response = Response::new(rejection.status()).html(rejection.reason());
                let response = match rejection.header() {
                    Some((name, value)) => response.clone().header(name, value).unwrap_or(response),
                    None => response,
                };
                self.refuse_upgrade(conn, head, response);
                return false;
            }
        };
        let cors = self.shared.config.cors.headers(head).list();
        let limits = websocket::Limits {
            max_message: self.shared.config.engine.max_payload,
            ..Default::default()
        };
        let Some(state) = self.conns.get_mut(conn) else { return false };
        state.out.append(|out| {
            let protocol = handshake.protocols().first().copied();
            // Fails only for headers that are not ours to set.
            let _ = handshake.write_response(
                out,
                protocol,
                None,
                cors.iter().map(|(name, value)| (*name, &**value)),
            );
        });
        state.state = State::WebSocket(WebSocket {
            reader: websocket::Reader::new(Role::Server, limits),
            closing: websocket::Closing::Open,
            until: None,
            session: None,
        });
        self.mark(conn);
        true
    }

    fn attach(&mut self, conn: ConnKey, session: SessionKey) {
        if let Some(websocket) = self.conns.get_mut(conn).and_then(|state| state.websocket_mut()) {
            websocket.session = Some(session);
        }
    }

    fn refuse(&mut self, conn: ConnKey, head: &Head<'_>, refusal: &Refusal) {
        if head.is_upgrade() {
            return self.refuse_upgrade(
                conn,
                head,
                Response::new(400).html(refusal.message().to_owned()),
            );
        }
        let request = self.take_request(conn, head, None);
        let response = Response::new(refusal.status()).header("Content-Type", "application/json");
        let response = response.map(|response| response.body(refusal.body()));
        self.respond(request, response.unwrap_or_else(|_| Response::new(400)));
    }

    /// Answers in place of a 101, without the headers of polling, and ends the connection.
    fn refuse_upgrade(&mut self, conn: ConnKey, head: &Head<'_>, response: Response) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let context = ResponseContext { keep_alive: false, ..ResponseContext::new(head, None) };
        state.out.append(|out| response.write_to(out, context));
        self.linger(conn);
    }

    /// What came is no request: says so, if nothing else is to be said before, and ends the connection.
    pub(super) fn refuse_connection(&mut self, conn: ConnKey, status: u16) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let Some(http) = state.http_mut() else { return };
        let was_quiet = http.pipeline.is_empty();
        let abandoned = self.abandoned(conn);
        if let Some(state) = self.conns.get_mut(conn).filter(|_| was_quiet) {
            state.out.append(|out| Response::new(status).write_to(out, ResponseContext::default()));
        }
        self.linger(conn);
        self.abandon(abandoned);
    }

    /// Takes a place for the answer to a request.
    fn take_request(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        session: Option<SessionKey>,
    ) -> RequestId {
        let cors = self.shared.config.cors.headers(head);
        let mut number = u64::MAX;
        if let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            number = http.pipeline.open(head).number();
            http.patience = Patience::Unlimited;
            let context = ResponseContext::new(head, None);
            http.waiting.push_back(Waiting { number, context, cors, session });
        }
        RequestId { connection: conn.to_bits(), sequence: number }
    }

    /// Prepares for the body of a request, and lets the client go on if it waits for that.
    fn read_body(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        reading: impl FnOnce(&crate::config::Config) -> Reading,
    ) {
        let until = self.now + self.shared.config.request_timeout;
        let Some(state) = self.conns.get_mut(conn) else { return };
        let Some(http) = state.http_mut() else { return };
        http.body = reading(&self.shared.config);
        if head.body() == BodyLength::None {
            return;
        }
        http.patience = Patience::Request { until };
        let last = http.waiting.back().map(|waiting| Ticket::from_number(waiting.number));
        if head.expects_continue() && last.is_some_and(|ticket| http.pipeline.is_first(ticket)) {
            state.out.append(|out| out.extend_from_slice(CONTINUE));
            self.mark(conn);
        }
        self.arm_conn(conn);
    }

    /// Keeps a request, and what was read behind it, until all earlier ones are answered.
    fn hold(&mut self, conn: ConnKey, bytes: Vec<u8>, destination: Option<u8>) {
        let limits = self.shared.config.http;
        if let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            http.reader = Reader::new(limits);
            http.patience = Patience::Unlimited;
            http.held = Some(Held { bytes, destination });
            self.mark(conn);
        }
    }
}
