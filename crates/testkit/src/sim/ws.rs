//! A WebSocket client that never waits, and takes part in nothing by itself.

use siomio_websocket::{
    CloseCode, Item, Limits, OpCode, Reader, Role, handshake::ClientHandshake, write_close,
    write_frame,
};

use super::{Wire, World, http::parse};
use crate::ws::Got;

/// A WebSocket.
#[derive(Debug)]
pub struct SimWs {
    wire: Wire,
    unread: Vec<u8>,
    state: State,
}

/// ```text
///   Opening ── 101 ──► Open
///      └── any other answer, or none ──► Refused
/// ```
#[derive(Debug)]
enum State {
    Opening(ClientHandshake),
    Open(Reader),
    Refused,
}

const MASK: Option<[u8; 4]> = Some([0x11, 0x22, 0x33, 0x44]);

impl SimWs {
    /// Opens a connection and asks for a WebSocket.
    ///
    /// # Panics
    /// When the target is none.
    pub fn connect(world: &mut World, target: &str) -> Self {
        let mut handshake = ClientHandshake::new([7; 16]);
        let mut request = Vec::new();
        handshake.write_request(&mut request, "sim", target, &[], []).expect("the target is fine");
        let wire = world.connect();
        wire.send(&request);
        Self { wire, unread: Vec::new(), state: State::Opening(handshake) }
    }

    /// Whether the server has agreed, as far as is known.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Sends a text message.
    pub fn send(&self, text: &str) {
        self.send_frame(OpCode::Text, text.as_bytes());
    }

    /// Sends a binary message.
    pub fn send_binary(&self, data: &[u8]) {
        self.send_frame(OpCode::Binary, data);
    }

    fn send_frame(&self, opcode: OpCode, payload: &[u8]) {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, opcode, payload, MASK);
        self.wire.send(&bytes);
    }

    /// Sends a close frame.
    pub fn close(&self, code: Option<u16>) {
        let mut bytes = Vec::new();
        write_close(&mut bytes, code.map(|code| (CloseCode(code), "")), MASK);
        self.wire.send(&bytes);
    }

    /// The bare connection.
    pub const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// What has arrived next. `Got::End` is the last, and comes for a refusal, too.
    ///
    /// # Panics
    /// When the server breaks the protocol.
    pub fn poll(&mut self) -> Option<Got> {
        self.unread.extend(self.wire.take());
        if let State::Opening(handshake) = &self.state {
            if let Some((response, length)) = parse(&self.unread) {
                self.unread.drain(..length);
                self.state = if response.status == 101 {
                    let values = |name: &'static str| {
                        let all = response.headers.iter();
                        all.filter(move |(own, _)| own.eq_ignore_ascii_case(name))
                            .map(|(_, value)| value.as_bytes())
                            .collect::<Vec<_>>()
                    };
                    handshake.verify(response.status, values).expect("the 101 is right");
                    State::Open(Reader::new(
                        Role::Client,
                        Limits { max_message: usize::MAX, ..Limits::default() },
                    ))
                } else {
                    State::Refused
                };
            }
        }
        match &mut self.state {
            State::Open(reader) => {
                let step = reader.read(&mut self.unread).expect("the server keeps the rules");
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
                got.or_else(|| self.wire.ended().map(|_| Got::End))
            }
            State::Opening(_) => self.wire.ended().map(|_| Got::End),
            State::Refused => Some(Got::End),
        }
    }
}
