//! A WebSocket that knows what is coming, and therefore has little to do.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;

use crate::wire::{Exchange, masked_text};

/// The client's end of a connection on which the same exchange takes place again and again.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    /// Of the reply that is being read, so much is there.
    read: usize,
    /// The first bytes of a ping have come in its place.
    in_ping: bool,
    /// Bytes that the connection did not take, and how many of them it has taken since.
    unsent: (Vec<u8>, usize),
}

/// Bursts are cut from this many requests in a row.
pub const BURST: usize = 64;

/// An exchange, as many times in a row as may be wanted at once.
#[derive(Debug)]
pub struct Script {
    requests: Vec<u8>,
    request: usize,
    reply: Vec<u8>,
    pong: Vec<u8>,
}

impl Script {
    /// For this exchange.
    pub fn new(exchange: &Exchange) -> Self {
        let request = exchange.request.len();
        let times = (4 * 1024 * 1024 / request).clamp(1, BURST);
        let requests = exchange.request.repeat(times);
        Self { requests, request, reply: exchange.reply.clone(), pong: masked_text("3") }
    }
}

impl Link {
    /// Takes over a connection on which the handshakes are done.
    ///
    /// # Errors
    /// When it is gone.
    pub fn new(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { stream, read: 0, in_ping: false, unsent: (Vec::new(), 0) })
    }

    /// The connection, for registering it.
    pub const fn stream_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends so many requests.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn ask(&mut self, script: &Script, mut times: usize) -> io::Result<()> {
        let row = script.requests.len() / script.request;
        while times > 0 {
            let now = times.min(row);
            self.send(&script.requests[..now * script.request])?;
            times -= now;
        }
        Ok(())
    }

    /// Sends what could not be sent before.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        let (bytes, sent) = &mut self.unsent;
        while *sent < bytes.len() {
            match self.stream.write(&bytes[*sent..]) {
                Ok(count) => *sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.unsent = (Vec::new(), 0);
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        while self.unsent.0.is_empty() && sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.unsent.0.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// Reads what has arrived, and tells how many replies are complete with it.
    ///
    /// # Errors
    /// When the connection has ended, or something else has come.
    pub fn replies(&mut self, script: &Script, buffer: &mut [u8]) -> io::Result<usize> {
        let mut complete = 0;
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(complete),
                Err(error) => return Err(error),
            };
            complete += self.compare(script, &buffer[..count])?;
            if count < buffer.len() {
                return Ok(complete);
            }
        }
    }

    fn compare(&mut self, script: &Script, mut bytes: &[u8]) -> io::Result<usize> {
        let mut complete = 0;
        while let Some(first) = bytes.first() {
            if self.in_ping {
                if *first != b'2' {
                    return Err(wrong(bytes));
                }
                bytes = &bytes[1..];
                (self.in_ping, self.read) = (false, 0);
                self.send(&script.pong.clone())?;
                continue;
            }
            let rest = &script.reply[self.read..];
            let count = rest.len().min(bytes.len());
            if bytes[..count] == rest[..count] {
                bytes = &bytes[count..];
                self.read += count;
                if self.read == script.reply.len() {
                    (self.read, complete) = (0, complete + 1);
                }
            } else if self.read == 0 && bytes.len() > 1 && bytes[..2] == [0x81, 1] {
                bytes = &bytes[2..];
                self.in_ping = true;
            } else if self.read == 1 && *first == 1 {
                bytes = &bytes[1..];
                self.in_ping = true;
            } else {
                return Err(wrong(bytes));
            }
        }
        Ok(complete)
    }
}

fn wrong(bytes: &[u8]) -> io::Error {
    let shown = bytes[..bytes.len().min(80)].escape_ascii();
    io::Error::other(format!("this is not what was expected: {shown}"))
}
