//! The server's end of a connection.

use std::io::{self, IoSlice, Read, Write};

use siomio::shard::Stream;

use super::link::{Home, SharedLink};

/// What a shard reads from and writes to. Dropping it closes the connection.
#[derive(Debug)]
pub struct SimStream(SharedLink);

impl SimStream {
    pub(super) const fn new(link: SharedLink) -> Self {
        Self(link)
    }

    pub(super) fn number(&self) -> usize {
        self.0.borrow().number
    }

    pub(super) fn register(&self, home: Home) {
        self.0.borrow_mut().register(home);
    }

    pub(super) fn deregister(&self) {
        self.0.borrow_mut().deregister();
    }
}

impl Read for SimStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buffer)
    }
}

impl Write for SimStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.borrow_mut().write(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for SimStream {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.0.borrow_mut().shutdown()
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.0.borrow_mut().close_server();
    }
}
