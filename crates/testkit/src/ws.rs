//! A WebSocket client that takes part in nothing by itself: it answers no ping and no close.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use siomio_websocket::{
    CloseCode, Item, Limits, OpCode, Reader, Role, handshake::ClientHandshake, write_close,
    write_frame,
};

use crate::{
    PATIENCE,
    http::{Http, Response},
};

/// A WebSocket.
#[derive(Debug)]
pub struct Ws {
    stream: TcpStream,
    reader: Reader,
    unread: Vec<u8>,
}

/// Something that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame, with its code if it has one.
    Close(Option<u16>),
    /// The connection has ended.
    End,
}

const MASK: Option<[u8; 4]> = Some([0x11, 0x22, 0x33, 0x44]);

impl Ws {
    /// Connects and opens.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn connect(address: SocketAddr, target: &str) -> Self {
        Self::try_connect(address, target)
            .unwrap_or_else(|response| panic!("refused: {response:?}"))
    }

    /// Connects and opens.
    ///
    /// # Errors
    /// The response in place of the 101.
    ///
    /// # Panics
    /// When there is no response, or a wrong 101.
    pub fn try_connect(address: SocketAddr, target: &str) -> Result<Self, Response> {
        Self::upgrade(Http::connect(address), target, &[])
    }

    /// Opens a WebSocket on a connection that has been used for HTTP.
    ///
    /// # Errors
    /// The response in place of the 101.
    ///
    /// # Panics
    /// When there is no response, or a wrong 101.
    pub fn upgrade(
        mut http: Http,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Response> {
        let mut handshake = ClientHandshake::new([7; 16]);
        let mut request = Vec::new();
        handshake
            .write_request(&mut request, "localhost", target, &[], headers.iter().copied())
            .expect("the test's headers are fine");
        http.send(request);
        let response = http.response();
        if response.status != 101 {
            return Err(response);
        }
        let values = |name: &'static str| {
            let own =
                response.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
            own.map(|(_, value)| value.as_bytes()).collect::<Vec<_>>()
        };
        handshake.verify(response.status, values).expect("the 101 is right");
        Ok(Self::from_http(http))
    }

    /// Takes a connection over whose 101 has been read.
    pub fn from_http(http: Http) -> Self {
        let (stream, unread) = http.into_parts();
        let limits = Limits { max_message: usize::MAX, ..Limits::default() };
        Self { stream, reader: Reader::new(Role::Client, limits), unread }
    }

    /// Sends a text message.
    pub fn send(&mut self, text: &str) {
        self.frame(OpCode::Text, text.as_bytes());
    }

    /// Sends a binary message.
    pub fn send_binary(&mut self, data: &[u8]) {
        self.frame(OpCode::Binary, data);
    }

    /// Sends a frame.
    pub fn frame(&mut self, opcode: OpCode, payload: &[u8]) {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, opcode, payload, MASK);
        self.raw(&bytes);
    }

    /// Sends many text messages in one piece.
    pub fn send_all<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) {
        let mut bytes = Vec::new();
        for text in texts {
            write_frame(&mut bytes, OpCode::Text, text.as_ref().as_bytes(), MASK);
        }
        self.raw(&bytes);
    }

    /// Sends a close frame.
    pub fn close(&mut self, code: Option<u16>) {
        let mut bytes = Vec::new();
        write_close(&mut bytes, code.map(|code| (CloseCode(code), "")), MASK);
        self.raw(&bytes);
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection takes bytes");
    }

    /// Waits for so many bytes, and takes them as they are.
    ///
    /// # Panics
    /// When they do not come.
    pub fn take_raw(&mut self, count: usize) -> Vec<u8> {
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is not zero");
        while self.unread.len() < count {
            let mut buffer = [0; 1024];
            match self.stream.read(&mut buffer).expect("the server sends") {
                0 => panic!("the end, after {:?}", self.unread),
                read => self.unread.extend_from_slice(&buffer[..read]),
            }
        }
        self.unread.drain(..count).collect()
    }

    /// Another handle to the connection, for a thread that sends while this one receives.
    ///
    /// # Panics
    /// When the system has none to give.
    pub fn sender(&self) -> Self {
        let stream = self.stream.try_clone().expect("a connection can be shared");
        Self { stream, reader: Reader::new(Role::Client, Limits::default()), unread: Vec::new() }
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

    /// The bare connection.
    ///
    /// # Panics
    /// When something was received and not looked at.
    pub fn into_stream(self) -> TcpStream {
        assert!(self.unread.is_empty(), "there is more to look at");
        self.stream
    }

    /// Waits for what comes next.
    ///
    /// # Panics
    /// When nothing comes, or the server breaks the protocol.
    #[allow(
        clippy::should_implement_trait,
        reason = "what comes next is no iteration: it may panic"
    )]
    pub fn next(&mut self) -> Got {
        self.next_within(PATIENCE).expect("nothing arrives")
    }

    /// Waits for what comes next, for so long.
    ///
    /// # Panics
    /// When the server breaks the protocol.
    pub fn next_within(&mut self, time: Duration) -> Option<Got> {
        loop {
            let step = self.reader.read(&mut self.unread).expect("the server keeps the rules");
            let consumed = step.consumed;
            let got = step.item.map(|item| match item {
                Item::Text(text) => Got::Text(text.into_owned()),
                Item::Binary(data) => Got::Binary(data.into_owned()),
                Item::Ping(payload) => Got::Ping(payload.into_owned()),
                Item::Pong(payload) => Got::Pong(payload.into_owned()),
                Item::Close(close) => Got::Close(close.map(|close| close.code.0)),
                Item::Extended { .. } => unreachable!("no extension was negotiated"),
            });
            self.unread.drain(..consumed);
            if got.is_some() {
                return got;
            }
            self.stream.set_read_timeout(Some(time)).expect("a timeout is not zero");
            let mut buffer = [0; 64 * 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Some(Got::End),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                Err(_) => return Some(Got::End),
            }
        }
    }

    /// Waits for a text message.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    pub fn text(&mut self) -> String {
        match self.next() {
            Got::Text(text) => text,
            other => panic!("{other:?} in place of text"),
        }
    }

    /// Waits for a text message, passing over Engine.IO pings, which are answered.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    pub fn message(&mut self) -> String {
        loop {
            let text = self.text();
            if text != "2" {
                return text;
            }
            self.send("3");
        }
    }

    /// The server must send a close frame with this code, and end the connection once it has our answer.
    ///
    /// # Panics
    /// When it does not.
    pub fn expect_close(&mut self, code: Option<u16>) {
        assert_eq!(self.next(), Got::Close(code));
        // It may have ended the connection already.
        let mut answer = Vec::new();
        write_close(&mut answer, None, MASK);
        let _ = self.stream.write_all(&answer);
        assert_eq!(self.next(), Got::End);
    }

    /// Waits for the end of the connection, with the close code that came before it.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    pub fn closing(&mut self) -> Option<u16> {
        match self.next() {
            Got::Close(code) => {
                // The server ends the connection when it has our answer.
                self.close(code);
                assert_eq!(self.next(), Got::End);
                code
            }
            Got::End => None,
            other => panic!("{other:?} in place of the end"),
        }
    }
}
