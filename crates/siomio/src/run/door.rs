//! Accepting connections, and finding the shard that each belongs to.

use std::{
    collections::VecDeque,
    io::{self, Read},
    net::{self, SocketAddr},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use mio::{Events, Poll, Waker, event::Event};
use siomio_hub::{Arena, Key};

use super::{
    Arrivals,
    listeners::{Listeners, WAKER},
    os::Connection,
};
use crate::{
    Io,
    shard::{Adopted, Destination, destination},
};

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
    since: Instant,
}

/// Time for the first line; then any shard may wait for the rest.
const WELCOME: Duration = Duration::from_secs(10);

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
            for (stream, peer) in self.listeners.accept(now, self.io.shared()) {
                self.welcome(now, stream, peer);
            }
            self.show_in(now);
        }
        Ok(())
    }

    fn welcome(&mut self, now: Instant, stream: Connection, peer: SocketAddr) {
        let guest = self.guests.insert(Guest { stream, peer, said: Vec::new(), since: now });
        let until = self.io.shared().config.head_deadline(now).min(now + WELCOME);
        self.deadlines.push_back((until, guest));
        let Some(state) = self.guests.get_mut(guest) else { return };
        if state.stream.register(self.poll.registry(), guest.to_bits()).is_err() {
            drop(self.guests.remove(guest));
        }
    }

    /// Gives away the connections that have not said in time what they want.
    fn show_in(&mut self, now: Instant) {
        while let Some(&(deadline, guest)) = self.deadlines.front() {
            if deadline > now && self.guests.get(guest).is_some() {
                break;
            }
            self.hand_over(guest, Destination::Any);
            self.deadlines.pop_front();
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
                    if let Some(destination) = destination(&self.io, &state.said) {
                        return self.hand_over(guest, destination);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return drop(self.guests.remove(guest)),
            }
        }
    }

    fn hand_over(&mut self, guest: Key<Guest>, destination: Destination) {
        let Some(guest) = self.guests.remove(guest) else { return };
        let Guest { mut stream, peer, said: unread, since } = guest;
        if stream.deregister(self.poll.registry()).is_err() {
            return;
        }
        let shared = self.io.shared();
        let shard = match destination {
            Destination::Shard(shard) => shard,
            Destination::Any => shared.least_loaded(),
        };
        shared.arrived(shard);
        shared.count_read(shard, unread.len());
        let arrivals = self.arrivals[usize::from(shard)].lock();
        arrivals.unwrap_or_else(PoisonError::into_inner).push(Adopted {
            stream,
            peer,
            unread,
            since,
        });
        shared.mailbox(shard).wake();
    }

    fn patience(&self) -> Option<Duration> {
        let guests = self.deadlines.front().map(|(deadline, _)| *deadline);
        let deadline = [guests, self.listeners.deadline()].into_iter().flatten().min();
        deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}
