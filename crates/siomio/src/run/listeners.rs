//! Sockets that listen.

use std::{
    io,
    net::{self, SocketAddr},
    time::{Duration, Instant},
};

use mio::{Interest, Registry, Token, net::TcpListener};

use super::os::Connection;
use crate::{
    shared::Shared,
    trace::{Took, log},
};

// Tokens hold the place and the generation of a connection.
#[cfg(not(target_pointer_width = "64"))]
compile_error!("siomio needs a platform with 64-bit pointers");

/// The token of a loop's waker; no connection has one whose lower half is all ones.
pub(super) const WAKER: Token = Token(usize::MAX);

/// The listening sockets of one loop.
pub(super) struct Listeners {
    all: Vec<Listener>,
    /// More may wait than were accepted, as we had accepted enough, or descriptors or memory were short: when to go on.
    again_at: Option<Instant>,
}

struct Listener {
    socket: TcpListener,
    /// There may be somebody waiting.
    knocked: bool,
}

/// How many are accepted or refused before the loop serves again those who are in.
const AT_ONCE: usize = 64;
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
        Ok(Self { all, again_at: None })
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

    /// Accepts those who wait, so many at once and from each socket in turn: a flood of them must not keep the loop from those
    /// who are in.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        shared: &Shared,
    ) -> Vec<(Connection, SocketAddr)> {
        let mut accepted = Vec::new();
        if self.again_at.is_some_and(|at| at > now) {
            return accepted;
        }
        self.again_at = None;
        // Whom we refuse takes our time, too.
        let mut looked = 0;
        while self.all.iter().any(|listener| listener.knocked) {
            if looked >= AT_ONCE {
                self.again_at = Some(now);
                break;
            }
            for listener in self.all.iter_mut().filter(|listener| listener.knocked) {
                looked += 1;
                match listener.socket.accept() {
                    Ok((stream, peer)) => {
                        let Ok(ticket) = shared.addresses.enter(peer) else { continue };
                        shared.count_accept(true);
                        // Without it small messages wait for each other; where it fails they do.
                        let _ = stream.set_nodelay(true);
                        accepted.push((Connection::new(stream, ticket), peer));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        listener.knocked = false;
                    }
                    Err(error) if is_the_peers(&error) => {}
                    Err(error) => {
                        shared.count_accept(false);
                        log!(
                            WARN,
                            "siomio::server",
                            "cannot accept",
                            error = error,
                            again_in = Took(RETRY)
                        );
                        // Descriptors or memory are short. Those who wait go on waiting; we look again soon.
                        self.again_at = Some(now + RETRY);
                        return accepted;
                    }
                }
            }
        }
        accepted
    }

    /// When to accept again although nobody knocks.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.again_at
    }

    /// Takes no more connections.
    pub(super) fn close(&mut self) {
        self.all.clear();
        self.again_at = None;
    }
}

/// Whether a failed accept concerns only the connection that was to be accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use mio::{Events, Poll};

    use super::*;
    use crate::Server;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Two sockets that listen, and so many waiting at each.
    fn flooded(waiting: usize) -> (Poll, Listeners, Vec<TcpStream>) {
        let poll = Poll::new().expect("the system has one");
        let mut peers = Vec::new();
        let sockets = [(); 2].map(|()| {
            let socket = net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
            socket.set_nonblocking(true).expect("it can be");
            let address = socket.local_addr().expect("it is bound");
            peers.extend((0..waiting).map(|_| TcpStream::connect(address).expect("it listens")));
            socket
        });
        let listeners = Listeners::new(poll.registry(), sockets.into());
        (poll, listeners.expect("they can be registered"), peers)
    }

    fn knock(poll: &mut Poll, listeners: &mut Listeners) {
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::ZERO)).expect("the system has one");
        events.iter().for_each(|event| listeners.wake(event.token()));
    }

    #[test]
    fn a_flood_is_accepted_in_parts_and_from_each_socket() {
        let (mut poll, mut listeners, peers) = flooded(AT_ONCE);
        let second = peers[AT_ONCE].peer_addr().expect("it is connected");
        let io = Server::builder().build().io();
        knock(&mut poll, &mut listeners);

        let mut now = Instant::now();
        let accepted = listeners.accept(now, io.shared());
        assert_eq!(accepted.len(), AT_ONCE);
        let at_second = accepted.iter().filter(|(stream, _)| stream.local_addr() == Some(second));
        assert!(at_second.count() >= AT_ONCE / 4, "they would wait for those at the first");
        // Nobody knocks again: the loop must not sleep.
        assert_eq!(listeners.deadline(), Some(now));

        // The system may be slow to tell of the last ones.
        let (mut count, deadline) = (accepted.len(), now + PATIENCE);
        while count < peers.len() {
            assert!(now < deadline, "{count} of {} were accepted", peers.len());
            knock(&mut poll, &mut listeners);
            now = Instant::now();
            let accepted = listeners.accept(now, io.shared()).len();
            assert!(accepted <= AT_ONCE);
            count += accepted;
        }
    }

    #[test]
    fn a_flood_that_is_refused_is_refused_in_parts() {
        let (mut poll, mut listeners, _peers) = flooded(AT_ONCE);
        let io = Server::builder().max_connections(1).build().io();
        knock(&mut poll, &mut listeners);

        let now = Instant::now();
        let first = listeners.accept(now, io.shared());
        assert_eq!(first.len(), 1);
        assert_eq!(listeners.deadline(), Some(now), "more are waiting");
        let mut rounds = 0;
        while listeners.deadline().is_some() {
            rounds += 1;
            assert!(rounds <= 2 * AT_ONCE, "it never ends");
            assert!(listeners.accept(now, io.shared()).is_empty());
        }
        assert!(io.metrics().connections_refused >= AT_ONCE as u64);
    }
}
