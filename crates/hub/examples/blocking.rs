//! A whole Socket.IO server over `std::net` and blocking threads, on the crates that do no I/O.
//!
//! ```text
//!   one thread per connection, reading ─┐               ┌─► one thread per connection, writing
//!   …                                   ├─► one State ──┤
//!   one thread for the time ────────────┘   (locked)    └─► …
//! ```
//!
//! Whatever happens is one step under one lock: bytes came, a connection ended, time passed. A step goes up through the
//! layers (HTTP or WebSocket, Engine.IO, Socket.IO, the application) and comes back down as bytes that wait in a
//! connection for its writer. It never waits for anybody.
//!
//! `PORT=3000 cargo run -p siomio-hub --example blocking` runs it.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "somebody has to do I/O")]

use std::{
    borrow::Cow,
    collections::HashMap,
    env, io,
    io::{Read, Write},
    iter, mem,
    net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use siomio_engine::{
    self as engine, Action, ChannelId, CloseReason, Framing, Message, Outgoing, Query, RequestId,
    Sid, Transport, payload, payload::Format, verify,
};
use siomio_http::{self as http, Body, Head, Method, Pipeline, Response, Ticket};
use siomio_hub::{
    AckToken, Arena, ClientKey, Due, Hub, Key, NamespaceId, Received, Revision, Rooms, Selector,
    SocketKey,
};
use siomio_packet::{ArgsRef, Data, IntoArgs, Kind, Payload, Value};
use siomio_packet::{connect, connect_error, disconnect};
use siomio_websocket::handshake::{RequestParts, ServerHandshake};
use siomio_websocket::{self as websocket, Event, OpCode, ServerConnection};

const PATH: &str = "/socket.io/";
const NAMESPACES: [&str; 2] = ["/", "/custom"];
const MAX_CONNECTIONS: usize = 2_000;
/// Requests of one connection that wait for their answers.
const MAX_PIPELINE: usize = 16;
/// Rooms that one socket may join.
const MAX_ROOMS: usize = 100;
/// Bytes that may wait for a client when another message is sent to it.
const MAX_BUFFERED: usize = 4_000_000;
/// How often time is looked at.
const TICK: Duration = Duration::from_millis(20);

fn main() -> io::Result<()> {
    let setting =
        |name, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let mut config = Config::default();
    config.engine.ping_interval = Duration::from_millis(setting("PING_INTERVAL", 25_000));
    config.engine.ping_timeout = Duration::from_millis(setting("PING_TIMEOUT", 20_000));
    let port = setting("PORT", 3000) as u16;
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port))?;
    println!("blocking listens on {} and {}", v4.local_addr()?, v6.local_addr()?);
    let server = Server::start(config);
    let other = server.clone();
    thread::spawn(move || other.serve(&v6));
    server.serve(&v4)
}

/// What can be set.
pub(crate) struct Config {
    pub(crate) engine: engine::Config,
    pub(crate) hub: siomio_hub::Config,
    /// Time a client has for a request, for the next one, for taking anything, and for ending a connection.
    pub(crate) patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let (engine, hub) = Default::default();
        Self { engine, hub, patience: Duration::from_secs(20) }
    }
}

/// What the threads share. All I/O is here.
pub(crate) struct Server(Mutex<State>);

impl Server {
    /// A server whose time runs, and that nobody can reach yet.
    pub(crate) fn start(config: Config) -> Arc<Self> {
        let server = Arc::new(Self(Mutex::new(State::new(config))));
        let timer = server.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(TICK);
                timer.step(State::expire);
            }
        });
        server
    }

    /// Accepts connections, for ever.
    pub(crate) fn serve(self: &Arc<Self>, listener: &TcpListener) -> ! {
        loop {
            if self.accept(listener).is_err() {
                // Out of descriptors or threads, most likely: give connections time to end.
                thread::sleep(TICK);
            }
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) -> io::Result<()> {
        let stream = Arc::new(listener.accept()?.0);
        stream.set_nodelay(true)?;
        let Some(conn) = self.step(|state| state.open_conn(&stream)) else { return Ok(()) };
        let server = self.clone();
        let thread = thread::Builder::new().spawn(move || server.converse(&stream, conn));
        thread.map(drop).inspect_err(|_| _ = self.step(|state| state.conns.remove(conn)))
    }

    /// The life of a connection: this thread reads, another one writes. Each ends after the other.
    fn converse(&self, mut stream: &TcpStream, conn: ConnKey) {
        thread::scope(|scope| {
            let writer = thread::Builder::new().spawn_scoped(scope, || self.write(stream, conn));
            let mut buffer = vec![0; 16 * 1024];
            while writer.is_ok() {
                let Ok(count @ 1..) = stream.read(&mut buffer) else { break };
                self.step(|state| state.feed(conn, &mut buffer[..count]));
            }
            self.step(|state| state.end(conn, false));
        });
        self.step(|state| state.conns.remove(conn));
    }

    /// Writes what there is to write until the connection is over, and then ends our half of it.
    fn write(&self, mut stream: &TcpStream, key: ConnKey) {
        let mut state = self.lock();
        while let Some(conn) = state.conns.get_mut(key) {
            let (bytes, wake) = (mem::take(&mut conn.out), conn.wake.clone());
            if !bytes.is_empty() {
                drop(state);
                if stream.write_all(&bytes).is_err() {
                    // Then there is nothing to read for, either.
                    _ = stream.shutdown(Shutdown::Both);
                    return;
                }
                state = self.lock();
            } else if let Protocol::Over = conn.protocol {
                break;
            } else {
                state = wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        _ = stream.shutdown(Shutdown::Write);
    }

    /// Does one thing under the lock.
    pub(crate) fn step<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        state.now = Instant::now();
        let result = act(&mut state);
        state.settle();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that the server knows. No I/O from here on.
pub(crate) struct State {
    config: Config,
    /// What all sessions share.
    engine: Arc<engine::Config>,
    /// When this step began.
    now: Instant,
    conns: Arena<Conn>,
    sessions: Arena<Session>,
    by_sid: HashMap<Sid, SessionKey>,
    hub: Hub,
    /// Sessions that have done something in this step.
    touched: Vec<SessionKey>,
}

type ConnKey = Key<Conn>;
type SessionKey = Key<Session>;

struct Conn {
    stream: Arc<TcpStream>,
    /// What waits to be written, and how the writer is told.
    out: Vec<u8>,
    wake: Arc<Condvar>,
    /// When we lose patience, if it is the client's turn.
    until: Instant,
    protocol: Protocol,
}

/// ```text
///   Http ── 101 ──► WebSocket ── both close frames, an error, the end ──► Over
///     └──── last response, an error, the end ───────────────────────────────▲
/// ```
enum Protocol {
    Http(Box<Http>),
    /// With its session, until that has done with it.
    WebSocket(ServerConnection, Option<SessionKey>),
    /// What is left is written, and what still comes is read to nowhere.
    Over,
}

struct Http {
    reader: http::Reader,
    pipeline: Pipeline,
    /// Those who have requests to answer.
    sessions: Vec<SessionKey>,
    /// The POST whose body is being read.
    post: Option<(SessionKey, RequestId, Format, Body)>,
}

struct Session {
    machine: engine::Session,
    /// What it is to the hub, which calls it by the number of its key.
    client: ClientKey,
}

impl State {
    fn new(config: Config) -> Self {
        let seed = u64::from_ne_bytes(random());
        let mut hub = Hub::new(config.hub.clone(), Rooms::shared(seed), seed);
        for name in NAMESPACES {
            hub.declare(name);
        }
        let (conns, sessions, by_sid, touched) = Default::default();
        let (engine, now) = (Arc::new(config.engine.clone()), Instant::now());
        Self { config, engine, now, conns, sessions, by_sid, hub, touched }
    }

    /// How many connections, sessions and sockets there are.
    #[allow(dead_code, reason = "tests ask")]
    pub(crate) fn census(&self) -> (usize, usize, usize) {
        (self.conns.len(), self.sessions.len(), self.hub.len().1)
    }

    /// The end of each step: waiting GETs are answered, and closed sessions forgotten.
    fn settle(&mut self) {
        while let Some(key) = self.touched.pop() {
            let Some(session) = self.sessions.get_mut(key) else { continue };
            let mut actions = Vec::new();
            session.machine.flush(&mut actions);
            let (is_closed, framing) = (session.machine.is_closed(), session.machine.framing());
            self.perform(actions, framing);
            if is_closed {
                self.leave_all(key);
                let Some(session) = self.sessions.remove(key) else { continue };
                self.by_sid.remove(session.machine.sid());
                self.hub.close_client(session.client);
            }
        }
        self.hub.end_batch();
    }

    /// Does what is due. To look through everything is good enough for two threads per connection.
    fn expire(&mut self) {
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
        let due = self.conns.iter().filter(|(_, conn)| conn.is_late(now)).map(|(key, _)| key);
        for conn in due.collect::<Vec<_>>() {
            self.cut(conn);
        }
    }
}

impl Conn {
    fn is_late(&self, now: Instant) -> bool {
        let is_our_turn = match &self.protocol {
            Protocol::Http(http) => http.reader.is_between_requests() && !http.pipeline.is_empty(),
            Protocol::WebSocket(_, session) => session.is_some(),
            Protocol::Over => false,
        };
        !is_our_turn && self.until <= now
    }
}

/// Connections: from bytes to requests and messages, and back.
impl State {
    /// `None` when there are too many.
    fn open_conn(&mut self, stream: &Arc<TcpStream>) -> Option<ConnKey> {
        stream.set_write_timeout(Some(self.config.patience)).ok()?;
        let reader = http::Reader::new(http::Limits::default());
        let http = Http { reader, pipeline: Pipeline::new(), sessions: Vec::new(), post: None };
        let (protocol, until) = (Protocol::Http(Box::new(http)), self.now + self.config.patience);
        let (out, wake) = Default::default();
        (self.conns.len() < MAX_CONNECTIONS)
            .then(|| self.conns.insert(Conn { stream: stream.clone(), out, wake, until, protocol }))
    }

    /// Bytes came.
    fn feed(&mut self, key: ConnKey, mut input: &mut [u8]) {
        let patience = self.now + self.config.patience;
        match self.http(key) {
            Some((_, http, until)) if http.reader.is_between_requests() => *until = patience,
            _ => {}
        }
        while let Some(consumed) = self.feed_http(key, input) {
            input = &mut input[consumed..];
        }
        // What comes behind the 101, or all of it.
        while self.feed_websocket(key, &mut input).is_some() {}
    }

    /// Works off one item from the front of the input, and returns how long it was; `None` when there is none.
    fn feed_http(&mut self, key: ConnKey, input: &[u8]) -> Option<usize> {
        let (out, http, _) = self.http(key)?;
        let step = match http.reader.read(input) {
            Ok(step) => step,
            Err(error) => {
                if http.pipeline.is_empty() {
                    Response::new(error.status()).write_to(out, Default::default());
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
                let too_large = http.post.take_if(|(.., body)| body.push(bytes).is_err());
                if let Some((session, request, ..)) = too_large {
                    self.respond(request, Response::new(413), false);
                    self.act(session, |machine, _| machine.handle_post_refused(request));
                }
            }
            http::Item::End => {
                if let Some((session, request, format, body)) = http.post.take() {
                    let body = body.finish();
                    self.handle_post(session, request, &payload::Body::read(format, &body));
                }
            }
        }
        Some(step.consumed)
    }

    /// Works off one message, if there is one.
    fn feed_websocket(&mut self, key: ConnKey, input: &mut &mut [u8]) -> Option<()> {
        let (now, channel) = (self.now, ChannelId(key.to_bits()));
        let Conn { out, protocol: Protocol::WebSocket(connection, session), .. } =
            self.writable(key)?
        else {
            return None;
        };
        let (session, event) = (*session, connection.read(input, out)?);
        let message = match &event {
            Event::Text(text) => Message::Text(text),
            Event::Binary(data) => Message::Binary(Cow::Borrowed(data)),
            Event::Pong(_) => return Some(()),
            Event::Closed(_) => return self.end(key, false),
            Event::Failed(_) => return self.end(key, true),
        };
        let Some(session) = session else { return Some(()) };
        self.receive(session, |machine, actions| {
            machine.handle_channel_message(now, channel, message, actions)
        });
        Some(())
    }

    /// Puts a response in its place, and sends those whose turn it is.
    fn respond(&mut self, request: RequestId, mut response: Response, close: bool) {
        let (key, patience) = (Key::from_bits(request.connection), self.now + self.config.patience);
        let Some((out, http, until)) = self.http(key) else { return };
        _ = response.set_header("Access-Control-Allow-Origin", "*");
        http.pipeline.respond(Ticket::from_number(request.sequence), &response, None, close);
        let mut is_over = false;
        while let Some(ready) = http.pipeline.next_ready() {
            out.extend(ready.bytes);
            (is_over, *until) = (ready.close, patience);
        }
        if http.pipeline.is_empty() {
            http.sessions.clear();
        }
        if is_over {
            self.end(key, false);
        }
    }

    /// A connection ends as soon as what it has to write is written; whoever relied on it is told.
    fn end(&mut self, key: ConnKey, is_error: bool) -> Option<()> {
        let (connection, patience) = (key.to_bits(), self.now + self.config.patience);
        let conn = self.conns.get_mut(key)?;
        conn.wake.notify_one();
        let sessions = match mem::replace(&mut conn.protocol, Protocol::Over) {
            Protocol::Http(http) => http.sessions,
            Protocol::WebSocket(_, session) => session.into_iter().collect(),
            Protocol::Over => return None,
        };
        conn.until = patience;
        for session in sessions {
            self.act(session, |machine, actions| {
                machine.handle_connection_gone(connection, actions);
                machine.handle_channel_gone(ChannelId(connection), is_error, actions);
            });
        }
        None
    }

    /// Ends a connection without waiting for anything.
    fn cut(&mut self, key: ConnKey) {
        if let Some(conn) = self.conns.get(key) {
            _ = conn.stream.shutdown(Shutdown::Both);
        }
        self.end(key, true);
    }

    fn http(&mut self, key: ConnKey) -> Option<(&mut Vec<u8>, &mut Http, &mut Instant)> {
        match self.writable(key)? {
            Conn { out, until, protocol: Protocol::Http(http), .. } => Some((out, http, until)),
            _ => None,
        }
    }

    /// A connection that something may be written to. Whose client takes too little is cut: its reader then finds the end.
    fn writable(&mut self, key: ConnKey) -> Option<&mut Conn> {
        let conn = self.conns.get_mut(key)?;
        if conn.out.len() > MAX_BUFFERED {
            _ = conn.stream.shutdown(Shutdown::Both);
            return None;
        }
        conn.wake.notify_one();
        Some(conn)
    }
}

/// Requests: sessions are opened, polled and moved to a WebSocket.
impl State {
    fn handle_head(&mut self, key: ConnKey, head: &Head<'_>) {
        let (now, max_payload) = (self.now, self.engine.max_payload);
        let Some((out, http, _)) = self.http(key) else { return };
        let ticket = http.pipeline.open(head);
        let request = RequestId { connection: key.to_bits(), sequence: ticket.number() };
        if http.pipeline.len() > MAX_PIPELINE {
            return self.respond(request, Response::new(503), true);
        }
        if head.expects_continue() && http.pipeline.is_first(ticket) {
            out.extend_from_slice(http::CONTINUE);
        }
        if !head.path().starts_with(PATH) {
            return self.respond(request, Response::new(404), false);
        }
        let query = Query::from_pairs(head.query_pairs());
        let session = query.sid.as_deref().and_then(|sid| self.by_sid.get(sid).copied());
        if let Some(session) = session {
            // Its time may be over, and not yet noticed.
            self.act(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        let is_upgrade = head.is_upgrade() && query.transport == Some(Transport::WebSocket);
        let (is_get, origin) = (head.method() == Method::Get, head.header_bytes("origin"));
        let facts = engine::Request { query: &query, is_get, is_upgrade, origin };
        let machine = session.and_then(|key| self.sessions.get(key)).map(|it| &it.machine);
        if let Err(refusal) = verify(facts, &self.engine, machine) {
            let response = match is_upgrade {
                true => Response::new(400).html(refusal.message().to_owned()),
                false => Response::new(refusal.status()).json(refusal.body()),
            };
            return self.respond(request, response, is_upgrade);
        }
        if is_upgrade {
            return self.upgrade(request, head, &query, session);
        }
        let session = session.unwrap_or_else(|| self.open_session(&query, None));
        if !matches!(head.method(), Method::Get | Method::Post) {
            return self.respond(request, Response::new(500), false);
        }
        let post = self.act(session, |machine, actions| match head.method() {
            Method::Post => {
                let is_binary = head.header("content-type") == Some("application/octet-stream");
                machine.handle_post_head(request, is_binary, actions)
            }
            _ => {
                machine.handle_get(request, actions);
                None
            }
        });
        if let Some((_, http, _)) = self.http(key) {
            http.sessions.push(session);
            http.post = post.flatten().map(|it| (session, request, it, Body::new(max_payload)));
        }
    }

    /// The body of a POST is complete.
    fn handle_post(&mut self, session: SessionKey, request: RequestId, body: &payload::Body<'_>) {
        let now = self.now;
        for packet in body.packets() {
            self.receive(session, |machine, actions| {
                machine.handle_post_packet(now, request, packet, actions)
            });
        }
        self.act(session, |machine, actions| machine.handle_post_end(request, actions));
        // Or the session is gone.
        self.respond(request, Response::new(400), false);
    }

    /// A request for a WebSocket: for a new session, or for one that is to move there.
    fn upgrade(
        &mut self,
        request: RequestId,
        head: &Head<'_>,
        query: &Query<'_>,
        session: Option<SessionKey>,
    ) {
        let (now, max_message) = (self.now, self.engine.max_payload);
        let (key, channel) = (Key::from_bits(request.connection), ChannelId(request.connection));
        let (method, headers) = (head.method(), |name: &'static str| head.header_values(name));
        let (method, http_minor) = (method.as_str(), head.minor_version());
        let handshake = match ServerHandshake::check(&RequestParts { method, http_minor, headers })
        {
            Ok(handshake) => handshake,
            Err(rejection) => {
                let response = Response::new(rejection.status()).html(rejection.reason());
                return self.respond(request, response, true);
            }
        };
        if self.http(key).is_none_or(|(_, http, _)| http.pipeline.len() > 1) {
            // The connection cannot change its protocol before everything is answered.
            return self.respond(request, Response::new(400), true);
        }
        let Some(conn) = self.writable(key) else { return };
        // Can fail only for what we put in, which is nothing.
        _ = handshake.write_response(&mut conn.out, None, None, []);
        let limits = websocket::Limits { max_message, ..Default::default() };
        conn.protocol = Protocol::WebSocket(ServerConnection::new(limits), session);
        if let Some(session) = session {
            self.act(session, |machine, actions| {
                machine.handle_channel(now, channel, query.base64, actions);
            });
            return;
        }
        let opened = self.open_session(query, Some(channel));
        if let Some(Conn { protocol: Protocol::WebSocket(_, session), .. }) = self.writable(key) {
            *session = Some(opened);
        }
    }
}

/// Engine.IO: what sessions ask for.
impl State {
    fn open_session(&mut self, query: &Query<'_>, channel: Option<ChannelId>) -> SessionKey {
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
    fn act<R>(
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

    fn perform(&mut self, actions: Vec<Action>, framing: Framing) {
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
    fn receive<'m>(
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
    fn send(&mut self, session: SessionKey, packets: &[Outgoing]) {
        self.act(session, |machine, actions| {
            packets.iter().for_each(|packet| machine.send(packet.clone(), actions));
            if !machine.is_polled() && machine.queued_bytes() > MAX_BUFFERED {
                machine.discard(CloseReason::SlowConsumer, actions);
            }
        });
    }

    /// Closes a session once it has sent everything; its sockets leave at once.
    fn close(&mut self, session: SessionKey) {
        let now = self.now;
        self.leave_all(session);
        self.act(session, |machine, actions| machine.close(now, actions));
    }
}

/// Socket.IO, and the application.
impl State {
    fn handle_message(&mut self, session: SessionKey, client: ClientKey, message: Message<'_>) {
        let received = match message {
            Message::Text(text) => self.hub.handle_text(client, text),
            Message::Binary(data) => self.hub.handle_binary(client, data),
        };
        match received {
            Ok(Received::Connect { namespace, auth }) => self.join(client, namespace, &auth),
            Ok(Received::UnknownNamespace { name }) => {
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
            Ok(Received::Disconnect { socket }) => self.leave(socket, true),
            Ok(Received::Nothing) => {}
            Err(_) => self.close(session),
        }
    }

    /// What the application does.
    fn handle_event(&mut self, socket: SocketKey, name: &str, args: ArgsRef<'_>, id: Option<u64>) {
        let Some(namespace) = self.hub.namespace_of(socket) else { return };
        let (all, mut reader, mut members) = (Selector::new(namespace), args.reader(), Vec::new());
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
                self.hub.select_sockets(&all, &mut members);
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
                    self.hub.select_sockets(&others, &mut members);
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
    fn join(&mut self, client: ClientKey, namespace: NamespaceId, auth: &Data<'_>) {
        let id: Arc<str> = new_sid().as_str().into();
        let Some(socket) = self.hub.begin_connect(client, namespace, id.clone()) else { return };
        self.hub.accept(socket);
        self.send_packet(&[socket], |out, namespace| connect(out, namespace, &id, None), &[]);
        let auth = auth.get::<Option<Value>>().ok().flatten();
        self.emit(&[socket], "auth", None, &auth.unwrap_or(Value::Object(Vec::new())));
    }

    fn emit(&mut self, to: &[SocketKey], name: &str, id: Option<u64>, args: &impl IntoArgs) {
        let mut payload = Payload::new();
        if payload.event(name, args).is_ok() {
            self.send_payload(to, Kind::Event, id, &payload);
        }
    }

    fn send_payload(&mut self, to: &[SocketKey], kind: Kind, id: Option<u64>, payload: &Payload) {
        let write = |text: &mut _, namespace: &_| payload.encode(kind, namespace, id, text);
        self.send_packet(to, write, payload.attachments());
    }

    /// Sends a packet to sockets of one namespace, encoded once: its text, and behind that the attachments.
    fn send_packet(
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
    fn dismiss(&mut self, socket: SocketKey) {
        self.send_packet(&[socket], disconnect, &[]);
        self.leave(socket, false);
    }

    /// Takes a socket out of its namespace.
    fn leave(&mut self, socket: SocketKey, by_client: bool) {
        self.hub.begin_disconnect(socket, by_client);
        self.hub.remove(socket);
    }

    fn leave_all(&mut self, session: SessionKey) {
        self.sockets(session).into_iter().for_each(|socket| self.leave(socket, false));
    }

    fn sockets(&self, session: SessionKey) -> Vec<SocketKey> {
        self.sessions.get(session).map(|it| self.hub.sockets(it.client)).unwrap_or_default()
    }
}

/// A message with the text of a packet, which is UTF-8.
fn text(write: impl FnOnce(&mut Vec<u8>)) -> Outgoing {
    let mut text = Vec::new();
    write(&mut text);
    Outgoing::text(String::from_utf8(text).unwrap_or_default())
}

/// An id for a session or a socket that nobody can guess.
fn new_sid() -> Sid {
    Sid::new(0, random())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes
}
