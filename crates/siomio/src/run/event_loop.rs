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
        Ok(Self { io: io.clone(), index, poll, shard, listeners, arrivals })
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
        let arrivals = self.arrivals[usize::from(self.index)]
            .lock()
            .map(|mut arrivals| std::mem::take(&mut *arrivals));
        for adopted in arrivals.unwrap_or_default() {
            self.adopt(adopted);
        }
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
