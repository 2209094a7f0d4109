//! One thread's loop around one shard.

use std::{
    io,
    net::TcpListener,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use mio::{Events, Poll, Waker, event::Event};

use super::{
    Arrivals,
    listeners::{Listeners, WAKER},
    os::{Connection, Os},
};
use crate::{
    Io,
    shard::{Adopted, Readiness, Shard},
};

pub(super) struct EventLoop {
    io: Io,
    index: u8,
    poll: Poll,
    shard: Shard<Connection>,
    /// Only where one thread does everything.
    listeners: Listeners,
    arrivals: Arrivals,
    /// Taken out of the arrivals, and adopted after one more look at the connections that are here: what a peer did
    /// on one connection, such as to end it, comes before what it did after that on another.
    waiting: Vec<Adopted<Connection>>,
}

impl EventLoop {
    pub(super) fn new(
        io: &Io,
        index: u8,
        arrivals: Arrivals,
        listeners: Vec<TcpListener>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        io.shared().mailbox(index).set_waker(Box::new(move || {
            // Fails only when the loop is gone, which needs no waking.
            let _ = waker.wake();
        }));
        let listeners = Listeners::new(poll.registry(), listeners)?;
        let shard = Shard::new(io, index, Box::new(Os::new()));
        Ok(Self { io: io.clone(), index, poll, shard, listeners, arrivals, waiting: Vec::new() })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !self.shard.is_done() {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.turn(&events);
        }
        self.io.shared().mailbox(self.index).close();
        Ok(())
    }

    fn turn(&mut self, events: &Events) {
        let now = Instant::now();
        self.shard.begin(now);
        self.shard.resume();
        for event in events {
            match event.token() {
                WAKER => {}
                token if Listeners::is_one(token) => self.listeners.wake(token),
                token => self.shard.ready(token.0 as u64, readiness(event)),
            }
        }
        self.accept(now);
        for adopted in std::mem::take(&mut self.waiting) {
            self.adopt(adopted);
        }
        let arrivals = self.arrivals[usize::from(self.index)].lock();
        self.waiting.append(&mut arrivals.unwrap_or_else(PoisonError::into_inner));
        self.shard.end();
        for (shard, mut adopted) in self.shard.departures() {
            if adopted.stream.deregister(self.poll.registry()).is_ok() {
                let arrivals = self.arrivals[usize::from(shard)].lock();
                arrivals.unwrap_or_else(PoisonError::into_inner).push(adopted);
                self.io.shared().mailbox(shard).wake();
            } else {
                self.io.shared().left(shard);
            }
        }
    }

    fn accept(&mut self, now: Instant) {
        if self.io.shared().is_stopping() {
            self.listeners.close();
        }
        for (stream, peer) in self.listeners.accept(now, self.io.shared()) {
            self.io.shared().arrived(self.index);
            self.adopt(Adopted { stream, peer, unread: Vec::new(), since: now });
        }
    }

    /// Registers a connection after the shard has taken it: what arrived before makes an event at once.
    fn adopt(&mut self, adopted: Adopted<Connection>) {
        let token = self.shard.adopt(adopted);
        if let Some(stream) = self.shard.stream_mut(token) {
            if stream.register(self.poll.registry(), token).is_err() {
                self.shard.ready(token, Readiness { ended: true, ..Readiness::default() });
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        if !self.waiting.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline =
            [self.shard.deadline(), self.listeners.deadline()].into_iter().flatten().min();
        deadline.map(|deadline| deadline.saturating_duration_since(self.shard.ended()))
    }
}

fn readiness(event: &Event) -> Readiness {
    Readiness {
        readable: event.is_readable(),
        writable: event.is_writable(),
        ended: event.is_read_closed() || event.is_error(),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpStream, sync::Mutex};

    use super::*;
    use crate::Server;

    /// A connection that came to the door, and the peer's end of it.
    fn connection(socket: &TcpListener) -> (TcpStream, Adopted<Connection>) {
        let address = socket.local_addr().expect("it is bound");
        let there = TcpStream::connect(address).expect("it listens");
        let (here, peer) = socket.accept().expect("somebody is there");
        here.set_nonblocking(true).expect("it can be");
        let stream = Connection::new(mio::net::TcpStream::from_std(here), None);
        (there, Adopted { stream, peer, unread: Vec::new(), since: Instant::now() })
    }

    #[test]
    fn what_a_peer_did_before_is_seen_before_the_connection_it_opened_then() {
        let server = Server::builder().shards(2).build();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        server.http(move |request, response| {
            log.lock().expect("nobody panicked").push(request.path().to_owned());
            response.empty();
        });
        let arrivals: Arrivals = (0..2).map(|_| Mutex::default()).collect();
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let mut event_loop = EventLoop::new(&server.io(), 0, arrivals.clone(), Vec::new())
            .expect("the system has what it takes");
        let (mut first, adopted) = connection(&socket);
        event_loop.adopt(adopted);
        let mut events = Events::with_capacity(8);

        // The loop has returned from waiting, and is slow to look at what arrives. Meanwhile:
        first.write_all(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is connected");
        let (_second, mut adopted) = connection(&socket);
        adopted.unread = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
        arrivals[0].lock().expect("nobody panicked").push(adopted);
        event_loop.turn(&events);
        assert_eq!(event_loop.patience(), Some(Duration::ZERO), "nobody wakes it for that again");

        event_loop.poll.poll(&mut events, event_loop.patience()).expect("the system has one");
        event_loop.turn(&events);
        assert_eq!(*seen.lock().expect("nobody panicked"), ["/first", "/second"]);
    }
}
