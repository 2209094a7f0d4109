//! The operating system's clock, random numbers and connections.

use std::{
    io::{self, IoSlice, Read, Write},
    net::Shutdown,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Interest, Registry, Token, net::TcpStream};

use crate::{
    addresses::Ticket,
    shard::{Environment, Stream},
};

/// A TCP connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Its place among those that are counted, until it is closed.
    _ticket: Option<Box<Ticket>>,
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream, ticket: Option<Box<Ticket>>) -> Self {
        Self { stream, _ticket: ticket }
    }

    #[cfg(test)]
    pub(super) fn local_addr(&self) -> Option<std::net::SocketAddr> {
        self.stream.local_addr().ok()
    }

    /// From now on events come under this token. Registered for both directions once and for all: edge-triggered events
    /// that are not wanted cost less than changing the registration.
    pub(crate) fn register(&mut self, registry: &Registry, token: u64) -> io::Result<()> {
        registry.register(
            &mut self.stream,
            Token(token as usize),
            Interest::READABLE | Interest::WRITABLE,
        )
    }

    pub(crate) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.stream)
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.stream.write(data)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Stream for Connection {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}

/// The clock of the operating system, and its random numbers in larger portions.
#[derive(Debug)]
pub(crate) struct Os {
    pool: [u8; 1024],
    used: usize,
}

impl Os {
    pub(crate) const fn new() -> Self {
        Self { pool: [0; 1024], used: 1024 }
    }
}

impl Environment for Os {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn time_of_day(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn random(&mut self, bytes: &mut [u8]) {
        if self.used + bytes.len() > self.pool.len() {
            getrandom::fill(&mut self.pool).expect("the operating system gives no random numbers");
            self.used = 0;
        }
        let portion = &mut self.pool[self.used..][..bytes.len()];
        bytes.copy_from_slice(portion);
        // Ids are secrets: what was given out is not kept.
        portion.fill(0);
        self.used += bytes.len();
    }
}
