//! Clients get as far as the scenario begins.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
};

use crate::wire::masked_text;

/// Where a WebSocket session of Engine.IO begins.
pub const WS: &str = "/socket.io/?EIO=4&transport=websocket";
/// Where a polling one does.
pub const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Where a session polls that was opened with this.
///
/// # Errors
/// When it opens nothing.
pub fn polling_target(open: &[u8]) -> io::Result<String> {
    let text = String::from_utf8_lossy(open);
    let sid = text.split_once("\"sid\":\"").and_then(|(_, rest)| rest.split_once('"'));
    let (sid, _) = sid.ok_or_else(|| io::Error::other(format!("{text} opens nothing")))?;
    Ok(format!("{POLLING}&sid={sid}"))
}

/// What the clients say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// As little as possible.
    Few,
    /// What a browser sends.
    Browser,
}

const BROWSER: &str = "Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nCache-Control: no-cache\r\n\
Pragma: no-cache\r\nOrigin: http://localhost:3000\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
Chrome/140.0.0.0 Safari/537.36\r\nCookie: session=s%3AkQ2mTq0o5bXkz1yQeP5bE0l9nW.3pYk; theme=dark\r\n";

/// A client that speaks WebSocket, and reads what it is told frame by frame.
#[derive(Debug)]
pub struct Opened {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Opened {
    /// Connects and does the opening handshake of WebSocket.
    ///
    /// # Errors
    /// When the server does not agree.
    pub fn websocket(address: SocketAddr, target: &str, headers: Headers) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let more = if headers == Headers::Browser { BROWSER } else { "" };
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost:3000\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{more}\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut opened = Self { stream, unread: Vec::new() };
        let end = loop {
            opened.read_more()?;
            if let Some(end) = opened.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !opened.unread.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other(String::from_utf8_lossy(&opened.unread).into_owned()));
        }
        opened.unread.drain(..end);
        Ok(opened)
    }

    /// The same, and joins the main namespace of a Socket.IO server.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub fn socket_io(address: SocketAddr, headers: Headers) -> io::Result<Self> {
        let mut opened = Self::websocket(address, WS, headers)?;
        opened.expect("0{")?;
        opened.send("40")?;
        opened.expect("40{")?;
        Ok(opened)
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(&masked_text(text))
    }

    /// Reads messages until one begins so; pings are passed over.
    ///
    /// # Errors
    /// When another comes.
    pub fn expect(&mut self, start: &str) -> io::Result<()> {
        loop {
            let message = self.receive()?;
            if message.starts_with(start.as_bytes()) {
                return Ok(());
            }
            if message != b"2" {
                let shown = message[..message.len().min(80)].escape_ascii();
                return Err(io::Error::other(format!("{shown} in place of {start}")));
            }
        }
    }

    /// The payload of the next message, once it is there.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some((start, end)) = frame(&self.unread) {
                let payload = self.unread[start..end].to_vec();
                self.unread.drain(..end);
                return Ok(payload);
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }

    /// The connection, on which nothing was left unread.
    ///
    /// # Errors
    /// When something was, that is no ping.
    pub fn into_stream(self) -> io::Result<TcpStream> {
        if self.unread.is_empty() || self.unread == [0x81, 1, b'2'] {
            return Ok(self.stream);
        }
        Err(io::Error::other(format!("{} was not expected", self.unread.escape_ascii())))
    }
}

/// Where the payload of the first frame is, if all of it is there.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, usize::from(length)),
    };
    (bytes.len() >= start + length).then_some((start, start + length))
}

/// One of the many addresses of this machine, so that a client does not run out of ports.
pub fn spread(address: SocketAddr, number: usize) -> SocketAddr {
    let host = (number / 8_000 % 250 + 1) as u8;
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), address.port())
}
