//! The cases of the official protocol suite, one test for each.

use std::time::Duration;

use siomio_testkit::{
    http::Http,
    polling::{SEPARATOR, handshake},
    ws::{Got, Ws},
};

use crate::{
    POLLING, WEBSOCKET, assert_gone, common::heartbeat, echo, echo_with, open, open_ws,
    status_and_text,
};

const MS: Duration = Duration::from_millis(1);

/// What both transports say first, apart from the upgrades.
fn assert_handshake(packet: &str, upgrades: serde_json::Value) {
    let open = handshake(packet);
    let keys: Vec<_> = open.as_object().expect("an object").keys().map(String::as_str).collect();
    // In the order of the alphabet, which is that of the map.
    assert_eq!(keys, ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
    assert!(open["sid"].is_string());
    assert_eq!(open["upgrades"], upgrades);
    assert_eq!((&open["pingInterval"], &open["pingTimeout"]), (&300.into(), &200.into()));
    assert_eq!(open["maxPayload"], 1_000_000);
}

#[test]
fn polling_handshake() {
    echo_with(heartbeat(300, 200), |address| {
        let response = Http::connect(address).get(POLLING);
        assert_eq!(response.status, 200);
        assert_handshake(response.text(), ["websocket"].as_slice().into());
    });
}

#[test]
fn polling_invalid_eio() {
    echo(|address| {
        for query in ["transport=polling", "EIO=abc&transport=polling"] {
            assert_eq!(Http::connect(address).get(&format!("/engine.io/?{query}")).status, 400);
        }
    });
}

#[test]
fn polling_invalid_transport() {
    echo(|address| {
        for query in ["EIO=4", "EIO=4&transport=abc"] {
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
    echo(|address| {
        for query in ["transport=websocket", "EIO=abc&transport=websocket"] {
            assert!(Ws::try_connect(address, &format!("/engine.io/?{query}")).is_err());
        }
    });
}

#[test]
fn websocket_invalid_transport() {
    echo(|address| {
        for query in ["EIO=4", "EIO=4&transport=abc"] {
            assert!(Ws::try_connect(address, &format!("/engine.io/?{query}")).is_err());
        }
    });
}

#[test]
fn polling_one_text_packet() {
    echo(|address| {
        let session = open(address);
        session.send(&["4hello"]);
        session.expect("4hello");
    });
}

#[test]
fn polling_several_packets() {
    echo(|address| {
        let session = open(address);
        let packets = ["4test1", "4test2", "4test3"];
        session.send(&packets);
        session.expect(&packets.join(SEPARATOR));
    });
}

#[test]
fn polling_text_and_binary() {
    echo(|address| {
        let session = open(address);
        let packets = ["4hello", "bAQIDBA=="];
        session.send(&packets);
        session.expect(&packets.join(SEPARATOR));
    });
}

#[test]
fn polling_invalid_packet() {
    echo(|address| {
        let session = open(address);
        assert_eq!(status_and_text(&session.post("abc")), (200, "ok"));
        assert_gone(&session);
    });
}

#[test]
fn polling_duplicate_poll() {
    echo(|address| {
        let session = open(address);
        let mut first = session.start_get();
        let second = Http::connect(address).get(&format!("{}&t=burst", session.target));
        assert_eq!(status_and_text(&second), (400, ""));
        assert_eq!(status_and_text(&first.response()), (200, "1"));
        assert_gone(&session);
    });
}

#[test]
fn polling_cancelled_poll() {
    echo(|address| {
        let session = open(address);
        drop(session.start_get());
        assert_eq!(session.get().status, 400);
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
        ws.send_binary(&[1, 2, 3, 4]);
        assert_eq!(ws.next(), Got::Binary(vec![1, 2, 3, 4]));
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
        let session = open(address);
        for _ in 0..3 {
            session.expect("2");
            session.send(&["3"]);
        }
    });
}

#[test]
fn polling_ping_timeout() {
    echo_with(heartbeat(300, 200), |address| {
        let session = open(address);
        assert!(Http::connect(address).is_quiet_for(500 * MS));
        // A busy machine may be late with its ping, and then is so with the end.
        session.expect_end();
        assert_gone(&session);
    });
}

#[test]
fn websocket_heartbeat() {
    echo_with(heartbeat(300, 5000), |address| {
        let mut ws = open_ws(address);
        for _ in 0..3 {
            assert_eq!(ws.text(), "2");
            ws.send("3");
        }
    });
}

#[test]
fn websocket_ping_timeout() {
    echo_with(heartbeat(300, 200), |address| {
        let mut ws = open_ws(address);
        assert_eq!(ws.text(), "2");
        ws.expect_close(None);
    });
}

#[test]
fn polling_close() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        session.send(&["1"]);
        assert_eq!(status_and_text(&get.response()), (200, "6"));
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
        let session = open(address);
        let mut ws = session.probe();
        session.expect("6");
        ws.send("5");
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");
    });
}

#[test]
fn http_after_upgrade() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.upgrade();
        assert_eq!(session.get().status, 400);
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");
    });
}

#[test]
fn second_websocket_after_upgrade() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.upgrade();
        session.channel().expect_close(None);
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");
    });
}
