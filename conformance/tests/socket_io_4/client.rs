use std::{collections::VecDeque, net::SocketAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use siomio_testkit::{
    polling::{Polling, handshake},
    polling_v3,
    ws::{Got, Ws},
};

use crate::PATH;

/// An old client on either transport.
///
/// Packets are written as polling with `b64` writes them, a binary one as `b4` and base64, so that one trace fits both.
pub(crate) enum Client {
    Polling { session: Polling, inbox: VecDeque<String> },
    WebSocket { ws: Ws, sid: String },
}

impl Client {
    pub(crate) fn polling(address: SocketAddr) -> Self {
        let (session, packets) = polling_v3::open(address, PATH, "&b64=1");
        Self::Polling { session, inbox: packets.into() }
    }

    pub(crate) fn websocket(address: SocketAddr) -> Self {
        let mut ws = Ws::connect(address, &format!("{PATH}?EIO=3&transport=websocket"));
        let sid =
            handshake(&ws.text())["sid"].as_str().expect("the handshake has an id").to_owned();
        Self::WebSocket { ws, sid }
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
            Self::Polling { session, .. } => polling_v3::send(session, packets),
            Self::WebSocket { ws, .. } => {
                for packet in packets {
                    match packet.strip_prefix("b4") {
                        Some(data) => {
                            let data = STANDARD.decode(data).expect("base64");
                            ws.send_binary(&[&[4], &data[..]].concat());
                        }
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
                    inbox.extend(polling_v3::packets(session.get().text()));
                }
                inbox.pop_front().expect("an answer has a packet")
            }
            Self::WebSocket { ws, .. } => match ws.next() {
                Got::Text(text) => text,
                Got::Binary(data) => {
                    let data = data.strip_prefix(&[4]).expect("a message");
                    format!("b4{}", STANDARD.encode(data))
                }
                other => panic!("{other:?} in place of a packet"),
            },
        }
    }

    /// The next packets must be these.
    pub(crate) fn expect(&mut self, packets: &[&str]) {
        for packet in packets {
            assert_eq!(self.next(), *packet);
        }
    }

    /// The server must have closed the session gracefully, and be silent until then.
    pub(crate) fn expect_close(mut self) {
        match &mut self {
            Self::Polling { session, inbox } => {
                assert!(inbox.is_empty(), "{inbox:?} in place of the end");
                session.expect("1:61:1");
                assert_eq!(session.get().status, 400);
            }
            Self::WebSocket { ws, .. } => ws.expect_close(None),
        }
    }
}
