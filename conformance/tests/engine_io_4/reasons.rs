//! What the application is told about the end of a session, and about what came before.

use std::sync::{Mutex, mpsc};

use siomio::{CloseReason, Message, ServerBuilder};
use siomio_conformance::eio_echo;
use siomio_engine::TransportError;
use siomio_testkit::{PATIENCE, http::Http, polling::Polling, ws::Ws};

use crate::{
    common::{self, heartbeat},
    open, open_ws,
};

/// What the server's handlers see.
#[derive(Debug, PartialEq)]
enum Seen {
    Text(String),
    Closed(CloseReason),
}

/// Runs a test against the echo server and a log of what its handlers have seen.
fn watched(
    settings: impl Fn(ServerBuilder) -> ServerBuilder,
    test: impl Fn(std::net::SocketAddr, &mpsc::Receiver<Seen>),
) {
    let log = Mutex::new(None);
    let bind = |builder| {
        let server = eio_echo::server(settings(builder));
        let (tell, hear) = mpsc::channel();
        *log.lock().expect("nobody panics") = Some(hear);
        let told = tell.clone();
        server.on_message(move |_, message, _| {
            if let Message::Text(text) = message {
                // The test may be over.
                let _ = told.send(Seen::Text(text.to_owned()));
            }
        });
        server.on_close(move |_, reason| drop(tell.send(Seen::Closed(reason))));
        server.bind("127.0.0.1:0")
    };
    common::for_shards(bind, |address| {
        let hear = log.lock().expect("nobody panics").take().expect("a server was started");
        test(address, &hear);
    });
}

fn assert_seen(log: &mpsc::Receiver<Seen>, expected: &[Seen]) {
    for expected in expected {
        assert_eq!(log.recv_timeout(PATIENCE).as_ref(), Ok(expected));
    }
}

fn closed_by(log: &mpsc::Receiver<Seen>) -> CloseReason {
    match log.recv_timeout(PATIENCE) {
        Ok(Seen::Closed(reason)) => reason,
        other => panic!("{other:?} in place of the end"),
    }
}

const fn error(error: TransportError) -> CloseReason {
    CloseReason::TransportError(error)
}

#[test]
fn the_good_beginning_of_a_payload_is_delivered() {
    watched(
        |builder| builder,
        |address, log| {
            for (payload, texts, reason) in [
                ("4a\u{1e}4b\u{1e}xx\u{1e}4c", &["a", "b"][..], CloseReason::ParseError),
                ("4a\u{1e}", &["a"], CloseReason::ParseError),
                ("\u{1e}4a", &[], CloseReason::ParseError),
                ("", &[], CloseReason::ParseError),
                ("4a\u{1e}1\u{1e}4b", &["a"], CloseReason::TransportClose),
                ("4a\u{1e}2\u{1e}4b", &["a"], error(TransportError::HeartbeatDirection)),
            ] {
                assert_eq!(open(address).post(payload).text(), "ok");
                for text in texts {
                    assert_seen(log, &[Seen::Text((*text).to_owned())]);
                }
                assert_eq!(closed_by(log), reason, "{payload:?}");
            }
        },
    );
}

#[test]
fn every_end_of_a_polling_session_has_its_reason() {
    type Deed = fn(&Polling);
    let deeds: [(Deed, CloseReason); 6] = [
        (|session| drop(session.post("1")), CloseReason::TransportClose),
        (|session| drop(session.post("x")), CloseReason::ParseError),
        (
            |session| {
                let _first = session.start_get();
                drop(session.get());
            },
            error(TransportError::GetOverlap),
        ),
        (
            |session| {
                let mut first = Http::connect(session.address);
                let head = format!("POST {} HTTP/1.1\r\nHost: x\r\n", session.target);
                first.send(head + "Content-Length: 9\r\n\r\n4");
                drop(session.post("4x"));
            },
            error(TransportError::PostOverlap),
        ),
        (
            |session| {
                let mut http = Http::connect(session.address);
                let head = format!("POST {} HTTP/1.1\r\nHost: x\r\n", session.target);
                http.send(head + "Content-Length: 9\r\n\r\n4");
            },
            error(TransportError::PostAborted),
        ),
        (
            |session| {
                let mut http = Http::connect(session.address);
                let headers = [("Content-Type", "application/octet-stream")];
                http.request("POST", &session.target, &headers, b"4x");
                assert_eq!(http.response().status, 400);
            },
            error(TransportError::InvalidContent),
        ),
    ];
    watched(
        |builder| builder,
        |address, log| {
            for (deed, reason) in &deeds {
                deed(&open(address));
                assert_eq!(closed_by(log), *reason);
            }
            drop(open(address).start_get());
            assert_eq!(closed_by(log), error(TransportError::GetAborted));
        },
    );
}

#[test]
fn every_end_of_a_websocket_has_its_reason() {
    type Deed = fn(&mut Ws);
    let deeds: [(Deed, CloseReason); 8] = [
        (|ws| ws.send("1"), CloseReason::TransportClose),
        (|ws| ws.close(Some(1001)), CloseReason::TransportClose),
        (|ws| ws.send("x"), CloseReason::ParseError),
        (|ws| ws.send("2"), error(TransportError::HeartbeatDirection)),
        // A frame with a reserved bit, and text that is none.
        (|ws| ws.raw(b"\xc1\x80\0\0\0\0"), error(TransportError::WebSocket)),
        (|ws| ws.raw(b"\x81\x81\0\0\0\0\xff"), error(TransportError::WebSocket)),
        // No mask, and more than is allowed.
        (|ws| ws.raw(b"\x81\x024x"), error(TransportError::WebSocket)),
        (|ws| ws.raw(b"\x82\xff\0\0\0\0\0\x0f\x42\x41\0\0\0\0"), error(TransportError::WebSocket)),
    ];
    watched(
        |builder| builder,
        |address, log| {
            for (deed, reason) in &deeds {
                let mut ws = open_ws(address);
                deed(&mut ws);
                assert_eq!(closed_by(log), *reason);
            }
            drop(open_ws(address));
            assert_eq!(closed_by(log), CloseReason::TransportClose);
        },
    );
}

#[test]
fn silence_has_a_reason_of_its_own_on_either_transport() {
    watched(heartbeat(50, 100), |address, log| {
        let session = open(address);
        assert_eq!(closed_by(log), CloseReason::PingTimeout);
        crate::assert_gone(&session);
        let ws = open_ws(address);
        assert_eq!(closed_by(log), CloseReason::PingTimeout);
        drop(ws);
    });
}

#[test]
fn an_upgrade_loses_and_reorders_nothing() {
    watched(
        |builder| builder,
        |address, log| {
            let session = open(address);
            session.send(&["40", "41"]);
            let mut ws = session.probe();
            session.send(&["42", "43"]);
            ws.send_all(["5", "44", "45"]);
            ws.send("1");
            let texts: Vec<_> = (0..6).map(|n: u8| Seen::Text(n.to_string())).collect();
            assert_seen(log, &texts);
            assert_eq!(closed_by(log), CloseReason::TransportClose);
        },
    );
}
