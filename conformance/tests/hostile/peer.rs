//! A peer that keeps no rules and does not mind what becomes of it.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use siomio_testkit::PATIENCE;

use crate::WEBSOCKET;

/// A connection that says what it likes.
pub(crate) struct Peer(TcpStream);

/// How long a peer tries to get rid of what it says.
const STUBBORN: Duration = Duration::from_millis(100);

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server can be reached");
        stream.set_nodelay(true).expect("a fresh connection takes options");
        stream.set_write_timeout(Some(STUBBORN)).expect("a fresh connection takes options");
        Self(stream)
    }

    /// One that has said this already.
    pub(crate) fn saying(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Self {
        let mut peer = Self::connect(address);
        peer.say(bytes);
        peer
    }

    /// One that has asked for a WebSocket of its own and for the main namespace, and has read none of the answers.
    pub(crate) fn joined(address: SocketAddr) -> Self {
        Self::saying(address, [upgrade(WEBSOCKET).as_bytes(), &text("40")].concat())
    }

    /// Says something, or as much of it as the connection takes in a moment. Returns whether the server still holds it.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        match self.0.write_all(bytes.as_ref()) {
            Err(error) => is_timeout(&error),
            Ok(()) => true,
        }
    }

    /// Reads what is there to nowhere. Returns whether the server goes on.
    pub(crate) fn is_answered(&mut self) -> bool {
        self.0.set_nonblocking(true).expect("a connection takes options");
        let goes_on = loop {
            match self.0.read(&mut [0; 16 * 1024]) {
                Ok(0) => break false,
                Ok(_) => {}
                Err(error) => break is_timeout(&error),
            }
        };
        self.0.set_nonblocking(false).expect("a connection takes options");
        goes_on
    }

    /// Reads a single byte, if there is one.
    pub(crate) fn sip(&mut self) {
        self.0.set_nonblocking(true).expect("a connection takes options");
        // Whatever comes of it: whether the server is still there shows when something is said.
        let _ = self.0.read(&mut [0]);
        self.0.set_nonblocking(false).expect("a connection takes options");
    }

    /// Everything that the server says until it ends the connection, which it must.
    pub(crate) fn last_words(&mut self, what: &str) -> String {
        let mut heard = Vec::new();
        self.read_while(what, |bytes| {
            heard.extend_from_slice(bytes);
            true
        });
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Everything that the server says until it has said this so often, which it must.
    pub(crate) fn hear(&mut self, words: &str, times: usize) -> String {
        let mut heard = String::new();
        let ended = self.read_while(words, |bytes| {
            heard.push_str(&String::from_utf8_lossy(bytes));
            heard.matches(words).count() < times
        });
        assert!(!ended, "the end in place of {words:?}, after {heard:?}");
        heard
    }

    /// Reads until it is enough, or the server ends the connection; returns whether it has.
    fn read_while(&mut self, what: &str, mut goes_on: impl FnMut(&[u8]) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 64 * 1024];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not come to an end: {what}");
            self.0.set_read_timeout(Some(left)).expect("a timeout is not zero");
            match self.0.read(&mut buffer) {
                Ok(0) => return true,
                Ok(count) if goes_on(&buffer[..count]) => {}
                Ok(_) => return false,
                Err(error) if is_timeout(&error) => {}
                // A reset is an end, too.
                Err(_) => return true,
            }
        }
    }

    /// Ends the connection with a reset in place of an orderly end.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.0);
        socket.set_linger(Some(Duration::ZERO)).expect("the connection is there");
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// So many peers.
pub(crate) fn crowd(count: usize, peer: impl Fn() -> Peer) -> Vec<Peer> {
    (0..count).map(|_| peer()).collect()
}

/// A request, with more lines and whatever follows.
pub(crate) fn request(method: &str, target: &str, lines: &str, body: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n{body}")
}

/// A POST with a body that is as long as it says.
pub(crate) fn post(target: &str, body: &str) -> String {
    request("POST", target, &format!("Content-Length: {}\r\n", body.len()), body)
}

/// A request for a WebSocket.
pub(crate) fn upgrade(target: &str) -> String {
    let lines = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    request("GET", target, lines, "")
}

/// A frame by its first byte, with a mask that changes nothing.
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = vec![first];
    match payload.len() {
        length @ ..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// A whole text message.
pub(crate) fn text(message: impl AsRef<[u8]>) -> Vec<u8> {
    frame(0x81, message)
}
