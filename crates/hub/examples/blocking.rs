//! A whole Socket.IO server over `std::net` and blocking threads, on the crates that do no I/O.
//!
//! ```text
//!  accept ─► a thread for each connection ─ read ─► State::feed ─┐             ┌─► the timer's thread: State::expire
//!                        │                                       ▼             │
//!                        └─ a second one writes ◄─ Outbox ◄─ one Mutex<State>: connections, sessions, hub
//! ```
//!
//! Whatever happens is one step under the lock: bytes came, a connection ended, time passed. A step goes up through
//! the layers (HTTP or WebSocket, Engine.IO session, Socket.IO hub, [`State::handle_event`]) and comes back down as
//! bytes in outboxes; it never waits for a socket. Two threads for each connection is simple and good for a thousand.
//!
//! Run it with `PORT=3000 cargo run -p siomio-hub --example blocking`, and talk to it with any Socket.IO client.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the side that does the I/O"
)]

use std::{
    collections::HashMap,
    env,
    io::{self, Read, Write},
    iter, mem,
    net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use siomio_engine::{
    self as engine, Action, Admission, ChannelId, CloseReason, Lane, Message, Outgoing, Query,
    RequestId, Sid, Text, Transport, payload, verify,
};
use siomio_http::{self as http, Body, Head, Method, Pipeline, Response, Ticket, http_date};
use siomio_hub::{
    AckToken, Arena, ClientKey, Due, Hub, Key, NamespaceId, Received, Rooms, Selector, SocketKey,
};
use siomio_packet::{ArgsRef, Data, IntoArgs, Kind, Payload, Value};
use siomio_packet::{connect, connect_error, disconnect, write_head};
use siomio_websocket::handshake::{RequestParts, ServerHandshake};
use siomio_websocket::{self as websocket, Answer, CloseCode, Closing, OpCode, Role};

const PATH: &str = "/socket.io/";
const NAMESPACES: [&str; 2] = ["/", "/custom"];
/// Connections at the same time; two threads each.
const MAX_CONNECTIONS: usize = 2_000;
/// Requests of one connection that wait for their answers.
const MAX_PIPELINE: usize = 16;
/// Bytes that may wait for a client before another message is too much.
const MAX_BUFFERED: usize = 4_000_000;
const MAX_ROOMS: usize = 100;
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// What can be set.
pub(crate) struct Config {
    pub(crate) engine: engine::Config,
    pub(crate) hub: siomio_hub::Config,
    /// Time for a whole request to arrive, and for a client to take anything of what is written.
    pub(crate) request_timeout: Duration,
    /// Time between two requests.
    pub(crate) keep_alive: Duration,
    /// Time for a connection to end once everything is said.
    pub(crate) linger: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            engine: engine::Config::default(),
            hub: siomio_hub::Config::default(),
            request_timeout: Duration::from_secs(20),
            keep_alive: Duration::from_secs(60),
            linger: Duration::from_secs(5),
        }
    }
}

fn main() -> io::Result<()> {
    let setting = |name: &str, default: u32| {
        env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let millis = |name, default| Duration::from_millis(setting(name, default).into());
    let mut config = Config::default();
    config.engine.ping_interval = millis("PING_INTERVAL", 25_000);
    config.engine.ping_timeout = millis("PING_TIMEOUT", 20_000);
    config.engine.max_payload = setting("MAX_PAYLOAD", 1_000_000) as usize;
    config.hub.connect_timeout = millis("CONNECT_TIMEOUT", 45_000);

    let port = setting("PORT", 3000) as u16;
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port))?;
    println!("blocking listens on {} and {}", v4.local_addr()?, v6.local_addr()?);
    let server = Server::start(config);
    let other = server.clone();
    thread::spawn(move || other.serve(&v6));
    server.serve(&v4);
    Ok(())
}

/// The threads, and what they share.
pub(crate) struct Server {
    state: Mutex<State>,
    /// Rung when something is due before the timer's thread would wake.
    alarm: Condvar,
}

impl Server {
    /// A server with its timer running, and nobody listening yet.
    pub(crate) fn start(config: Config) -> Arc<Self> {
        let state = Mutex::new(State::new(config));
        let server = Arc::new(Self { state, alarm: Condvar::new() });
        let timer = server.clone();
        thread::spawn(move || timer.keep_time());
        server
    }

    /// Accepts connections, for ever.
    pub(crate) fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            let server = self.clone();
            let Ok(stream) = stream else {
                // Out of descriptors, most likely: give connections time to end.
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            // Without a thread to be had, the connection is dropped.
            drop(thread::Builder::new().spawn(move || server.converse(stream)));
        }
    }

    /// How many connections, sessions and sockets there are.
    pub(crate) fn census(&self) -> (usize, usize, usize) {
        self.step(|state| (state.conns.len(), state.sessions.len(), state.hub.len().1))
    }

    /// The life of one connection: this thread reads, another writes.
    fn converse(&self, stream: TcpStream) {
        let (stream, (queue, messages)) = (Arc::new(stream), channel());
        let outbox = Outbox { queue, bytes: Arc::default() };
        let (bytes, reader) = (outbox.bytes.clone(), &stream);
        let Some(conn) = self.step(|state| state.open_conn(&stream, outbox)) else { return };
        thread::scope(|scope| {
            let write = move || write_all(reader, messages, &bytes);
            if thread::Builder::new().spawn_scoped(scope, write).is_ok() {
                self.read_all(reader, conn);
            }
            self.step(|state| state.end(conn, false));
        });
        self.step(|state| state.conns.remove(conn));
    }

    fn read_all(&self, mut stream: &TcpStream, conn: ConnKey) {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => self.step(|state| state.feed(conn, &mut buffer[..count])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Sleeps until something is due, and does it.
    fn keep_time(&self) {
        let mut state = self.lock();
        loop {
            state.now = Instant::now();
            state.expire();
            state.settle();
            state.wake = state.deadline().unwrap_or(state.now + Duration::from_secs(60));
            let pause = state.wake - state.now;
            let slept = self.alarm.wait_timeout(state, pause);
            state = slept.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Does one thing under the lock.
    fn step<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        state.now = Instant::now();
        let wake = state.wake;
        let result = act(&mut state);
        state.settle();
        if state.wake < wake {
            self.alarm.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what comes through the queue, until nobody can put anything into it.
fn write_all(mut stream: &TcpStream, messages: Receiver<Bytes>, queued: &AtomicUsize) {
    for message in messages {
        if stream.write_all(&message).is_err() {
            // The thread that reads learns of it by the end of the stream.
            drop(stream.shutdown(Shutdown::Both));
            return;
        }
        queued.fetch_sub(message.len(), Ordering::Relaxed);
    }
    drop(stream.shutdown(Shutdown::Write));
}

type ConnKey = Key<Conn>;
type SessionKey = Key<Session>;

/// Everything that the server knows.
struct State {
    engine: Arc<engine::Config>,
    config: Config,
    /// When this step began.
    now: Instant,
    /// When the timer's thread wakes.
    wake: Instant,
    conns: Arena<Conn>,
    sessions: Arena<Session>,
    by_sid: HashMap<Sid, SessionKey>,
    hub: Hub,
    /// Sessions that may have an answer for a waiting GET at the end of the step.
    unflushed: Vec<SessionKey>,
    /// Sessions that have closed in this step.
    closed: Vec<SessionKey>,
}

struct Session {
    machine: engine::Session,
    client: ClientKey,
}

struct Conn {
    stream: Arc<TcpStream>,
    /// `None` once our last word is in it.
    outbox: Option<Outbox>,
    protocol: Protocol,
    /// Limits the wait for the rest of a request, or for the end.
    until: Option<Instant>,
    /// Limits the wait for another request.
    idle_until: Instant,
}

/// The way to the thread that writes.
struct Outbox {
    queue: Sender<Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// ```text
///   Http ── 101 ──► WebSocket ── both close frames, an error, the end ──► Over
///     └──── last response, an error, the end ──────────────────────────────▲
/// ```
enum Protocol {
    Http(Box<Http>),
    /// Without a session it waits for the peer's close frame.
    WebSocket {
        reader: websocket::Reader,
        closing: Closing,
        session: Option<SessionKey>,
    },
    /// What is queued is written, what still comes is read to nowhere.
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

impl Conn {
    fn send(&mut self, bytes: impl Into<Bytes>) {
        let (bytes, Some(outbox)) = (bytes.into(), &self.outbox) else { return };
        if outbox.bytes.fetch_add(bytes.len(), Ordering::Relaxed) > MAX_BUFFERED {
            // It takes too little. The thread that reads finds the end, and tells the session.
            drop(self.stream.shutdown(Shutdown::Both));
        } else {
            // Fails when the thread that writes has given up, which the other one will notice.
            drop(outbox.queue.send(bytes));
        }
    }

    fn send_close(&mut self, code: Option<CloseCode>) {
        let mut bytes = Vec::new();
        websocket::write_close(&mut bytes, code.map(|code| (code, "")), None);
        self.send(bytes);
    }

    fn deadline(&self) -> Option<Instant> {
        self.until.or(match &self.protocol {
            Protocol::Http(http) if http.pipeline.is_empty() => Some(self.idle_until),
            _ => None,
        })
    }
}

/// Connections: from bytes to requests and messages.
impl State {
    fn new(mut config: Config) -> Self {
        let seed = u64::from_ne_bytes(random());
        config.hub.packets.max_packet_bytes = config.engine.max_payload;
        let mut hub = Hub::new(config.hub.clone(), Rooms::shared(seed), seed);
        for name in NAMESPACES {
            hub.declare(name);
        }
        let now = Instant::now();
        Self {
            engine: Arc::new(config.engine.clone()),
            config,
            now,
            wake: now,
            conns: Arena::new(),
            sessions: Arena::new(),
            by_sid: HashMap::new(),
            hub,
            unflushed: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// `None` when there are too many.
    fn open_conn(&mut self, stream: &Arc<TcpStream>, outbox: Outbox) -> Option<ConnKey> {
        stream.set_nodelay(true).ok()?;
        stream.set_write_timeout(Some(self.config.request_timeout)).ok()?;
        let idle_until = self.now + self.config.keep_alive;
        self.remind(Some(idle_until));
        (self.conns.len() < MAX_CONNECTIONS).then(|| {
            let protocol = Protocol::Http(Box::new(Http {
                reader: http::Reader::new(http::Limits::default()),
                pipeline: Pipeline::new(),
                polls: Vec::new(),
                post: None,
            }));
            let (stream, outbox) = (stream.clone(), Some(outbox));
            self.conns.insert(Conn { stream, outbox, protocol, until: None, idle_until })
        })
    }

    /// Bytes came on a connection.
    fn feed(&mut self, key: ConnKey, mut input: &mut [u8]) {
        while let Some(consumed) = match self.conns.get(key).map(|conn| &conn.protocol) {
            Some(Protocol::Http(_)) => self.feed_http(key, input),
            Some(Protocol::WebSocket { .. }) => self.feed_websocket(key, input),
            Some(Protocol::Over) | None => None,
        } {
            input = &mut input[consumed..];
        }
        let until = self.now + self.config.request_timeout;
        let Some(conn) = self.conns.get_mut(key) else { return };
        if let Protocol::Http(http) = &conn.protocol {
            let is_torn = !http.reader.is_between_requests();
            conn.until = is_torn.then(|| conn.until.unwrap_or(until));
            let deadline = conn.deadline();
            self.remind(deadline);
        }
    }

    /// Works off one item from the front of the input, and returns how long it was.
    fn feed_http(&mut self, key: ConnKey, input: &[u8]) -> Option<usize> {
        let conn = self.conns.get_mut(key)?;
        let Protocol::Http(http) = &mut conn.protocol else { return None };
        let step = match http.reader.read(input) {
            Ok(step) => step,
            Err(error) => {
                if http.pipeline.is_empty() {
                    let mut bytes = Vec::new();
                    Response::new(error.status()).write_to(&mut bytes, Default::default());
                    conn.send(bytes);
                }
                self.end(key, true);
                return None;
            }
        };
        match step.item? {
            // Behind a request that closes nothing is answered.
            http::Item::Head(_) if http.pipeline.is_closing() => {}
            http::Item::Head(head) => self.handle_head(key, &head),
            http::Item::Chunk(bytes) => {
                let post = http.post.take_if(|(_, _, body)| body.push(bytes).is_err());
                if let Some((session, request, _)) = post {
                    // The rest is read to nowhere, and the session goes on.
                    self.respond(request, Response::new(413), false);
                    self.act(session, |machine, _| machine.handle_post_refused(request));
                }
            }
            http::Item::End => {
                conn.until = None;
                if let Some((session, request, body)) = http.post.take() {
                    self.handle_post(session, request, &body.finish());
                }
            }
        }
        Some(step.consumed)
    }

    /// A request for us: whose is it, and may it proceed?
    fn handle_head(&mut self, key: ConnKey, head: &Head<'_>) {
        let Some(conn) = self.conns.get_mut(key) else { return };
        let Protocol::Http(http) = &mut conn.protocol else { return };
        let ticket = http.pipeline.open(head);
        let request = RequestId { connection: key.to_bits(), sequence: ticket.number() };
        let is_first = http.pipeline.is_first(ticket);
        if http.pipeline.len() > MAX_PIPELINE {
            return self.respond(request, Response::new(503), true);
        }
        if !head.path().starts_with(PATH) {
            return self.respond(request, Response::new(404), false);
        }
        if head.expects_continue() && is_first {
            conn.send(http::CONTINUE);
        }
        let query = Query::from_pairs(head.query_pairs());
        let session = query.sid.as_deref().and_then(Sid::parse);
        let session = session.and_then(|sid| self.by_sid.get(&sid).copied());
        if let Some(session) = session {
            // Its time may be over, and the timer late.
            let now = self.now;
            self.act(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        let is_upgrade = head.is_upgrade() && query.transport == Some(Transport::WebSocket);
        let facts = engine::Request {
            query: &query,
            is_get: head.method() == Method::Get,
            is_upgrade,
            origin: head.header_bytes("origin"),
        };
        let machine = session.and_then(|key| self.sessions.get(key)).map(|state| &state.machine);
        let machine = machine.filter(|machine| !machine.is_closed());
        match (verify(facts, self.engine.transports, machine), session) {
            (Err(refusal), _) if is_upgrade => {
                let text = refusal.message().to_owned();
                self.respond(request, Response::new(400).html(text), true);
            }
            (Err(refusal), _) => {
                let response = Response::new(refusal.status()).json(refusal.body());
                self.respond(request, response, false);
            }
            // A WebSocket begins when all earlier requests are answered; who cannot wait has to use another connection.
            (Ok(_), _) if is_upgrade && !is_first => {
                self.respond(request, Response::new(400), true);
            }
            (Ok(Admission::Session), Some(session)) if is_upgrade => {
                self.open_probe(request, head, &query, session);
            }
            (Ok(Admission::Session), Some(session)) => self.poll(request, head, session),
            (Ok(Admission::Session), None) => self.respond(request, Response::new(400), false),
            (Ok(Admission::Handshake(Transport::Polling)), _) => {
                let (now, config, sid) = (self.now, self.engine.clone(), new_sid());
                let machine = engine::Session::open_polling(now, config, sid, query.protocol);
                let session = self.open_session(machine);
                self.poll(request, head, session);
            }
            (Ok(Admission::Handshake(Transport::WebSocket)), _) => {
                self.open_websocket(request, head, &query);
            }
        }
    }

    /// A request of a polling session, which answers it in its own time.
    fn poll(&mut self, request: RequestId, head: &Head<'_>, session: SessionKey) {
        let conn = Key::from_bits(request.connection);
        self.http(conn).into_iter().for_each(|http| http.polls.push((session, request)));
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
                let max = self.engine.max_payload;
                if let Some(http) = self.http(conn).filter(|_| is_wanted == Some(true)) {
                    http.post = Some((session, request, Body::new(max)));
                }
            }
            _ => self.respond(request, Response::new(500), false),
        }
    }

    /// The body of a POST is complete.
    fn handle_post(&mut self, session: SessionKey, request: RequestId, body: &[u8]) {
        let (now, text) = (self.now, String::from_utf8_lossy(body));
        // Unless it was answered meanwhile, because the session has left polling.
        if self.sessions.get(session).is_some_and(|state| state.machine.is_reading(request)) {
            for packet in payload::decode(&text) {
                let message =
                    self.act(session, |machine, out| machine.handle_packet(now, packet, out));
                message.flatten().into_iter().for_each(|it| self.handle_message(session, it));
            }
            self.act(session, |machine, out| machine.handle_post_end(request, out));
        }
        // For whoever has no answer yet, because the session has ended.
        self.respond(request, Response::new(400), false);
    }

    /// Puts a response in its place; the connection gets those whose turn it is.
    fn respond(&mut self, request: RequestId, mut response: Response, close: bool) {
        let key = Key::from_bits(request.connection);
        let Some(conn) = self.conns.get_mut(key) else { return };
        let Protocol::Http(http) = &mut conn.protocol else { return };
        http.polls.retain(|(_, poll)| *poll != request);
        drop(response.set_header("Access-Control-Allow-Origin", "*"));
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (ticket, date) = (Ticket::from_number(request.sequence), http_date(date.as_secs()));
        http.pipeline.respond(ticket, &response, Some(&date), close);
        let ready: Vec<_> = iter::from_fn(|| http.pipeline.next_ready()).collect();
        let is_last = ready.last().is_some_and(|ready| ready.close);
        ready.into_iter().for_each(|ready| conn.send(ready.bytes));
        conn.idle_until = self.now + self.config.keep_alive;
        self.remind(Some(self.now + self.config.keep_alive));
        if is_last {
            self.end(key, false);
        }
    }

    /// A session that begins on a WebSocket.
    fn open_websocket(&mut self, request: RequestId, head: &Head<'_>, query: &Query<'_>) {
        let mut actions = Vec::new();
        let (now, config, channel) = (self.now, self.engine.clone(), ChannelId(request.connection));
        let (sid, protocol, out) = (new_sid(), query.protocol, &mut actions);
        let mut machine = engine::Session::open_websocket(now, config, sid, protocol, channel, out);
        if query.base64 {
            machine.set_base64();
        }
        let session = self.open_session(machine);
        if self.switch_protocols(request, head, session) {
            self.perform(session, actions);
        } else {
            self.closed.push(session);
        }
    }

    /// A WebSocket that wants to take a polling session over.
    fn open_probe(
        &mut self,
        request: RequestId,
        head: &Head<'_>,
        query: &Query<'_>,
        session: SessionKey,
    ) {
        if self.switch_protocols(request, head, session) {
            let (now, channel) = (self.now, ChannelId(request.connection));
            self.act(session, |machine, actions| {
                machine.handle_channel(now, channel, query.base64, actions);
            });
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
        let mut bytes = Vec::new();
        let handshake = match ServerHandshake::check(&parts) {
            Ok(handshake) => handshake,
            Err(rejection) => {
                let mut response = Response::new(rejection.status()).html(rejection.reason());
                for (name, value) in rejection.header() {
                    drop(response.set_header(name, value));
                }
                self.respond(request, response, true);
                return false;
            }
        };
        let Some(conn) = self.conns.get_mut(Key::from_bits(request.connection)) else {
            return false;
        };
        // Fails only for protocols, extensions and headers of ours, and there are none.
        drop(handshake.write_response(&mut bytes, None, None, []));
        conn.send(bytes);
        let limits =
            websocket::Limits { max_message: self.engine.max_payload, ..Default::default() };
        let reader = websocket::Reader::new(Role::Server, limits);
        let (closing, session) = (Closing::Open, Some(session));
        conn.protocol = Protocol::WebSocket { reader, closing, session };
        true
    }

    /// Works off one item from the front of the input, and returns how long it was.
    fn feed_websocket(&mut self, key: ConnKey, input: &mut [u8]) -> Option<usize> {
        let conn = self.conns.get_mut(key)?;
        let Protocol::WebSocket { reader, closing, session } = &mut conn.protocol else {
            return None;
        };
        let session = *session;
        let step = match reader.read(input) {
            Ok(step) => step,
            Err(error) => {
                if closing.may_send() {
                    conn.send_close(Some(error.close_code()));
                }
                self.end(key, true);
                return None;
            }
        };
        match step.item? {
            websocket::Item::Text(text) => {
                self.handle_channel_message(key, session, Message::Text(&text));
            }
            websocket::Item::Binary(data) => {
                self.handle_channel_message(key, session, Message::Binary(data));
            }
            websocket::Item::Ping(payload) if closing.may_send() => {
                conn.send(websocket::frame(OpCode::Pong, &[&payload]));
            }
            websocket::Item::Close(close) => {
                if let Answer::Echo(code) = closing.received(close.as_ref()) {
                    conn.send_close(code);
                }
                self.end(key, false);
                return None;
            }
            _ => {}
        }
        Some(step.consumed)
    }

    fn handle_channel_message(
        &mut self,
        key: ConnKey,
        session: Option<SessionKey>,
        message: Message<'_>,
    ) {
        let (now, channel, Some(session)) = (self.now, ChannelId(key.to_bits()), session) else {
            return;
        };
        let message = self.act(session, |machine, actions| {
            machine.handle_channel_message(now, channel, message, actions)
        });
        message.flatten().into_iter().for_each(|message| self.handle_message(session, message));
    }

    /// The end of a connection, but for what is queued: whoever relied on it is told.
    fn end(&mut self, key: ConnKey, is_error: bool) {
        let until = self.now + self.config.linger;
        let Some(conn) = self.conns.get_mut(key) else { return };
        (conn.outbox, conn.until) = (None, Some(until));
        let protocol = mem::replace(&mut conn.protocol, Protocol::Over);
        self.remind(Some(until));
        match protocol {
            Protocol::Http(http) => {
                for (session, request) in http.polls {
                    self.act(session, |machine, actions| {
                        // It is one or the other, and the session knows which.
                        machine.handle_get_gone(request, actions);
                        machine.handle_post_gone(request, actions);
                    });
                }
            }
            Protocol::WebSocket { session: Some(session), .. } => {
                let channel = ChannelId(key.to_bits());
                self.act(session, |machine, actions| {
                    machine.handle_channel_gone(channel, is_error, actions);
                });
            }
            Protocol::WebSocket { session: None, .. } | Protocol::Over => {}
        }
    }

    /// Ends a connection without waiting for anything.
    fn cut(&mut self, key: ConnKey) {
        self.conns.get(key).map(|conn| conn.stream.shutdown(Shutdown::Both));
        self.end(key, true);
    }

    fn http(&mut self, key: ConnKey) -> Option<&mut Http> {
        match &mut self.conns.get_mut(key)?.protocol {
            Protocol::Http(http) => Some(http),
            _ => None,
        }
    }
}

/// Sessions: what they ask for, and what time does to them.
impl State {
    fn open_session(&mut self, machine: engine::Session) -> SessionKey {
        let (now, hub, sid) = (self.now, &mut self.hub, *machine.sid());
        let deadlines = [machine.deadline(), Some(now + self.config.hub.connect_timeout)];
        let session = self.sessions.insert_with(|key| {
            // The hub calls clients by the session's key.
            Session { machine, client: hub.open_client(now, key.to_bits()) }
        });
        self.by_sid.insert(sid, session);
        deadlines.into_iter().for_each(|deadline| self.remind(deadline));
        session
    }

    /// Lets a session do something, and carries out what it asks for. `None` when it is gone.
    fn act<R>(
        &mut self,
        session: SessionKey,
        act: impl FnOnce(&mut engine::Session, &mut Vec<Action>) -> R,
    ) -> Option<R> {
        let machine = &mut self.sessions.get_mut(session)?.machine;
        let mut actions = Vec::new();
        let result = act(machine, &mut actions);
        let deadline = machine.deadline();
        self.remind(deadline);
        self.unflushed.push(session);
        self.perform(session, actions);
        Some(result)
    }

    fn perform(&mut self, session: SessionKey, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Respond { request, response } => {
                    let mut response = match response {
                        engine::Response::Payload(body) => Response::new(200).text(body),
                        engine::Response::Accepted => Response::new(200).html("ok"),
                        _ => Response::new(400),
                    };
                    drop(response.set_header("Cache-Control", "no-store"));
                    self.respond(request, response, false);
                }
                Action::Abort { request } => self.cut(Key::from_bits(request.connection)),
                Action::Transmit { channel, packet } => self.transmit(session, channel, &packet),
                Action::CloseChannel { channel } => self.close_channel(Key::from_bits(channel.0)),
                Action::Closed { .. } => self.closed.push(session),
                // Where messages go now is asked each time.
                _ => {}
            }
        }
    }

    /// Sends packets that belong together, on whatever transport the session is.
    fn send(&mut self, session: SessionKey, packets: &[Outgoing]) {
        let Some(state) = self.sessions.get_mut(session) else { return };
        match state.machine.lane() {
            Lane::WebSocket { channel, .. } => {
                packets.iter().for_each(|packet| self.transmit(session, channel, packet));
            }
            Lane::Queue => {
                packets.iter().for_each(|packet| state.machine.queue(packet.clone()));
                if state.machine.queued_bytes() > MAX_BUFFERED && !state.machine.is_polled() {
                    self.act(session, |machine, actions| {
                        machine.discard(CloseReason::SlowConsumer, actions);
                    });
                }
                self.unflushed.push(session);
            }
            Lane::Closed => {}
        }
    }

    /// Writes a packet as a WebSocket message.
    fn transmit(&mut self, session: SessionKey, channel: ChannelId, packet: &Outgoing) {
        let is_base64 = self.sessions.get(session).is_some_and(|state| state.machine.is_base64());
        let Some(conn) = self.conns.get_mut(Key::from_bits(channel.0)) else { return };
        match (&conn.protocol, packet) {
            (Protocol::WebSocket { closing, .. }, _) if !closing.may_send() => {}
            (_, Outgoing::Binary(data)) if !is_base64 => {
                conn.send(websocket::frame(OpCode::Binary, &[data]));
            }
            _ => {
                let mut text = Vec::new();
                packet.write_text(&mut text);
                conn.send(websocket::frame(OpCode::Text, &[&text]));
            }
        }
    }

    /// Says the last word on a WebSocket, and waits for the peer's.
    fn close_channel(&mut self, key: ConnKey) {
        let until = self.now + self.config.linger;
        let Some(conn) = self.conns.get_mut(key) else { return };
        if let Protocol::WebSocket { closing, session, .. } = &mut conn.protocol {
            (*session, conn.until) = (None, Some(until));
            if closing.may_send() {
                closing.sent();
                conn.send_close(None);
            }
        }
        self.remind(Some(until));
    }

    /// The end of each step: waiting GETs are answered, and closed sessions forgotten.
    fn settle(&mut self) {
        for session in mem::take(&mut self.unflushed) {
            let mut actions = Vec::new();
            let Some(state) = self.sessions.get_mut(session) else { continue };
            state.machine.flush(&mut actions);
            self.perform(session, actions);
        }
        for session in mem::take(&mut self.closed) {
            self.leave_all(session);
            let Some(state) = self.sessions.remove(session) else { continue };
            self.by_sid.remove(state.machine.sid());
            self.hub.close_client(state.client);
        }
        self.hub.end_batch();
    }

    /// Does what is due. Looking through everything is good enough for so many.
    fn expire(&mut self) {
        let now = self.now;
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let sessions = self.sessions.iter().filter(|(_, it)| is_due(it.machine.deadline()));
        for session in sessions.map(|(key, _)| key).collect::<Vec<_>>() {
            self.act(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        let conns = self.conns.iter().filter(|(_, conn)| is_due(conn.deadline()));
        for conn in conns.map(|(key, _)| key).collect::<Vec<_>>() {
            self.cut(conn);
        }
        while let Some(due) = self.hub.handle_timeout(now) {
            if let Due::Connect(tag) = due {
                self.close(Key::from_bits(tag));
            }
        }
    }

    /// When something is due next.
    fn deadline(&self) -> Option<Instant> {
        let sessions = self.sessions.iter().filter_map(|(_, state)| state.machine.deadline());
        let conns = self.conns.iter().filter_map(|(_, conn)| conn.deadline());
        sessions.chain(conns).chain(self.hub.deadline()).min()
    }

    /// Makes sure that the timer's thread is awake then.
    fn remind(&mut self, deadline: Option<Instant>) {
        self.wake = deadline.map_or(self.wake, |deadline| deadline.min(self.wake));
    }
}

/// Socket.IO.
impl State {
    /// A message came for the hub to judge.
    fn handle_message(&mut self, session: SessionKey, message: Message<'_>) {
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
                self.remind(Some(deadline));
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
            "bye" => self.leave(socket, false),
            "bye-all" => {
                let session = self.hub.tag_of(socket).map(Key::from_bits);
                session.into_iter().for_each(|session| self.close(session));
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
        let (Some(tag), Some(namespace)) = (self.hub.tag_of(socket), self.hub.namespace_of(socket))
        else {
            return;
        };
        let packets = self.compose(kind, namespace, id, payload);
        self.send(Key::from_bits(tag), &packets);
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

    /// Takes a socket out of its namespace; the client is told unless it was its own wish.
    fn leave(&mut self, socket: SocketKey, by_client: bool) {
        let (session, namespace) = (self.hub.tag_of(socket), self.hub.namespace_of(socket));
        if !by_client {
            let mut text = Vec::new();
            let name = namespace.and_then(|namespace| self.hub.name(namespace));
            disconnect(&mut text, name.map_or("/", |name| name));
            self.send(Key::from_bits(session.unwrap_or(u64::MAX)), &[text_packet(text)]);
        }
        self.hub.begin_disconnect(socket, by_client);
        self.hub.remove(socket);
    }

    fn leave_all(&mut self, session: SessionKey) {
        let sockets = self.sessions.get(session).map(|state| self.hub.sockets(state.client));
        sockets.into_iter().flatten().for_each(|socket| self.leave(socket, false));
    }

    /// Closes a session, whose sockets leave their namespaces.
    fn close(&mut self, session: SessionKey) {
        let now = self.now;
        self.leave_all(session);
        self.act(session, |machine, actions| machine.close(now, actions));
    }
}

/// The text of a packet, which is UTF-8.
fn text_packet(text: Vec<u8>) -> Outgoing {
    Outgoing::Text(Text::try_from(Bytes::from(text)).unwrap_or_default())
}

/// An id for a session or a socket.
fn new_sid() -> Sid {
    Sid::new(0, random())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes
}
