//! Session ids of the application's own making.

use std::sync::atomic::{AtomicUsize, Ordering};

use siomio_testkit::{
    http::Http,
    polling::{Polling, handshake},
};

use crate::{BAD_REQUEST, POLLING, assert_echoes, assert_gone, echo_with, served, status_and_text};

/// A session on an id that may need escaping in a query.
fn session(address: std::net::SocketAddr, wanted: &str) -> Polling {
    let response = Http::connect(address).get(&format!("{POLLING}&id={wanted}"));
    assert_eq!(response.status, 200, "{response:?}");
    let sid = handshake(response.text())["sid"].as_str().expect("an id").to_owned();
    Polling { address, target: format!("{POLLING}&sid={wanted}"), sid }
}

#[test]
fn any_text_can_be_an_id_and_any_shard_finds_it() {
    echo_with(
        |builder| {
            builder.generate_id(|request| Ok(request.query("id").unwrap_or_default().into_owned()))
        },
        |address| {
            for (wanted, sid) in [
                ("a", "a"),
                ("AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA"),
                ("room%207%2F%22x%22%5C", "room 7/\"x\"\\"),
                ("%C3%A4%F0%9F%98%80", "ä😀"),
            ] {
                let session = session(address, wanted);
                assert_eq!(session.sid, sid);
                // Each request on a connection of its own, which lands wherever it lands.
                for _ in 0..8 {
                    assert_echoes(&session);
                }
                let mut ws = session.upgrade();
                ws.send("4hello");
                assert_eq!(ws.text(), "4hello");
            }
        },
    );
}

#[test]
fn an_id_is_given_once_and_free_again_when_its_session_is_over() {
    echo_with(
        |builder| {
            builder.generate_id(|request| {
                let id = request.query("id").ok_or("no id")?;
                if id == "panic" { panic!("on purpose") } else { Ok(id.into_owned()) }
            })
        },
        |address| {
            let first = session(address, "one");
            let again = || Http::connect(address).get(&format!("{POLLING}&id=one"));
            assert_eq!(status_and_text(&again()), (400, BAD_REQUEST), "it is taken");
            for bad in ["&id=", "", "&id=panic", &format!("&id={}", "x".repeat(256))] {
                let response = Http::connect(address).get(&format!("{POLLING}{bad}"));
                assert_eq!(status_and_text(&response), (400, BAD_REQUEST), "{bad}");
            }
            assert_echoes(&first);
            first.send(&["1"]);
            assert_gone(&first);
            assert_echoes(&session(address, "one"));
            // A WebSocket that cannot be one does not keep the id either.
            let mut http = Http::connect(address);
            let target = "/engine.io/?EIO=4&transport=websocket&id=two";
            http.request(
                "GET",
                target,
                &[("Connection", "Upgrade"), ("Upgrade", "websocket")],
                b"",
            );
            assert_eq!(http.response().status, 400);
            assert_echoes(&session(address, "two"));
        },
    );
}

#[test]
fn sessions_are_counted_on_all_shards() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    served(
        |builder| {
            let server = siomio_conformance::eio_echo::server(builder);
            let engine = server.engine();
            server.on_message(move |_, _, _| COUNT.store(engine.clients_count(), Ordering::SeqCst));
            server
        },
        |address| {
            let sessions: Vec<_> = (0..8).map(|_| crate::open(address)).collect();
            sessions[0].send(&["4x"]);
            assert_eq!(COUNT.load(Ordering::SeqCst), 8);
            for session in &sessions[1..] {
                session.send(&["1"]);
                assert_gone(session);
            }
            sessions[0].send(&["4x"]);
            assert_eq!(COUNT.load(Ordering::SeqCst), 1);
        },
    );
}
