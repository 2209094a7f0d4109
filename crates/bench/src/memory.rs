//! A shard over streams in memory: the whole server without a single system call, so that the same work takes the same instructions.

use std::{
    cell::{Ref, RefCell},
    io::{self, Read, Write},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use siomio::{
    Server,
    shard::{Adopted, Environment, Readiness, Shard, Stream},
};

use crate::{
    http,
    open::{POLLING, polling_target},
    wire::masked_text,
};

/// Time does not pass unless it is told to.
#[derive(Clone, Debug)]
struct Still(Instant);

impl Environment for Still {
    fn now(&self) -> Instant {
        self.0
    }

    fn time_of_day(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }

    fn random(&mut self, bytes: &mut [u8]) {
        for (byte, number) in bytes.iter_mut().zip(1..) {
            *byte ^= number;
        }
    }
}

/// Longer than the answers that anybody looks at.
const SHORT: usize = 512;

#[derive(Debug, Default)]
struct Pipe {
    /// For the server, and how much of it was read.
    input: (Vec<u8>, usize),
    /// Bytes from the server.
    received: usize,
    /// The beginning of the last of them.
    last: Vec<u8>,
    /// The client has hung up.
    has_ended: bool,
}

/// One end of a connection.
#[derive(Clone, Debug, Default)]
struct Memory(Rc<RefCell<Pipe>>);

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        let has_ended = pipe.has_ended;
        let (input, read) = &mut pipe.input;
        let count = (input.len() - *read).min(buffer.len());
        if count == 0 && has_ended {
            return Ok(0);
        }
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer[..count].copy_from_slice(&input[*read..*read + count]);
        *read += count;
        if *read == input.len() {
            input.clear();
            *read = 0;
        }
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        pipe.received += bytes.len();
        pipe.last.clear();
        // Copying what nobody looks at would count as the server's work.
        pipe.last.extend_from_slice(&bytes[..bytes.len().min(SHORT)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Memory {
    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server on one shard, and its clients.
#[derive(Debug)]
pub struct World {
    shard: Shard<Memory>,
    now: Instant,
    clients: Vec<(Memory, u64)>,
}

impl World {
    /// A world without clients.
    pub fn new(server: &Server) -> Self {
        let now = Instant::now();
        Self { shard: Shard::new(&server.io(), 0, Box::new(Still(now))), now, clients: Vec::new() }
    }

    /// Adds a connection that says this, all at once.
    pub fn connect(&mut self, bytes: &[u8]) -> usize {
        let (stream, peer) = (Memory::default(), SocketAddr::from(([127, 0, 0, 1], 40_000)));
        self.shard.begin(self.now);
        let adopted =
            Adopted { stream: stream.clone(), peer, unread: bytes.to_vec(), since: self.now };
        let token = self.shard.adopt(adopted);
        self.shard.end();
        self.clients.push((stream, token));
        self.clients.len() - 1
    }

    /// Adds a client on WebSocket that has joined the main namespace.
    pub fn join(&mut self) -> usize {
        let client = self.connect(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        self.say(client, &masked_text("40"));
        self.turn();
        client
    }

    /// Adds a client on long-polling that has joined the main namespace: the connection of its GETs, that of its POSTs, and its target.
    ///
    /// # Panics
    /// When it is not let in.
    pub fn join_by_polling(&mut self) -> (usize, usize, String) {
        let (gets, posts) = (self.connect(&http::get(POLLING)), self.connect(b""));
        let target = polling_target(&self.heard(gets)).expect("it was let in");
        self.say(posts, &http::post(&target, "40"));
        self.say(gets, &http::get(&target));
        self.turn();
        (gets, posts, target)
    }

    /// What a client says comes with the next turn.
    pub fn say(&mut self, client: usize, bytes: &[u8]) {
        self.clients[client].0.0.borrow_mut().input.0.extend_from_slice(bytes);
    }

    /// One turn for all who have said something.
    pub fn turn(&mut self) {
        self.shard.begin(self.now);
        self.shard.resume();
        for (stream, token) in &self.clients {
            if !stream.0.borrow().input.0.is_empty() {
                self.shard.ready(*token, Readiness { readable: true, ..Readiness::default() });
            }
        }
        self.shard.end();
    }

    /// How many bytes a client has received.
    pub fn received(&self, client: usize) -> usize {
        self.clients[client].0.0.borrow().received
    }

    /// What a client has received last, as far as it is short.
    pub fn heard(&self, client: usize) -> Ref<'_, [u8]> {
        Ref::map(self.clients[client].0.0.borrow(), |pipe| &*pipe.last)
    }

    /// A client hangs up.
    pub fn leave(&mut self, client: usize) {
        let (stream, token) = self.clients.swap_remove(client);
        stream.0.borrow_mut().has_ended = true;
        self.shard.begin(self.now);
        self.shard.ready(token, Readiness { readable: true, ended: true, ..Readiness::default() });
        self.shard.end();
    }
}
