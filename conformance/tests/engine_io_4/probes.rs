//! A WebSocket that wants to take a session over: what its request says, and what it meets.

use siomio::Message;
use siomio_testkit::{
    http::Http,
    polling::Polling,
    ws::{Got, Ws},
};

use crate::{
    BAD_REQUEST, UPGRADE, assert_echoes, assert_gone, echo, open, served, status_and_text,
};

/// Returns when everything that was sent to the session's shard before has been worked on.
fn settle(session: &Polling) {
    let mut http = Http::connect(session.address);
    http.request("PUT", &session.target, &[], b"");
    assert_eq!(http.response().status, 500);
}

#[test]
fn whether_binary_goes_as_text_is_said_by_each_request_for_itself() {
    echo(|address| {
        for (first, second, expected) in [
            ("", "", Got::Binary(vec![1, 2])),
            ("&b64=1", "", Got::Binary(vec![1, 2])),
            ("&b64=1", "&b64=", Got::Binary(vec![1, 2])),
            ("", "&b64=1", Got::Text("bAQI=".to_owned())),
            ("", "&b64=0", Got::Text("bAQI=".to_owned())),
        ] {
            let target = format!("{}{first}", crate::POLLING);
            let packet = Http::connect(address).get(&target).text().to_owned();
            // The session's own requests say nothing about it.
            let session = Polling::opened(address, crate::POLLING, &packet);
            let mut ws = Ws::connect(address, &format!("{}{second}", session.upgrade_target()));
            ws.send_all(["2probe", "5"]);
            assert_eq!(ws.text(), "3probe");
            ws.send_binary(&[1, 2]);
            assert_eq!(ws.next(), expected, "{first:?}, then {second:?}");
        }
    });
}

#[test]
fn a_handshake_that_is_no_websocket_leaves_the_session_as_it_is() {
    echo(|address| {
        let session = open(address);
        for (place, header, version) in [
            (2, ("Sec-WebSocket-Key", "short"), None),
            (3, ("Sec-WebSocket-Version", "12"), Some("13, 8")),
        ] {
            let mut headers = UPGRADE;
            headers[place] = header;
            let mut http = Http::connect(address);
            http.request("GET", &session.upgrade_target(), &headers, b"");
            let response = http.response();
            assert_eq!((response.status, response.header("sec-websocket-version")), (400, version));
            assert!(http.is_closed());
        }
        assert_echoes(&session);
        let mut ws = session.upgrade();
        ws.send("4x");
        assert_eq!(ws.text(), "4x", "no place was taken");
    });
}

#[test]
fn a_close_that_a_waiting_get_takes_gives_the_upgrade_up() {
    served(
        |builder| {
            let server = builder.path("/engine.io").build_engine();
            server.on_message(|socket, message, _| {
                assert_eq!(message, Message::Text("close"));
                socket.close();
            });
            server
        },
        |address| {
            let session = open(address);
            let mut ws = session.channel();
            let mut get = session.start_get();
            settle(&session);
            session.send(&["4close"]);
            assert_eq!(status_and_text(&get.response()), (200, "1"));
            ws.expect_close(None);
            assert_gone(&session);
        },
    );
}

#[test]
fn a_post_that_is_still_on_its_way_when_the_session_moves_is_refused() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let head = format!("POST {} HTTP/1.1\r\nHost: x\r\n", session.target);
        http.send(head + "Content-Length: 6\r\n\r\n4lo");
        settle(&session);
        let mut ws = session.upgrade();
        assert_eq!(status_and_text(&http.response()), (400, ""));
        http.send("st4");
        assert_eq!(status_and_text(&http.get(&session.target)), (400, BAD_REQUEST));
        ws.send("4x");
        assert_eq!(ws.text(), "4x", "nothing of it was taken");
    });
}
