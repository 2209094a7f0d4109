//! A client that says exactly what it is told to.

use std::{fmt, net::SocketAddr};

use siomio_testkit::ws::{Got, Ws};
use siomio_websocket::{FrameHeader, mask};

/// A frame to be sent. Its length is written in the shortest form.
#[derive(Clone)]
pub(crate) struct Frame {
    /// FIN, the reserved bits, the opcode.
    first: u8,
    payload: Vec<u8>,
}

const FIN: u8 = 0x80;

impl Frame {
    pub(crate) fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self { first: FIN | opcode, payload: payload.as_ref().to_vec() }
    }

    pub(crate) fn text(payload: impl AsRef<[u8]>) -> Self {
        Self::new(1, payload)
    }

    pub(crate) fn binary(payload: impl AsRef<[u8]>) -> Self {
        Self::new(2, payload)
    }

    pub(crate) fn continuation(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0, payload)
    }

    pub(crate) fn close(code: u16, reason: impl AsRef<[u8]>) -> Self {
        Self::new(8, [&code.to_be_bytes(), reason.as_ref()].concat())
    }

    pub(crate) fn ping(payload: impl AsRef<[u8]>) -> Self {
        Self::new(9, payload)
    }

    pub(crate) fn pong(payload: impl AsRef<[u8]>) -> Self {
        Self::new(10, payload)
    }

    /// The same without FIN.
    pub(crate) fn unfinished(mut self) -> Self {
        self.first &= !FIN;
        self
    }

    /// The same with reserved bits, of which RSV1 is 4.
    pub(crate) fn reserved(mut self, bits: u8) -> Self {
        self.first |= bits << 4;
        self
    }

    /// A message in pieces.
    pub(crate) fn fragments<P: AsRef<[u8]>>(
        opcode: u8,
        pieces: impl IntoIterator<Item = P>,
    ) -> Vec<Self> {
        let mut frames: Vec<Self> = pieces
            .into_iter()
            .enumerate()
            .map(|(n, piece)| Self::new(if n == 0 { opcode } else { 0 }, piece).unfinished())
            .collect();
        frames.last_mut().expect("a message has pieces").first |= FIN;
        frames
    }

    /// Appends the frame as it travels.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let key = [0x9a, self.first, 0x5c, self.payload.len() as u8];
        let header = FrameHeader {
            fin: true,
            rsv1: false,
            opcode: siomio_websocket::OpCode::Binary,
            mask: Some(key),
            len: self.payload.len() as u64,
        };
        let start = out.len();
        out.extend_from_slice(&header.encode());
        out[start] = self.first;
        let start = out.len();
        out.extend_from_slice(&self.payload);
        mask::apply(&mut out[start..], key, 0);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

/// How bytes are handed to TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chop {
    /// All frames at once.
    Whole,
    /// Each frame by itself.
    Frames,
    /// So many bytes at a time.
    Bytes(usize),
}

/// A connection.
pub(crate) struct Peer {
    ws: Ws,
    /// What goes on, for when it fails.
    label: String,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr, label: impl Into<String>) -> Self {
        Self { ws: Ws::connect(address, "/"), label: label.into() }
    }

    pub(crate) fn send(&mut self, frames: &[Frame], chop: Chop) {
        match chop {
            Chop::Frames => frames.iter().for_each(|frame| self.raw(&frame.bytes())),
            Chop::Whole => self.raw(&joined(frames)),
            Chop::Bytes(size) => joined(frames).chunks(size).for_each(|chunk| self.raw(chunk)),
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.ws.raw(bytes);
    }

    pub(crate) fn next(&mut self) -> Got {
        self.ws.next()
    }

    pub(crate) fn expect(&mut self, expected: &Got) {
        let got = self.ws.next();
        assert!(
            got == *expected,
            "{}: {} in place of {}",
            self.label,
            Brief(&got),
            Brief(expected)
        );
    }

    /// The server must have failed the connection, with this code and not a word, and then end it.
    pub(crate) fn expect_failure(self, code: u16) {
        self.expect_close_payload(&code.to_be_bytes());
    }

    /// A close frame with exactly this payload must come, and then the end.
    pub(crate) fn expect_close_payload(mut self, payload: &[u8]) {
        let header = self.ws.take_raw(2);
        let length = payload.len() as u8;
        assert_eq!(header, [0x88, length], "{}: a close frame of this length", self.label);
        assert_eq!(self.ws.take_raw(payload.len()), payload, "{}", self.label);
        self.expect(&Got::End);
    }

    /// Nothing else must have come, and closing must do what it should.
    pub(crate) fn expect_good_end(mut self) {
        self.raw(&Frame::close(1000, "").bytes());
        self.expect(&Got::Close(Some(1000)));
        self.expect(&Got::End);
    }
}

fn joined(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.write(&mut bytes));
    bytes
}

pub(crate) fn text(text: impl Into<String>) -> Got {
    Got::Text(text.into())
}

/// Frames to be sent, and all that must come of them.
pub(crate) struct Case {
    label: String,
    frames: Vec<Frame>,
    chop: Chop,
    answers: Vec<Got>,
    /// The code the server fails the connection with, if it does.
    failure: Option<u16>,
}

impl Case {
    /// Frames that get no answer.
    pub(crate) fn new(label: impl Into<String>, frames: impl Into<Vec<Frame>>) -> Self {
        let (label, frames, answers) = (label.into(), frames.into(), Vec::new());
        Self { label, frames, chop: Chop::Whole, answers, failure: None }
    }

    pub(crate) fn chopped(mut self, chop: Chop) -> Self {
        self.chop = chop;
        self
    }

    pub(crate) fn answered(mut self, answers: impl Into<Vec<Got>>) -> Self {
        self.answers = answers.into();
        self
    }

    /// The server fails the connection after its answers.
    pub(crate) fn fails(mut self, code: u16) -> Self {
        self.failure = Some(code);
        self
    }

    pub(crate) fn run(&self, address: SocketAddr) {
        let mut peer = Peer::connect(address, &self.label);
        peer.send(&self.frames, self.chop);
        self.answers.iter().for_each(|answer| peer.expect(answer));
        match self.failure {
            Some(code) => peer.expect_failure(code),
            None => peer.expect_good_end(),
        }
    }
}

/// Megabytes are no help in a message.
struct Brief<'g>(&'g Got);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Got::Text(text) if text.len() > 200 => write!(f, "Text of {} bytes", text.len()),
            Got::Binary(data) if data.len() > 200 => write!(f, "Binary of {} bytes", data.len()),
            got => write!(f, "{got:?}"),
        }
    }
}
