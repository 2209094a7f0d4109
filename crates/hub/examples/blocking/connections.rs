//! From bytes to requests and messages, and back.

use std::{
    iter, mem,
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use siomio_engine::{ChannelId, Message, Outgoing, RequestId};
use siomio_http::{self as http, Body, Pipeline, Response, Ticket, http_date};
use siomio_hub::Key;
use siomio_websocket::{self as websocket, Answer, CloseCode, Closing, OpCode, Role};

use super::{MAX_CONNECTIONS, Outbox, State, sessions::SessionKey};

pub(super) type ConnKey = Key<Conn>;

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

pub(super) struct Http {
    reader: http::Reader,
    pub(super) pipeline: Pipeline,
    /// Requests that sessions have not answered.
    pub(super) polls: Vec<(SessionKey, RequestId)>,
    /// The POST whose body is being read.
    pub(super) post: Option<(SessionKey, RequestId, Body)>,
}

struct WebSocket {
    reader: websocket::Reader,
    closing: Closing,
    /// `None` once the session has done with it.
    session: Option<SessionKey>,
}

impl Link {
    pub(super) fn send(&self, bytes: impl Into<Bytes>) {
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

    /// The connection of a request is a WebSocket now, once its response is written.
    pub(super) fn open_channel(
        &mut self,
        request: RequestId,
        response: Vec<u8>,
        session: SessionKey,
    ) {
        let max_message = self.engine.max_payload;
        let limits = websocket::Limits { max_message, ..websocket::Limits::default() };
        let Some(conn) = self.conns.get_mut(Key::from_bits(request.connection)) else { return };
        conn.link.send(response);
        conn.link.until = None;
        conn.protocol = Protocol::WebSocket(WebSocket {
            reader: websocket::Reader::new(Role::Server, limits),
            closing: Closing::Open,
            session: Some(session),
        });
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

    pub(super) fn http(&mut self, key: ConnKey) -> Option<(&mut Link, &mut Http)> {
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
