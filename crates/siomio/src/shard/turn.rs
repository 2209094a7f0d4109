//! The turns of a shard: reading, working, writing.

mod post;
mod reading;
mod writing;

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read, Write},
    net::SocketAddr,
    rc::Rc,
    time::Instant,
};

pub(crate) use self::writing::Next;
use super::{
    conn::{Conn, ConnKey, Hold},
    environment::Environment,
    local::Local,
};
use crate::{Io, mailbox::Mail, trace::log};

/// The bytes of a connection.
pub trait Stream: Read + Write {
    /// Ends the half that we write.
    ///
    /// # Errors
    /// When the connection is gone already.
    fn shutdown_write(&mut self) -> io::Result<()>;
}

/// A connection on its way to the shard it belongs to.
#[derive(Debug)]
pub struct Adopted<S> {
    /// Its stream.
    pub stream: S,
    /// The address of the peer.
    pub peer: SocketAddr,
    /// What was read of it and not worked on.
    pub unread: Vec<u8>,
    /// Since when its peer owes us a request.
    pub since: Instant,
}

/// What is known of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There may be bytes to read.
    pub readable: bool,
    /// It may take bytes.
    pub writable: bool,
    /// The peer has ended its half, or something failed: read to the end to see.
    pub ended: bool,
}

/// One of a server's event loops, without the loop.
///
/// A turn: [`begin`](Self::begin), then whatever is [`ready`](Self::ready) or [adopted](Self::adopt), then
/// [`end`](Self::end), which works off mail and timers and writes everything that came of it. Then look for connections
/// that [leave](Self::departures), and wait until something is ready, mail arrives, or the
/// [`deadline`](Self::deadline).
pub struct Shard<S> {
    local: Rc<Local>,
    /// Indexed like the connections.
    streams: Vec<Option<S>>,
    buffer: Box<[u8]>,
    /// Connections that may have bytes to read although nobody will say so again.
    again: Vec<ConnKey>,
    departures: Vec<(u8, Adopted<S>)>,
    /// What was taken out of the mailbox and is not worked off yet.
    mail: VecDeque<Mail>,
}

/// Bytes that one connection is read in a turn; a flood on one must not keep the others waiting. Messages up to about this size need not be
/// put together from pieces.
const BUFFER: usize = 256 * 1024;
/// Bytes that are read at once of a connection whose requests may have to wait, together with what was read behind them.
pub(crate) const HTTP_READ: usize = 64 * 1024;
/// A read that does not fill the buffer has emptied the socket. True for Linux; elsewhere it is read until it blocks.
const SHORT_READ_IS_LAST: bool = cfg!(target_os = "linux");
/// How often mail is posted in a turn: what is done in reply to mail that nobody reads may be more of the same.
const POSTS: u32 = 4;

impl<S: Stream> Shard<S> {
    /// The shard `index` of a server.
    pub fn new(io: &Io, index: u8, environment: Box<dyn Environment>) -> Self {
        let local = Local::new(io.shared().clone(), index, environment);
        let buffer = vec![0; BUFFER].into();
        let (streams, again, departures, mail) = Default::default();
        Self { local, streams, buffer, again, departures, mail }
    }

    /// A turn begins, by taking the mail out. What is posted from here on wakes the loop again, so whatever else is
    /// brought to the shard together with a wake must be looked for after this.
    pub fn begin(&mut self, now: Instant) {
        self.take_mail();
        self.local.core.borrow_mut().now = now;
        self.local.watch.begin(now);
        self.local.refresh();
    }

    /// Takes a connection in and returns its token.
    pub fn adopt(&mut self, adopted: Adopted<S>) -> u64 {
        let conn = {
            let mut core = self.local.core.borrow_mut();
            let config = &self.local.shared.config;
            let until = config.head_deadline(adopted.since);
            let conn =
                core.conns.insert(Conn::new(adopted.peer, config.http, adopted.since, until));
            core.arm_conn(conn);
            core.counts.connections.add(1);
            conn
        };
        log!(TRACE, "siomio::http", "connection opened", peer = adopted.peer);
        if self.streams.len() <= conn.index() {
            self.streams.resize_with(conn.index() + 1, || None);
        }
        self.streams[conn.index()] = Some(adopted.stream);
        let mut unread = adopted.unread;
        if !unread.is_empty() {
            let _entered = self.local.enter();
            self.local.feed(conn, &mut unread);
            // Who has left already must not be found waiting by the connection adopted next.
            if self.local.core.borrow_mut().is_awaited(conn) {
                self.read(conn, true);
            }
        }
        conn.to_bits()
    }

    /// The stream of a connection.
    pub fn stream_mut(&mut self, token: u64) -> Option<&mut S> {
        let conn = ConnKey::from_bits(token);
        self.local.core.borrow().conns.get(conn)?;
        self.streams.get_mut(conn.index())?.as_mut()
    }

    /// Something is known of a connection's stream. The token may be one that is not valid any more.
    pub fn ready(&mut self, token: u64, readiness: Readiness) {
        let conn = ConnKey::from_bits(token);
        if self.local.core.borrow().conns.get(conn).is_none() {
            return;
        }
        let _entered = self.local.enter();
        if readiness.readable || readiness.ended {
            self.read(conn, readiness.ended || !SHORT_READ_IS_LAST);
        }
        if readiness.writable {
            self.local.core.borrow_mut().mark(conn);
        }
    }

    /// The turn ends: mail, timers, and then everything is written.
    pub fn end(&mut self) {
        let _entered = self.local.enter();
        self.work_off_mail();
        self.local.expire();
        let mut posts = 0;
        loop {
            let decided = std::mem::take(&mut self.local.core.borrow_mut().decided);
            for conn in decided {
                let bytes = self.local.core.borrow_mut().take_decided(conn);
                bytes.into_iter().for_each(|mut bytes| self.local.feed(conn, &mut bytes));
            }
            let (dirty, leaving) = {
                let mut core = self.local.core.borrow_mut();
                core.flush_sessions();
                core.end_idle_conns();
                self.again.append(&mut core.resumed);
                (std::mem::take(&mut core.dirty), std::mem::take(&mut core.leaving))
            };
            if dirty.is_empty() && leaving.is_empty() && !self.local.has_decided() {
                if posts == POSTS || !self.local.post_batches() {
                    break;
                }
                posts += 1;
                self.local.settle();
            }
            self.local.will_write(dirty.len());
            dirty.into_iter().for_each(|conn| self.flush(conn));
            leaving.into_iter().for_each(|conn| self.depart(conn));
            self.local.settle();
        }
        let kept = self.local.core.borrow().kept.len();
        self.local.counts.sessions_kept.set(kept as u64);
        self.local.end_turn();
    }

    /// Reads on where a turn left off for the sake of others. Call it once a turn.
    pub fn resume(&mut self) {
        let _entered = self.local.enter();
        for conn in std::mem::take(&mut self.again) {
            self.read(conn, true);
        }
        self.read_put_off();
    }

    /// When the next turn is due at the latest; `None` if there is nothing to wait for.
    pub fn deadline(&self) -> Option<Instant> {
        let core = self.local.core.borrow();
        let has_mail = core.outboxes.iter().any(|outbox| !outbox.is_empty());
        if has_mail
            || !self.again.is_empty()
            || !self.mail.is_empty()
            || !self.local.shared.mailbox(self.local.index).is_empty()
        {
            return Some(core.now);
        }
        let deadlines = [
            core.wheel.next(),
            core.timers.next(),
            core.hub.deadline(),
            core.next_look(),
            core.stopping,
        ];
        deadlines.into_iter().flatten().min()
    }

    /// When the last turn ended: the time now, if nothing has been done since.
    pub fn ended(&self) -> Instant {
        self.local.watch.ended()
    }

    /// Connections that belong to another shard, and to which.
    pub fn departures(&mut self) -> impl Iterator<Item = (u8, Adopted<S>)> {
        self.departures.drain(..)
    }

    /// Whether the shard was stopped, and is done or out of time.
    pub fn is_done(&self) -> bool {
        let core = self.local.core.borrow();
        // A socket that is still there waits for blocking handlers, and for those of its disconnect.
        let is_empty = core.conns.is_empty()
            && !self.local.shared.has_sessions()
            && core.hub.len().1 == 0
            && self.mail.is_empty();
        core.stopping.is_some_and(|deadline| is_empty || core.now >= deadline)
    }

    /// How many connections, sessions, clients, sockets and raw WebSockets there are, for tests that look for leaks.
    pub fn population(&self) -> [usize; 5] {
        let core = self.local.core.borrow();
        let (clients, sockets) = core.hub.len();
        [core.conns.len(), core.sessions.len(), clients, sockets, core.raws.len()]
    }

    /// What is there for clients that wait or may come back, for tests that look for leaks: lookups, sessions, their values, and how
    /// many sessions of the whole server are known to be elsewhere than their ids say.
    pub fn remains(&self) -> [usize; 4] {
        let core = self.local.core.borrow();
        let moved = self.local.shared.moved_sessions();
        [core.lookups.len(), core.hub.sessions(), core.kept.len(), moved]
    }

    /// Gives a connection to another shard.
    fn depart(&mut self, conn: ConnKey) {
        let mut core = self.local.core.borrow_mut();
        let Some(mut state) = core.conns.remove(conn) else { return };
        core.disarm_conn(conn, state.armed);
        let held = state.http_mut().and_then(|http| http.held.take());
        let stream = self.streams.get_mut(conn.index()).and_then(Option::take);
        core.counts.connections.sub(1);
        core.counts.buffered_bytes.sub(state.counted as u64);
        let (Some(held), Some(stream)) = (held, stream) else { return };
        let Hold::Shard(shard) = held.until else { return };
        self.local.shared.left(self.local.index);
        self.local.shared.arrived(shard);
        let (peer, unread, since) = (state.peer, held.bytes, core.now);
        self.departures.push((shard, Adopted { stream, peer, unread, since }));
    }

    /// A connection is gone; `error` says that it did not end by itself.
    fn remove(&mut self, conn: ConnKey, error: bool) {
        let stream = self.streams.get_mut(conn.index()).and_then(Option::take);
        let peer = self.local.core.borrow().peer(conn);
        if self.local.core.borrow_mut().remove_conn(conn, error) {
            self.local.shared.left(self.local.index);
            log!(TRACE, "siomio::http", "connection closed", peer = peer, failed = error);
        }
        drop(stream);
        self.local.settle();
    }
}

impl<S> fmt::Debug for Shard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard").field("local", &self.local).finish_non_exhaustive()
    }
}
