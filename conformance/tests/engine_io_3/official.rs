//! The cases of the official protocol suite, one test for each.

use std::time::Duration;

use siomio_testkit::{
    http::Http,
    polling::handshake,
    polling_v3,
    ws::{Got, Ws},
};

use crate::{
    BYTES, POLLING, TEXT, WEBSOCKET, assert_gone, common::heartbeat, echo, echo_with, open,
    open_with, open_ws, status_and_text,
};

const MS: Duration = Duration::from_millis(1);

/// What both transports say first, apart from the upgrades.
fn assert_handshake(packet: &str, upgrades: serde_json::Value) {
    let open = handshake(packet);
    assert!(open["sid"].is_string());
    assert_eq!(open["upgrades"], upgrades);
    assert_eq!((&open["pingInterval"], &open["pingTimeout"]), (&300.into(), &200.into()));
    assert_eq!(open["maxPayload"], 1_000_000);
}

#[test]
fn polling_handshake() {
    echo_with(heartbeat(300, 200), |address| {
        let response = Http::connect(address).get(POLLING);
        assert_eq!((response.status, response.header("content-type")), (200, TEXT));
        let packets = polling_v3::packets(response.text());
        assert_eq!(packets.len(), 1);
        assert_handshake(&packets[0], ["websocket"].as_slice().into());
    });
}

#[test]
fn polling_invalid_transport() {
    echo(|address| {
        for query in ["EIO=3", "EIO=3&transport=abc"] {
            assert_eq!(Http::connect(address).get(&format!("/engine.io/?{query}")).status, 400);
        }
    });
}

#[test]
fn polling_invalid_method() {
    echo(|address| {
        for method in ["POST", "PUT"] {
            let mut http = Http::connect(address);
            http.request(method, POLLING, &[], b"");
            assert_eq!(http.response().status, 400);
        }
    });
}

#[test]
fn websocket_handshake() {
    echo_with(heartbeat(300, 200), |address| {
        assert_handshake(&Ws::connect(address, WEBSOCKET).text(), serde_json::json!([]));
    });
}

#[test]
fn websocket_invalid_eio() {
    // The official case only asks for an end, which the heartbeat brings: what is not 4 is 3.
    echo_with(heartbeat(300, 200), |address| {
        for query in ["transport=websocket", "EIO=abc&transport=websocket"] {
            let mut ws = Ws::connect(address, &format!("/engine.io/?{query}"));
            assert!(ws.text().starts_with("0{"));
            ws.expect_close(None);
        }
    });
}

#[test]
fn websocket_invalid_transport() {
    echo(|address| {
        for query in ["EIO=3", "EIO=3&transport=abc"] {
            assert!(Ws::try_connect(address, &format!("/engine.io/?{query}")).is_err());
        }
    });
}

#[test]
fn polling_one_text_packet() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        assert_eq!(status_and_text(&session.post("6:4hello")), (200, "ok"));
        session.expect("6:4hello");
    });
}

#[test]
fn polling_several_packets() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        assert_eq!(status_and_text(&session.post("6:4test16:4test26:4test3")), (200, "ok"));
        session.expect("6:4test16:4test26:4test3");
    });
}

#[test]
fn polling_text_and_binary_as_base64() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        assert_eq!(status_and_text(&session.post("6:4hello10:b4AQIDBA==")), (200, "ok"));
        session.expect("6:4hello10:b4AQIDBA==");
    });
}

#[test]
fn polling_text_and_binary_as_bytes() {
    echo(|address| {
        let session = open(address);
        assert_eq!(status_and_text(&session.post("6:4hello10:b4AQIDBA==")), (200, "ok"));
        let response = session.get();
        assert_eq!((response.status, response.header("content-type")), (200, BYTES));
        assert_eq!(response.body, b"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04");
    });
}

#[test]
fn polling_invalid_packet() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        assert_eq!(status_and_text(&session.post("abc")), (200, "ok"));
        assert_gone(&session);
    });
}

#[test]
fn polling_duplicate_poll() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        let mut first = session.start_get();
        let second = Http::connect(address).get(&format!("{}&t=burst", session.target));
        assert_eq!(status_and_text(&second), (400, ""));
        assert_eq!(status_and_text(&first.response()), (200, "1:1"));
        assert_gone(&session);
    });
}

#[test]
fn websocket_text() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");
    });
}

#[test]
fn websocket_binary() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.send_binary(&[4, 1, 2, 3, 4]);
        assert_eq!(ws.next(), Got::Binary(vec![4, 1, 2, 3, 4]));
    });
}

#[test]
fn websocket_invalid_packet() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.send("abc");
        ws.expect_close(None);
    });
}

#[test]
fn polling_heartbeat() {
    echo_with(heartbeat(300, 5000), |address| {
        let session = open_with(address, "&b64=1");
        for _ in 0..3 {
            assert_eq!(status_and_text(&session.post("1:2")), (200, "ok"));
            session.expect("1:3");
        }
    });
}

#[test]
fn polling_ping_timeout() {
    echo_with(heartbeat(300, 200), |address| {
        let session = open_with(address, "&b64=1");
        assert!(Http::connect(address).is_quiet_for(900 * MS));
        assert_eq!(session.post("1:2").status, 400);
    });
}

#[test]
fn websocket_heartbeat() {
    echo_with(heartbeat(300, 5000), |address| {
        let mut ws = open_ws(address);
        for _ in 0..3 {
            ws.send("2");
            assert_eq!(ws.text(), "3");
        }
    });
}

#[test]
fn websocket_ping_timeout() {
    echo_with(heartbeat(300, 200), |address| open_ws(address).expect_close(None));
}

#[test]
fn polling_close() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        let mut get = session.start_get();
        assert_eq!(status_and_text(&session.post("1:1")), (200, "ok"));
        assert_eq!(status_and_text(&get.response()), (200, "1:6"));
        assert_gone(&session);
    });
}

#[test]
fn websocket_close() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.send("1");
        ws.expect_close(None);
    });
}

#[test]
fn upgrade() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        let mut ws = session.probe();
        session.expect("1:6");
        ws.send("5");
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");
    });
}

#[test]
fn http_after_upgrade() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        let mut ws = session.upgrade();
        assert_eq!(session.get().status, 400);
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");
    });
}

#[test]
fn second_websocket_after_upgrade() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        let mut ws = session.upgrade();
        session.channel().expect_close(None);
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");
    });
}
