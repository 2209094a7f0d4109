//! The end of a session: announced by the server, by the client, or by nobody.

use std::net::SocketAddr;

use siomio::{EngineServer, Message, ServerBuilder};
use siomio_testkit::{
    http::Http,
    ws::{Got, Ws},
};

use crate::{
    PATH, assert_echoes, assert_gone, common, common::Client, echo, open, open_ws, status_and_text,
};

/// An echo server that closes the session of whoever says `close`.
fn closing_server(builder: ServerBuilder) -> EngineServer {
    let server = builder.path("/engine.io").build_engine();
    server.on_message(|socket, message, _| match message {
        Message::Text("close") => socket.close(),
        message => drop(socket.send(message)),
    });
    server
}

fn closing(test: impl Fn(SocketAddr)) {
    common::for_shards(|builder| closing_server(builder).bind("127.0.0.1:0"), test);
}

#[test]
fn the_server_closes_and_a_waiting_get_hears_of_it() {
    closing(|address| {
        let session = open(address);
        let mut get = session.start_get();
        session.send(&["4close"]);
        assert_eq!(status_and_text(&get.response()), (200, "1"));
        assert_gone(&session);
    });
}

#[test]
fn the_server_closes_and_the_next_get_hears_of_it() {
    closing(|address| {
        let session = open(address);
        session.send(&["4close"]);
        session.expect("6\u{1e}1");
        assert_gone(&session);
    });
}

#[test]
fn what_was_sent_before_the_close_still_arrives_and_nothing_that_comes_after() {
    closing(|address| {
        Client::on_both(address, PATH, |mut client| {
            client.send(&["4a", "bAQID", "4close"]);
            client.expect(&["4a", "bAQID"]);
            client.expect_close();
            let mut client = Client::polling(address, PATH);
            client.send(&["4a", "4close", "4b"]);
            client.expect(&["4a"]);
            client.expect_close();
        });
    });
}

#[test]
fn a_closing_session_still_takes_and_ignores_a_post() {
    closing(|address| {
        let mut client = Client::polling(address, PATH);
        client.send(&["4a", "4close"]);
        client.send(&["4b"]);
        client.expect(&["4a"]);
        client.expect_close();
    });
}

#[test]
fn the_server_closes_during_an_upgrade_which_completes_first() {
    closing(|address| {
        let session = open(address);
        let mut ws = session.probe();
        session.send(&["4a", "4close"]);
        ws.send("5");
        assert_eq!(ws.text(), "4a");
        ws.expect_close(None);
        assert_gone(&session);
    });
}

#[test]
fn the_server_closes_a_websocket_with_an_empty_close_frame() {
    closing(|address| {
        let mut ws = open_ws(address);
        ws.send("4bye");
        assert_eq!(ws.take_raw(6), b"\x81\x04\x34bye");
        ws.send("4close");
        assert_eq!(ws.take_raw(2), [0x88, 0x00]);
        // The connection ends when the client has agreed, and not before.
        ws.send("4nobody hears this");
        ws.close(None);
        assert_eq!(ws.next(), Got::End);
    });
}

#[test]
fn the_client_closes_and_its_waiting_get_comes_back_empty() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        session.send(&["1"]);
        assert_eq!(status_and_text(&get.response()), (200, "6"));
        assert_gone(&session);
    });
}

#[test]
fn the_client_closes_and_its_waiting_get_takes_what_was_said_before() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        let mut http = Http::connect(address);
        http.request("PUT", &session.target, &[], b"");
        assert_eq!(http.response().status, 500, "the GET waits");
        session.send(&["4a", "bAQID", "1", "4b"]);
        assert_eq!(status_and_text(&get.response()), (200, "4a\u{1e}bAQID"));
        assert_gone(&session);
    });
}

#[test]
fn the_client_closes_and_nobody_waits() {
    echo(|address| {
        for payload in ["1", "1\u{1e}4b", "4a\u{1e}1\u{1e}xx", "1\u{1e}2"] {
            let session = open(address);
            assert_eq!(status_and_text(&session.post(payload)), (200, "ok"), "{payload:?}");
            assert_gone(&session);
            assert_eq!(session.post("4x").status, 400);
        }
    });
}

/// Whether the session of a WebSocket is gone, seen by somebody who knows its id.
fn is_known(address: SocketAddr, sid: &str) -> bool {
    let target = format!("{}&sid={sid}", crate::WEBSOCKET);
    match Ws::try_connect(address, &target) {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(status_and_text(&refusal), (400, "Session ID unknown"));
            false
        }
    }
}

#[test]
fn a_close_frame_is_answered_in_kind_and_ends_the_session() {
    echo(|address| {
        for (code, answer) in [
            (Some(1000), &b"\x88\x02\x03\xe8"[..]),
            (Some(4000), b"\x88\x02\x0f\xa0"),
            (None, b"\x88\x00"),
        ] {
            let client = Client::websocket(address, PATH);
            let sid = client.sid().to_owned();
            let Client::WebSocket { mut ws, .. } = client else { unreachable!() };
            assert!(is_known(address, &sid));
            ws.close(code);
            assert_eq!(ws.take_raw(answer.len()), answer, "{code:?}");
            assert_eq!(ws.next(), Got::End);
            assert!(!is_known(address, &sid));
        }
    });
}

#[test]
fn a_websocket_that_ends_without_a_word_ends_the_session() {
    echo(|address| {
        let client = Client::websocket(address, PATH);
        let sid = client.sid().to_owned();
        drop(client);
        assert!(!is_known(address, &sid));
    });
}

#[test]
fn a_websocket_that_says_goodbye_in_the_language_of_the_engine_is_closed_at_once() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.send_all(["4a", "1", "4b"]);
        assert_eq!(ws.text(), "4a");
        ws.expect_close(None);
    });
}

#[test]
fn sessions_end_alone() {
    closing(|address| {
        let (one, two) = (open(address), open(address));
        let mut get = two.start_get();
        one.send(&["4close"]);
        let mut ws = open_ws(address);
        ws.send("4close");
        ws.expect_close(None);
        two.send(&["4x"]);
        assert_eq!(get.response().text(), "4x");
        one.expect("6\u{1e}1");
        assert_eq!(Http::connect(address).get(crate::POLLING).status, 200);
    });
}

#[test]
fn a_goodbye_with_which_the_connection_ends_is_answered_at_once_whatever_is_behind_it() {
    echo(|address| {
        let other = open(address);
        let upgrade = format!(
            "GET {} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            other.upgrade_target()
        );
        let refused = format!("GET {}x HTTP/1.1\r\nHost: x\r\n\r\n", other.target);
        for behind in ["", &*upgrade, &refused] {
            let session = open(address);
            let mut http = Http::connect(address);
            let target = &session.target;
            http.send(format!(
                "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1{behind}"
            ));
            http.shutdown_write();
            assert_eq!(http.response().text(), "ok");
            while http.try_response().is_some_and(|response| response.status != 101) {}
            assert_gone(&session);
        }
        assert_echoes(&other);
    });
}

#[test]
fn a_poll_with_which_the_connection_ends_holds_nothing_up_behind_it() {
    echo(|address| {
        for kind in ["upgrade", "page"] {
            let session = open(address);
            let other = open(address);
            let behind = match kind {
                "upgrade" => format!(
                    "GET {} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                    other.upgrade_target()
                ),
                _ => "GET /page HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            };
            let mut http = Http::connect(address);
            http.send(format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n{behind}", session.target));
            http.shutdown_write();
            while http.try_response().is_some_and(|response| response.status != 101) {}
            assert_gone(&session);
        }
    });
}
