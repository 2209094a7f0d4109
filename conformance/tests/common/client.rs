#![allow(dead_code, reason = "not every suite needs all of it")]

use std::{collections::VecDeque, net::SocketAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use siomio_testkit::{
    polling::Polling,
    ws::{Got, Ws},
};

/// A client on either transport.
///
/// Packets are written as polling writes them, a binary one as `b` and base64, so that one trace fits both.
pub(crate) enum Client {
    Polling { session: Polling, inbox: VecDeque<String> },
    WebSocket { ws: Ws, sid: String },
}

impl Client {
    /// Runs a part of a test on either transport.
    pub(crate) fn on_both(address: SocketAddr, path: &str, test: impl Fn(Self)) {
        for open in [Self::polling, Self::websocket] {
            let client = open(address, path);
            println!("over {}", client.transport());
            test(client);
        }
    }

    pub(crate) fn polling(address: SocketAddr, path: &str) -> Self {
        Self::Polling { session: Polling::open(address, path), inbox: VecDeque::new() }
    }

    pub(crate) fn websocket(address: SocketAddr, path: &str) -> Self {
        let mut ws = Ws::connect(address, &format!("{path}?EIO=4&transport=websocket"));
        let sid = siomio_testkit::polling::handshake(&ws.text())["sid"].as_str().map(str::to_owned);
        Self::WebSocket { ws, sid: sid.expect("the handshake has an id") }
    }

    pub(crate) fn transport(&self) -> &'static str {
        match self {
            Self::Polling { .. } => "polling",
            Self::WebSocket { .. } => "websocket",
        }
    }

    /// The id of the Engine.IO session.
    pub(crate) fn sid(&self) -> &str {
        match self {
            Self::Polling { session, .. } => &session.sid,
            Self::WebSocket { sid, .. } => sid,
        }
    }

    /// Sends packets together: in one POST, or one behind the other.
    pub(crate) fn send(&mut self, packets: &[&str]) {
        match self {
            Self::Polling { session, .. } => session.send(packets),
            Self::WebSocket { ws, .. } => {
                for packet in packets {
                    match packet.strip_prefix('b') {
                        Some(data) => ws.send_binary(&STANDARD.decode(data).expect("base64")),
                        None => ws.send(packet),
                    }
                }
            }
        }
    }

    /// Waits for the next packet.
    pub(crate) fn next(&mut self) -> String {
        match self {
            Self::Polling { session, inbox } => {
                if inbox.is_empty() {
                    inbox.extend(session.receive());
                }
                inbox.pop_front().expect("an answer has a packet")
            }
            Self::WebSocket { ws, .. } => match ws.next() {
                Got::Text(text) => text,
                Got::Binary(data) => format!("b{}", STANDARD.encode(data)),
                other => panic!("{other:?} in place of a packet"),
            },
        }
    }

    /// The next packets must be these.
    pub(crate) fn expect(&mut self, packets: &[&str]) {
        for packet in packets {
            assert_eq!(self.next(), *packet, "over {}", self.transport());
        }
    }

    /// The server must have closed the session gracefully, and be silent until then.
    pub(crate) fn expect_close(mut self) {
        match &mut self {
            Self::Polling { session, inbox } => {
                assert!(inbox.is_empty(), "{inbox:?} in place of the end");
                session.expect("6\u{1e}1");
                assert_eq!(session.get().status, 400);
            }
            Self::WebSocket { ws, .. } => ws.expect_close(None),
        }
    }
}
