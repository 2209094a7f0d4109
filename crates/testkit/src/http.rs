//! A client for HTTP/1.1 that can pipeline, dawdle and misbehave.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use crate::PATIENCE;

/// A connection.
#[derive(Debug)]
pub struct Http {
    stream: TcpStream,
    /// Read, and not yet part of a response.
    unread: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, as spelt.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Http {
    /// Connects.
    ///
    /// # Panics
    /// When that fails.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server can be reached");
        stream.set_nodelay(true).expect("a fresh connection takes options");
        stream.set_read_timeout(Some(PATIENCE)).expect("a fresh connection takes options");
        Self { stream, unread: Vec::new() }
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the connection takes bytes");
    }

    /// Sends a request; a body gets its Content-Length.
    pub fn request(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" || !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        let mut request = format!("{request}\r\n").into_bytes();
        request.extend_from_slice(body);
        self.send(request);
    }

    /// Sends a GET and waits for its response.
    pub fn get(&mut self, target: &str) -> Response {
        self.request("GET", target, &[], b"");
        self.response()
    }

    /// Sends a POST and waits for its response.
    pub fn post(&mut self, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.request(
            "POST",
            target,
            &[("Content-Type", "text/plain;charset=UTF-8")],
            body.as_ref(),
        );
        self.response()
    }

    /// Asks for a WebSocket and waits for the response, 101 or not.
    pub fn upgraded(&mut self, target: &str) -> Response {
        let headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
        ];
        self.request("GET", target, &headers, b"");
        self.response()
    }

    /// Waits for the next response, interim ones included.
    ///
    /// # Panics
    /// When none comes.
    pub fn response(&mut self) -> Response {
        self.try_response().expect("the server answers before it ends the connection")
    }

    /// Waits for the next response; `None` when the connection ends instead.
    ///
    /// # Panics
    /// When neither happens, or it is no response.
    pub fn try_response(&mut self) -> Option<Response> {
        loop {
            if let Some((response, length)) = parse(&self.unread) {
                self.unread.drain(..length);
                return Some(response);
            }
            if self.fill(PATIENCE) == Some(0) {
                assert!(
                    self.unread.is_empty(),
                    "cut off: {:?}",
                    String::from_utf8_lossy(&self.unread)
                );
                return None;
            }
        }
    }

    /// Waits for a response that has no body whatever its headers say, as the answer to a HEAD.
    ///
    /// # Panics
    /// When none comes.
    pub fn bodiless_response(&mut self) -> Response {
        loop {
            if let Some((response, start, _)) = parse_head(&self.unread) {
                self.unread.drain(..start);
                return response;
            }
            assert_ne!(self.fill(PATIENCE), Some(0), "the server answers before it ends");
        }
    }

    /// Whether nothing arrives for that long.
    pub fn is_quiet_for(&mut self, time: Duration) -> bool {
        self.unread.is_empty() && self.fill(time).is_none()
    }

    /// Whether the server has ended the connection, waiting for it.
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && self.fill(PATIENCE) == Some(0)
    }

    /// Ends the half that we write.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn shutdown_write(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is there");
    }

    /// Ends the connection with a reset in place of an orderly end.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("the connection is there");
    }

    /// The bare connection and what was read of it.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.unread)
    }

    /// Reads once; `None` when nothing came in time.
    fn fill(&mut self, time: Duration) -> Option<usize> {
        self.stream.set_read_timeout(Some(time)).expect("a timeout is not zero");
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                Some(count)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                assert!(
                    time < PATIENCE,
                    "nothing arrives; unread: {:?}",
                    String::from_utf8_lossy(&self.unread)
                );
                None
            }
            // A reset is an end, too.
            Err(_) => Some(0),
        }
    }
}

impl Response {
    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a response and its length from the front.
fn parse(bytes: &[u8]) -> Option<(Response, usize)> {
    let (mut response, start, length) = parse_head(bytes)?;
    response.body = bytes.get(start..start + length)?.to_vec();
    Some((response, start + length))
}

/// Reads the head of a response from the front: also its own length and that of the body.
fn parse_head(bytes: &[u8]) -> Option<(Response, usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes).expect("the server sends HTTP")
    else {
        return None;
    };
    let headers: Vec<_> = head
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let response = Response { status: head.code.unwrap_or(0), headers, body: Vec::new() };
    let length =
        response.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    Some((response, start, length))
}
