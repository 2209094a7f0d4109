//! Accepting connections, and finding the shard that each belongs to.

use std::{
    collections::VecDeque,
    io::{self, Read},
    net::{self, SocketAddr},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Registry, Token, Waker, event::Event, net::TcpListener};
use siomio_engine::Sid;
use siomio_hub::{Arena, Key};

use super::{Arrivals, event_loop::WAKER, os::Connection};
use crate::{Io, shard::Adopted};

/// The thread that accepts for several shards.
///
/// It reads the first line of a connection's first request, where the session's id stands, and gives the connection to the
/// session's shard; without one, to the shard with the fewest. So first requests reach their shard in the order they
/// arrived, and in one step.
pub(super) struct Door {
    io: Io,
    poll: Poll,
    listeners: Listeners,
    guests: Arena<Guest>,
    /// In the order of arrival, which is that of their deadlines.
    deadlines: VecDeque<(Instant, Key<Guest>)>,
    arrivals: Arrivals,
}

/// A connection that has not said what it wants.
struct Guest {
    stream: Connection,
    peer: SocketAddr,
    said: Vec<u8>,
}

/// Time for the first line.
const WELCOME: Duration = Duration::from_secs(10);
/// Longest first line that is looked into. Longer ones go to any shard, which knows what to say to them.
const MAX_LINE: usize = 16 * 1024;

impl Door {
    pub(super) fn new(
        io: &Io,
        arrivals: Arrivals,
        listeners: Vec<net::TcpListener>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        io.shared().door.set_waker(Box::new(move || {
            // Fails only when the loop is gone, which needs no waking.
            let _ = waker.wake();
        }));
        let listeners = Listeners::new(poll.registry(), listeners)?;
        let (guests, deadlines) = (Arena::new(), VecDeque::new());
        Ok(Self { io: io.clone(), poll, listeners, guests, deadlines, arrivals })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !self.io.shared().is_stopping() {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let now = Instant::now();
            for event in &events {
                match event.token() {
                    WAKER => {}
                    token if Listeners::is_one(token) => self.listeners.wake(token),
                    token => self.listen_to(Key::from_bits(token.0 as u64), event),
                }
            }
            while let Some((stream, peer)) = self.listeners.accept(now) {
                self.welcome(now, stream, peer);
            }
            while let Some((_, guest)) =
                self.deadlines.pop_front_if(|(deadline, _)| *deadline <= now)
            {
                drop(self.guests.remove(guest));
            }
        }
        Ok(())
    }

    fn welcome(&mut self, now: Instant, stream: Connection, peer: SocketAddr) {
        let guest = self.guests.insert(Guest { stream, peer, said: Vec::new() });
        self.deadlines.push_back((now + WELCOME, guest));
        let Some(state) = self.guests.get_mut(guest) else { return };
        if state.stream.register(self.poll.registry(), guest.to_bits()).is_err() {
            drop(self.guests.remove(guest));
        }
    }

    fn listen_to(&mut self, guest: Key<Guest>, event: &Event) {
        let Some(state) = self.guests.get_mut(guest) else { return };
        if !event.is_readable() && !event.is_read_closed() && !event.is_error() {
            return;
        }
        loop {
            let before = state.said.len();
            state.said.resize(before + 2048, 0);
            let read = state.stream.read(&mut state.said[before..]);
            state.said.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return drop(self.guests.remove(guest)),
                Ok(_) => {
                    if let Some(wants) = what_it_wants(&state.said) {
                        return self.hand_over(guest, wants);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return drop(self.guests.remove(guest)),
            }
        }
    }

    fn hand_over(&mut self, guest: Key<Guest>, wants: Wants) {
        let Some(Guest { mut stream, peer, said: unread }) = self.guests.remove(guest) else {
            return;
        };
        if stream.deregister(self.poll.registry()).is_err() {
            return;
        }
        let shared = self.io.shared();
        let shard = match wants {
            Wants::Session(sid) if sid.shard() < shared.shards() => sid.shard(),
            Wants::Session(_) | Wants::Anything => shared.least_loaded(),
        };
        shared.arrived(shard);
        let arrivals = self.arrivals[usize::from(shard)].lock();
        arrivals.unwrap_or_else(PoisonError::into_inner).push(Adopted { stream, peer, unread });
        shared.mailbox(shard).wake();
    }

    fn patience(&self) -> Option<Duration> {
        let guests = self.deadlines.front().map(|(deadline, _)| *deadline);
        let deadline = [guests, self.listeners.deadline()].into_iter().flatten().min();
        deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

enum Wants {
    Session(Sid),
    Anything,
}

/// Reads what there is of a request line; `None` when more is needed.
fn what_it_wants(said: &[u8]) -> Option<Wants> {
    let said = &said[said.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(said.len())..];
    let Some(end) = said.iter().position(|&byte| byte == b'\n') else {
        return (said.len() > MAX_LINE).then_some(Wants::Anything);
    };
    let target = said[..end].split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    let query =
        target.iter().position(|&byte| byte == b'?').map_or(&[][..], |mark| &target[mark + 1..]);
    let sid = siomio_http::query::last(query, "sid").and_then(|sid| Sid::parse(&sid));
    Some(sid.map_or(Wants::Anything, Wants::Session))
}

/// The listening sockets of one loop.
pub(super) struct Listeners {
    all: Vec<Listener>,
    /// After accepting failed for want of descriptors or memory: when to try again.
    retry_at: Option<Instant>,
}

struct Listener {
    socket: TcpListener,
    /// There may be somebody waiting.
    knocked: bool,
}

/// How long to wait before accepting again, when that failed.
const RETRY: Duration = Duration::from_millis(50);
/// Lower half of the tokens of listeners; that of no connection.
const MARK: u64 = 0xffff_ffff;

impl Listeners {
    pub(super) fn new(registry: &Registry, sockets: Vec<net::TcpListener>) -> io::Result<Self> {
        let mut all = Vec::new();
        for (index, socket) in (0..).zip(sockets) {
            let mut socket = TcpListener::from_std(socket);
            registry.register(&mut socket, Self::token(index), Interest::READABLE)?;
            all.push(Listener { socket, knocked: false });
        }
        Ok(Self { all, retry_at: None })
    }

    const fn token(index: u64) -> Token {
        Token((index << 32 | MARK) as usize)
    }

    pub(super) fn is_one(token: Token) -> bool {
        token != WAKER && token.0 as u64 & MARK == MARK
    }

    /// Somebody knocks.
    pub(super) fn wake(&mut self, token: Token) {
        if let Some(listener) = self.all.get_mut((token.0 as u64 >> 32) as usize) {
            listener.knocked = true;
        }
    }

    /// Accepts the next connection, if there is one.
    pub(super) fn accept(&mut self, now: Instant) -> Option<(Connection, SocketAddr)> {
        if self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        self.retry_at = None;
        for listener in self.all.iter_mut().filter(|listener| listener.knocked) {
            loop {
                match listener.socket.accept() {
                    Ok((stream, peer)) => {
                        // Without it small messages wait for each other; where it fails they do.
                        let _ = stream.set_nodelay(true);
                        return Some((Connection(stream), peer));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        break listener.knocked = false;
                    }
                    Err(error) if is_the_peers(&error) => {}
                    Err(_) => {
                        // Descriptors or memory are short. Those who wait go on waiting; we look again soon.
                        self.retry_at = Some(now + RETRY);
                        return None;
                    }
                }
            }
        }
        None
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Takes no more connections.
    pub(super) fn close(&mut self) {
        self.all.clear();
        self.retry_at = None;
    }
}

/// Whether a failed accept concerns only the connection that was to be accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
