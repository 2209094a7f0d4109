//! From bytes to requests and messages, and back.

use std::{
    iter, mem,
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use siomio_engine::{
    self as engine, Admission, ChannelId, Message, Outgoing, Query, RequestId, Transport, payload,
    verify,
};
use siomio_http::{self as http, Body, Head, Method, Pipeline, Response, Ticket, http_date};
use siomio_hub::Key;
use siomio_websocket::handshake::{RequestParts, ServerHandshake};
use siomio_websocket::{self as websocket, Answer, CloseCode, Closing, OpCode, Role};

use super::{MAX_CONNECTIONS, Outbox, State, new_sid, sessions::SessionKey};

pub(super) type ConnKey = Key<Conn>;

const PATH: &str = "/socket.io/";
/// Requests of one connection that wait for their answers.
const MAX_PIPELINE: usize = 16;

pub(super) struct Conn {
    stream: Arc<TcpStream>,
    pub(super) link: Link,
    protocol: Protocol,
}

pub(super) struct Link {
    /// `None` once our last word is in it.
    outbox: Option<Outbox>,
    /// When we lose patience; `None` while it is our turn.
    pub(super) until: Option<Instant>,
}

/// ```text
///   Http ── 101 ──► WebSocket ── both close frames, an error, the end ──► Over
///     └──── last response, an error, the end ───────────────────────────────▲
/// ```
enum Protocol {
    Http(Box<Http>),
    WebSocket(WebSocket),
    /// What still comes is read to nowhere.
    Over,
}

struct Http {
    reader: http::Reader,
    pipeline: Pipeline,
    /// Requests that sessions have not answered.
    polls: Vec<(SessionKey, RequestId)>,
    /// The POST whose body is being read.
    post: Option<(SessionKey, RequestId, Body)>,
}

struct WebSocket {
    reader: websocket::Reader,
    closing: Closing,
    /// `None` once the session has done with it.
    session: Option<SessionKey>,
}

impl Link {
    fn send(&self, bytes: impl Into<Bytes>) {
        if let Some(outbox) = &self.outbox {
            outbox.send(bytes.into());
        }
    }

    fn send_close(&self, code: Option<CloseCode>) {
        let mut bytes = Vec::new();
        websocket::write_close(&mut bytes, code.map(|code| (code, "")), None);
        self.send(bytes);
    }
}

impl State {
    /// `None` when there are too many.
    pub(super) fn open_conn(&mut self, outbox: Outbox) -> Option<ConnKey> {
        outbox.stream.set_write_timeout(Some(self.config.patience)).ok()?;
        let protocol = Protocol::Http(Box::new(Http {
            reader: http::Reader::new(http::Limits::default()),
            pipeline: Pipeline::new(),
            polls: Vec::new(),
            post: None,
        }));
        let (stream, until) = (outbox.stream.clone(), Some(self.now + self.config.patience));
        let link = Link { outbox: Some(outbox), until };
        (self.conns.len() < MAX_CONNECTIONS)
            .then(|| self.conns.insert(Conn { stream, link, protocol }))
    }

    /// Bytes came.
    pub(super) fn feed(&mut self, key: ConnKey, mut input: &mut [u8]) {
        if let Some((link, http)) = self.http(key) {
            link.until = link.until.filter(|_| !http.reader.is_between_requests());
        }
        while let Some(consumed) = self.feed_http(key, input) {
            input = &mut input[consumed..];
        }
        // What comes behind the 101, or all of it.
        while let Some(consumed) = self.feed_websocket(key, input) {
            input = &mut input[consumed..];
        }
        self.wait(key);
    }

    /// Works off one item from the front of the input, and returns how long it was; `None` when all is used up.
    fn feed_http(&mut self, key: ConnKey, input: &[u8]) -> Option<usize> {
        let (link, http) = self.http(key)?;
        let step = match http.reader.read(input) {
            Ok(step) => step,
            Err(error) => {
                if http.pipeline.is_empty() {
                    let mut bytes = Vec::new();
                    Response::new(error.status()).write_to(&mut bytes, Default::default());
                    link.send(bytes);
                }
                self.end(key, true);
                return None;
            }
        };
        match step.item? {
            // Nothing is answered behind a request that closes.
            http::Item::Head(_) if http.pipeline.is_closing() => {}
            http::Item::Head(head) => self.handle_head(key, &head),
            http::Item::Chunk(bytes) => {
                let too_large = http.post.take_if(|(_, _, body)| body.push(bytes).is_err());
                if let Some((session, request, _)) = too_large {
                    self.respond(request, Response::new(413), false);
                    self.act(session, |machine, _| machine.handle_post_refused(request));
                }
            }
            http::Item::End => {
                link.until = None;
                if let Some((session, request, body)) = http.post.take() {
                    self.handle_post(session, request, &body.finish());
                }
            }
        }
        Some(step.consumed)
    }

    /// A request: whose is it, and may it proceed?
    fn handle_head(&mut self, key: ConnKey, head: &Head<'_>) {
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
        let admission = match verify(facts, self.engine.transports, machine) {
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
    fn handle_post(&mut self, session: SessionKey, request: RequestId, body: &[u8]) {
        let (now, text) = (self.now, String::from_utf8_lossy(body));
        let machine = self.sessions.get(session).map(|it| &it.machine);
        // It may have been answered meanwhile, because the session left polling.
        if machine.is_some_and(|machine| machine.is_reading(request)) {
            for packet in payload::decode(&text) {
                self.receive(session, |machine, out| machine.handle_packet(now, packet, out));
            }
            self.act(session, |machine, actions| machine.handle_post_end(request, actions));
        }
        // Or the session is gone.
        self.respond(request, Response::new(400), false);
    }

    /// Puts a response in its place, and sends those whose turn it is.
    pub(super) fn respond(&mut self, request: RequestId, mut response: Response, close: bool) {
        let key = Key::from_bits(request.connection);
        let Some((link, http)) = self.http(key) else { return };
        http.polls.retain(|(_, poll)| *poll != request);
        _ = response.set_header("Access-Control-Allow-Origin", "*");
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (ticket, date) = (Ticket::from_number(request.sequence), http_date(date.as_secs()));
        http.pipeline.respond(ticket, &response, Some(&date), close);
        let mut is_last = false;
        for ready in iter::from_fn(|| http.pipeline.next_ready()) {
            link.send(ready.bytes);
            is_last |= ready.close;
        }
        if is_last {
            self.end(key, false);
        } else {
            self.wait(key);
        }
    }

    /// Decides how long the client of a connection may take now.
    fn wait(&mut self, key: ConnKey) {
        let patience = self.now + self.config.patience;
        let Some((link, http)) = self.http(key) else { return };
        link.until = match http.reader.is_between_requests() {
            true => http.pipeline.is_empty().then_some(patience),
            false => Some(link.until.unwrap_or(patience)),
        };
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
        let limits =
            websocket::Limits { max_message: self.engine.max_payload, ..Default::default() };
        let Some(conn) = self.conns.get_mut(Key::from_bits(request.connection)) else {
            return false;
        };
        let mut bytes = Vec::new();
        // Can fail only for what we put in, which is nothing.
        _ = handshake.write_response(&mut bytes, None, None, []);
        conn.link.send(bytes);
        conn.link.until = None;
        conn.protocol = Protocol::WebSocket(WebSocket {
            reader: websocket::Reader::new(Role::Server, limits),
            closing: Closing::Open,
            session: Some(session),
        });
        true
    }

    /// As [`feed_http`](Self::feed_http).
    fn feed_websocket(&mut self, key: ConnKey, input: &mut [u8]) -> Option<usize> {
        let (link, websocket) = self.websocket(key)?;
        let (session, may_send) = (websocket.session, websocket.closing.may_send());
        let step = match websocket.reader.read(input) {
            Ok(step) => step,
            Err(error) => {
                if may_send {
                    link.send_close(Some(error.close_code()));
                }
                self.end(key, true);
                return None;
            }
        };
        match step.item? {
            websocket::Item::Text(text) => self.hear(key, session, Message::Text(&text)),
            websocket::Item::Binary(data) => self.hear(key, session, Message::Binary(data)),
            websocket::Item::Ping(payload) if may_send => {
                link.send(websocket::frame(OpCode::Pong, &[&payload]));
            }
            websocket::Item::Close(close) => {
                if let Answer::Echo(code) = websocket.closing.received(close.as_ref()) {
                    link.send_close(code);
                }
                self.end(key, false);
                return None;
            }
            _ => {}
        }
        Some(step.consumed)
    }

    /// A WebSocket message, which the session may know to be for the application.
    fn hear(&mut self, key: ConnKey, session: Option<SessionKey>, message: Message<'_>) {
        let (now, channel) = (self.now, ChannelId(key.to_bits()));
        if let Some(session) = session {
            self.receive(session, |machine, actions| {
                machine.handle_channel_message(now, channel, message, actions)
            });
        }
    }

    /// Sends a packet as a WebSocket message.
    pub(super) fn transmit(&mut self, channel: ChannelId, packet: &Outgoing, base64: bool) {
        let Some((link, websocket)) = self.websocket(Key::from_bits(channel.0)) else { return };
        if !websocket.closing.may_send() {
            return;
        }
        link.send(match packet {
            Outgoing::Binary(data) if !base64 => websocket::frame(OpCode::Binary, &[data]),
            _ => {
                let mut text = Vec::new();
                packet.write_text(&mut text);
                websocket::frame(OpCode::Text, &[&text])
            }
        });
    }

    /// Says the last word on a WebSocket, and waits for the peer's.
    pub(super) fn close_channel(&mut self, channel: ChannelId) {
        let until = self.now + self.config.patience;
        let Some((link, websocket)) = self.websocket(Key::from_bits(channel.0)) else { return };
        (websocket.session, link.until) = (None, Some(until));
        if websocket.closing.may_send() {
            websocket.closing.sent();
            link.send_close(None);
        }
    }

    /// A connection ends as soon as what it has to write is written; whoever relied on it is told.
    pub(super) fn end(&mut self, key: ConnKey, is_error: bool) {
        let until = Some(self.now + self.config.patience);
        let Some(conn) = self.conns.get_mut(key) else { return };
        conn.link = Link { outbox: None, until };
        match mem::replace(&mut conn.protocol, Protocol::Over) {
            Protocol::Http(http) => {
                for (session, request) in http.polls {
                    self.act(session, |machine, actions| {
                        // It is one or the other, and the session knows which.
                        machine.handle_get_gone(request, actions);
                        machine.handle_post_gone(request, actions);
                    });
                }
            }
            Protocol::WebSocket(WebSocket { session: Some(session), .. }) => {
                let channel = ChannelId(key.to_bits());
                self.act(session, |machine, actions| {
                    machine.handle_channel_gone(channel, is_error, actions);
                });
            }
            Protocol::WebSocket(_) | Protocol::Over => {}
        }
    }

    /// Ends a connection without waiting for anything.
    pub(super) fn cut(&mut self, key: ConnKey) {
        if let Some(conn) = self.conns.get(key) {
            _ = conn.stream.shutdown(Shutdown::Both);
        }
        self.end(key, true);
    }

    /// Both threads of a connection are done.
    pub(super) fn forget_conn(&mut self, key: ConnKey) {
        self.end(key, true);
        self.conns.remove(key);
    }

    fn http(&mut self, key: ConnKey) -> Option<(&mut Link, &mut Http)> {
        match self.conns.get_mut(key)? {
            Conn { link, protocol: Protocol::Http(http), .. } => Some((link, http)),
            _ => None,
        }
    }

    fn websocket(&mut self, key: ConnKey) -> Option<(&mut Link, &mut WebSocket)> {
        match self.conns.get_mut(key)? {
            Conn { link, protocol: Protocol::WebSocket(websocket), .. } => Some((link, websocket)),
            _ => None,
        }
    }
}
