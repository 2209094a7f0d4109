//! Just enough HTTP for polling.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// A connection that is kept for one request after another.
#[derive(Debug)]
pub struct Http {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Http {
    /// Opens one.
    ///
    /// # Errors
    /// When nobody is there.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), line: Vec::new() })
    }

    /// Sends a request that was written before.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(request)
    }

    /// Reads a response, which must be a success, and puts its body here.
    ///
    /// # Errors
    /// When it is none, or tells no length.
    pub fn receive(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        let mut length = None;
        let mut is_first = true;
        loop {
            self.line.clear();
            if self.stream.read_until(b'\n', &mut self.line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let line = self.line.trim_ascii_end();
            if std::mem::take(&mut is_first) {
                if line.get(9..12) != Some(b"200") {
                    return Err(io::Error::other(format!("{}", line.escape_ascii())));
                }
            } else if line.is_empty() {
                break;
            } else if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
                let text = std::str::from_utf8(&line[15..]).unwrap_or_default();
                length = text.trim().parse::<usize>().ok();
            }
        }
        let length = length.ok_or_else(|| io::Error::other("a response without its length"))?;
        body.resize(length, 0);
        self.stream.read_exact(body)
    }

    /// The connection, when nothing more is to be read.
    pub fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}

/// A GET.
pub fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n").into_bytes()
}

/// A POST of text.
pub fn post(target: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
