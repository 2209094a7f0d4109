//! The cases of the official protocol suite that concern the engine below, one test for each.

use std::time::Duration;

use siomio_testkit::{
    http::Http,
    polling::{Polling, handshake},
    ws::Ws,
};

use crate::{PATH, POLLING, WEBSOCKET, common::heartbeat, served, served_with};

fn open(address: std::net::SocketAddr) -> Polling {
    Polling::open(address, PATH)
}

/// A WebSocket session in the main namespace, for who wants to hear something back.
fn open_ws(address: std::net::SocketAddr) -> Ws {
    let mut ws = Ws::connect(address, WEBSOCKET);
    assert!(ws.text().starts_with("0{"));
    ws
}

fn assert_handshake(packet: &str, upgrades: serde_json::Value) {
    let open = handshake(packet);
    assert_eq!(open.as_object().map(serde_json::Map::len), Some(5));
    assert!(open["sid"].is_string());
    assert_eq!(open["upgrades"], upgrades);
    assert_eq!((&open["pingInterval"], &open["pingTimeout"]), (&300.into(), &200.into()));
    assert_eq!(open["maxPayload"], 1_000_000);
}

/// The session must be on this WebSocket.
fn assert_ws_works(ws: &mut Ws) {
    ws.send("40");
    assert!(ws.text().starts_with("40{\"sid\":"));
    assert_eq!(ws.text(), "42[\"auth\",{}]");
}

#[test]
fn polling_handshake() {
    served_with(heartbeat(300, 200), |address| {
        let response = Http::connect(address).get(POLLING);
        assert_eq!(response.status, 200);
        assert_handshake(response.text(), serde_json::json!(["websocket"]));
    });
}

#[test]
fn polling_invalid_eio_transport_and_method() {
    served(|address| {
        let mut http = Http::connect(address);
        for query in
            ["transport=polling", "EIO=abc&transport=polling", "EIO=4", "EIO=4&transport=abc"]
        {
            assert_eq!(http.get(&format!("{PATH}?{query}")).status, 400, "{query}");
        }
        for method in ["POST", "PUT"] {
            http.request(method, POLLING, &[], b"");
            assert_eq!(http.response().status, 400, "{method}");
        }
    });
}

#[test]
fn websocket_handshake() {
    served_with(heartbeat(300, 200), |address| {
        assert_handshake(&Ws::connect(address, WEBSOCKET).text(), serde_json::json!([]));
    });
}

#[test]
fn websocket_invalid_eio_and_transport() {
    served(|address| {
        for query in
            ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
        {
            assert!(Ws::try_connect(address, &format!("{PATH}?{query}")).is_err(), "{query}");
        }
    });
}

#[test]
fn polling_heartbeat() {
    served_with(heartbeat(300, 5000), |address| {
        let session = open(address);
        for _ in 0..3 {
            session.expect("2");
            session.send(&["3"]);
        }
    });
}

#[test]
fn polling_ping_timeout() {
    served_with(heartbeat(300, 200), |address| {
        let session = open(address);
        assert!(Http::connect(address).is_quiet_for(Duration::from_millis(500)));
        // A busy machine may be late with its ping, and then is so with the end.
        session.expect_end();
    });
}

#[test]
fn websocket_heartbeat() {
    served_with(heartbeat(300, 5000), |address| {
        let mut ws = open_ws(address);
        for _ in 0..3 {
            assert_eq!(ws.text(), "2");
            ws.send("3");
        }
    });
}

#[test]
fn websocket_ping_timeout() {
    served_with(heartbeat(300, 200), |address| {
        let mut ws = open_ws(address);
        assert_eq!(ws.text(), "2");
        ws.expect_close(None);
    });
}

#[test]
fn polling_close() {
    served(|address| {
        let session = open(address);
        let mut get = session.start_get();
        session.send(&["1"]);
        assert_eq!(get.response().text(), "6");
        assert_eq!(session.get().status, 400);
    });
}

#[test]
fn websocket_close() {
    served(|address| {
        let mut ws = open_ws(address);
        ws.send("1");
        ws.expect_close(None);
    });
}

#[test]
fn upgrade() {
    served(|address| assert_ws_works(&mut open(address).upgrade()));
}

#[test]
fn http_after_upgrade() {
    served(|address| {
        let session = open(address);
        let mut ws = session.upgrade();
        assert_eq!(session.get().status, 400);
        assert_ws_works(&mut ws);
    });
}

#[test]
fn second_websocket_after_upgrade() {
    served(|address| {
        let session = open(address);
        let mut ws = session.upgrade();
        session.channel().expect_close(None);
        assert_ws_works(&mut ws);
    });
}
