//! A connection that never waits.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    time::Duration,
};

use mio::{Interest, Registry, Token, net::TcpStream};
use socket2::SockRef;

/// One end of it.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    unsent: Vec<u8>,
    /// What has come and was not worked on.
    pub(super) unread: Vec<u8>,
    /// Nothing more will come.
    pub(super) has_ended: bool,
}

impl Line {
    pub(super) fn open(registry: &Registry, token: Token, address: SocketAddr) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, unsent: Vec::new(), unread: Vec::new(), has_ended: false })
    }

    /// Sends bytes, at once or as soon as the connection takes them.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.flush();
    }

    pub(super) fn flush(&mut self) {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // How it has ended shows when it is read.
                Err(_) => self.unsent.clear(),
            }
        }
    }

    /// Reads all that is there.
    pub(super) fn pull(&mut self, buffer: &mut [u8]) {
        while !self.has_ended {
            match self.stream.read(buffer) {
                Ok(count @ 1..) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => self.has_ended = true,
            }
        }
    }

    /// Cuts it off, in place of ending it in good order.
    pub(super) fn reset(self) {
        // Where it fails, it ends in good order.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}
