//! A client for HTTP/1.1 that never waits.

use super::{End, Wire, World};
use crate::http::Response;

/// A connection.
#[derive(Debug)]
pub struct SimHttp {
    wire: Wire,
    unread: Vec<u8>,
}

impl SimHttp {
    /// Opens a connection.
    pub fn connect(world: &mut World) -> Self {
        Self { wire: world.connect(), unread: Vec::new() }
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: &[u8]) {
        self.wire.send(bytes);
    }

    /// Sends a request; a body gets its Content-Length.
    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.send(&request(method, target, headers, body));
    }

    /// The next response, if it has arrived, interim ones included.
    ///
    /// # Panics
    /// When what arrived is none.
    pub fn poll(&mut self) -> Option<Response> {
        self.unread.extend(self.wire.take());
        let (response, length) = parse(&self.unread)?;
        self.unread.drain(..length);
        Some(response)
    }

    /// How the server has ended the connection, if no more responses can come. A response that is cut off is no response.
    pub fn ended(&self) -> Option<End> {
        self.wire.ended()
    }

    /// The bare connection.
    pub const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The bare connection and what was read of it.
    pub fn into_parts(self) -> (Wire, Vec<u8>) {
        (self.wire, self.unread)
    }
}

/// The bytes of a request.
pub(super) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: sim\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" || !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut request = format!("{request}\r\n").into_bytes();
    request.extend_from_slice(body);
    request
}

/// Reads a response and its length from the front.
pub(super) fn parse(bytes: &[u8]) -> Option<(Response, usize)> {
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
    let mut response = Response { status: head.code.unwrap_or(0), headers, body: Vec::new() };
    let length = response
        .header("content-length")
        .map_or(0, |length| length.parse().expect("a length is a number"));
    let end = start + length;
    response.body = bytes.get(start..end)?.to_vec();
    Some((response, end))
}
