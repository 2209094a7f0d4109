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

mod connections;
mod requests;
mod sessions;
mod sockets;

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
    AckToken, Arena, ClientKey, DisconnectReason, Due, Hub, Key, NamespaceId, Received, Revision,
    Rooms, Selector, SocketKey,
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
