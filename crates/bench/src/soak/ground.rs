//! Where a guest stands.

use std::{io, net::SocketAddr, time::Instant};

use mio::{Registry, Token};

use super::line::Line;
use crate::open::spread;

/// A guest's place in the crowd, and its way to the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'c> {
    pub(super) registry: &'c Registry,
    pub(super) address: SocketAddr,
    pub(super) place: usize,
    /// How many guests have come before.
    pub(super) number: usize,
    pub(super) now: Instant,
}

/// Connections that a guest can have at once.
pub(super) const LINES: usize = 3;

impl Ground<'_> {
    /// Opens one of the guest's connections.
    pub(super) fn open(&self, line: usize) -> io::Result<Line> {
        let token = Token(self.place * LINES + line);
        Line::open(self.registry, token, spread(self.address, self.number))
    }
}

/// The place in the crowd and the connection that a token means.
pub(super) const fn whose(token: Token) -> (usize, usize) {
    (token.0 / LINES, token.0 % LINES)
}
