//! A whole Socket.IO server over `std::net` and blocking threads, on the crates that do no I/O.
//!
//! ```text
//!   a thread for each connection, reading ─┐              ┌─► Outbox ─► a thread for each connection, writing
//!                                          ├─► one State ─┤
//!   a thread for the time ─────────────────┘   (locked)   └─► Outbox ─► …
//! ```
//!
//! Whatever happens is one step under one lock: bytes came, a connection ended, time passed. A step goes up through
//! the layers and comes back down as bytes in outboxes; it never waits for anybody. This file does the I/O, the others
//! do not:
//!
//! - `connections.rs`: from bytes to HTTP requests and WebSocket messages, and back
//! - `requests.rs`: what becomes of a request
//! - `sessions.rs`: Engine.IO; what sessions ask for, and what time does to them
//! - `sockets.rs`: Socket.IO, and the application
//!
//! Two threads for each connection are simple, and good for a thousand. `PORT=3000 cargo run -p siomio-hub --example
//! blocking` runs it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "somebody has to do the I/O"
)]

mod connections;
mod requests;
mod sessions;
mod sockets;

use std::{
    collections::HashMap,
    env,
    io::{self, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use siomio_engine::{self as engine, Sid};
use siomio_hub::{Arena, Hub, Rooms};

use connections::{Conn, ConnKey};
use sessions::{Session, SessionKey};

/// Connections at the same time.
const MAX_CONNECTIONS: usize = 2_000;
/// Bytes that may wait for a client when another message is sent to it.
const MAX_BUFFERED: usize = 4_000_000;
/// How often time is looked at. Who is late is found out earlier, by its next request.
const TICK: Duration = Duration::from_millis(20);

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
    server.serve(&v4)
}

/// What can be set.
pub(crate) struct Config {
    pub(crate) engine: engine::Config,
    pub(crate) hub: siomio_hub::Config,
    /// Time a client has for a request, for the next one, for taking anything of an answer, and for ending a connection.
    pub(crate) patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let (engine, hub) = (engine::Config::default(), siomio_hub::Config::default());
        Self { engine, hub, patience: Duration::from_secs(20) }
    }
}

/// What the threads share.
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
            // Out of descriptors or threads, most likely: give connections time to end.
            if self.accept(listener).is_err() {
                thread::sleep(TICK);
            }
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) -> io::Result<()> {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        let (stream, (sender, messages)) = (Arc::new(stream), channel());
        let outbox = Outbox { stream: stream.clone(), sender, waiting: Arc::default() };
        let waiting = outbox.waiting.clone();
        let Some(conn) = self.step(|state| state.open_conn(outbox)) else { return Ok(()) };

        // What comes along with a connection is worked off here and now, so that requests on connections that were opened
        // one after the other keep their order.
        _ = self.read(&stream, conn, &mut [0; 4096]);
        let server = self.clone();
        let thread = thread::Builder::new().spawn(move || {
            server.converse(&stream, conn, messages, &waiting);
            server.step(|state| state.forget_conn(conn));
        });
        thread.map(drop).inspect_err(|_| self.step(|state| state.forget_conn(conn)))
    }

    /// The life of a connection: this thread reads, another one writes. Each ends after the other.
    fn converse(
        &self,
        stream: &TcpStream,
        conn: ConnKey,
        messages: Receiver<Bytes>,
        waiting: &AtomicUsize,
    ) {
        thread::scope(|scope| {
            let write = move || write(stream, messages, waiting);
            let writer = thread::Builder::new().spawn_scoped(scope, write);
            let timeout = stream.set_read_timeout(None);
            if writer.is_ok() && timeout.is_ok() {
                let mut buffer = vec![0; 16 * 1024];
                while self.read(stream, conn, &mut buffer) {}
            }
            self.step(|state| state.end(conn, false));
        });
    }

    /// Returns whether there may be more.
    fn read(&self, mut stream: &TcpStream, conn: ConnKey, buffer: &mut [u8]) -> bool {
        match stream.read(buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.step(|state| state.feed(conn, &mut buffer[..count]));
                true
            }
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        }
    }

    /// Does one thing under the lock.
    pub(crate) fn step<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = Instant::now();
        let result = act(&mut state);
        state.settle();
        result
    }
}

/// The way to the thread that writes. When it is dropped, what waits is written, and then our half of the connection ends.
struct Outbox {
    stream: Arc<TcpStream>,
    sender: Sender<Bytes>,
    /// Bytes on their way.
    waiting: Arc<AtomicUsize>,
}

impl Outbox {
    fn send(&self, bytes: Bytes) {
        if self.waiting.fetch_add(bytes.len(), Ordering::Relaxed) > MAX_BUFFERED {
            // Too slow. The thread that reads finds the end of the stream, and tells everybody.
            self.cut();
        } else {
            // Fails when writing has, which is known soon.
            _ = self.sender.send(bytes);
        }
    }

    /// Ends the connection without waiting for anything.
    fn cut(&self) {
        _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn write(mut stream: &TcpStream, messages: Receiver<Bytes>, waiting: &AtomicUsize) {
    let mut messages = messages.into_iter();
    let result = messages.try_for_each(|message| {
        waiting.fetch_sub(message.len(), Ordering::Relaxed);
        stream.write_all(&message)
    });
    // After a failure there is nothing to read for, either.
    let half = if result.is_ok() { Shutdown::Write } else { Shutdown::Both };
    _ = stream.shutdown(half);
}

/// Everything that the server knows.
pub(crate) struct State {
    config: Config,
    /// What all sessions share.
    engine: Arc<engine::Config>,
    /// When this step began.
    now: Instant,
    conns: Arena<Conn>,
    sessions: Arena<Session>,
    by_sid: HashMap<String, SessionKey>,
    hub: Hub,
    /// Sessions that may have an answer for a waiting GET at the end of the step.
    unflushed: Vec<SessionKey>,
    /// Sessions that have closed in this step.
    closed: Vec<SessionKey>,
}

impl State {
    fn new(config: Config) -> Self {
        let seed = u64::from_ne_bytes(random());
        let mut hub = Hub::new(config.hub.clone(), Rooms::shared(seed), seed);
        for name in sockets::NAMESPACES {
            hub.declare(name);
        }
        Self {
            engine: Arc::new(config.engine.clone()),
            config,
            now: Instant::now(),
            conns: Arena::new(),
            sessions: Arena::new(),
            by_sid: HashMap::new(),
            hub,
            unflushed: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// How many connections, sessions and sockets there are.
    #[allow(dead_code, reason = "tests ask")]
    pub(crate) fn census(&self) -> (usize, usize, usize) {
        (self.conns.len(), self.sessions.len(), self.hub.len().1)
    }
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
