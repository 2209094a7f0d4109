//! Long-polling in revision 3: packets behind their lengths.
//!
//! Sessions are those of [`polling`](crate::polling); only how they are opened and what they say is different.

use std::net::SocketAddr;

use crate::{
    http::Http,
    polling::{Polling, handshake},
};

/// Opens a session below a path such as `/socket.io/`, with `more` in its query, `&b64=1` say. Returns also the packets that
/// came with the handshake.
///
/// # Panics
/// When the server refuses.
pub fn open(address: SocketAddr, path: &str, more: &str) -> (Polling, Vec<String>) {
    let target = format!("{path}?EIO=3&transport=polling");
    let response = Http::connect(address).get(&format!("{target}{more}"));
    assert_eq!(response.status, 200, "{response:?}");
    let mut packets = packets(response.text());
    let handshake = handshake(&packets.remove(0));
    let sid = handshake["sid"].as_str().expect("the handshake has an id").to_owned();
    (Polling { address, target: format!("{target}&sid={sid}"), sid }, packets)
}

/// Sends packets; the server must take them.
///
/// # Panics
/// When it does not.
pub fn send(session: &Polling, packets: &[&str]) {
    let response = session.post(payload(packets));
    assert_eq!((response.status, response.text()), (200, "ok"));
}

/// Writes packets as one payload of text.
pub fn payload(packets: &[&str]) -> String {
    packets.iter().map(|packet| format!("{}:{packet}", packet.encode_utf16().count())).collect()
}

/// Reads a payload of text.
///
/// # Panics
/// When it is none.
pub fn packets(mut payload: &str) -> Vec<String> {
    let mut packets = Vec::new();
    while !payload.is_empty() {
        let (length, rest) = payload.split_once(':').expect("a packet behind its length");
        let length: usize = length.parse().expect("a length is a number");
        let units: Vec<u16> = rest.encode_utf16().take(length).collect();
        assert_eq!(units.len(), length, "cut off: {rest:?}");
        let packet = String::from_utf16(&units).expect("lengths do not cut characters");
        payload = &rest[packet.len()..];
        packets.push(packet);
    }
    packets
}
