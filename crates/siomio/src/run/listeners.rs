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
    pub(super) fn accept(
        &mut self,
        now: Instant,
        shared: &Shared,
    ) -> Option<(Connection, SocketAddr)> {
        if self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        self.retry_at = None;
        for listener in self.all.iter_mut().filter(|listener| listener.knocked) {
            loop {
                match listener.socket.accept() {
                    Ok((stream, peer)) => {
                        let Ok(ticket) = shared.addresses.enter(peer) else { continue };
                        shared.count_accept(true);
                        // Without it small messages wait for each other; where it fails they do.
                        let _ = stream.set_nodelay(true);
                        return Some((Connection::new(stream, ticket), peer));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        break listener.knocked = false;
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
