//! Who may open a session: `allow_request`, answered at once or later.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use siomio::Decision;
use siomio_conformance::eio_echo;
use siomio_testkit::{PATIENCE, http::Http, polling::Polling, ws::Ws};

use crate::{
    POLLING, UPGRADE, WEBSOCKET, assert_echoes, echo_with, open, open_ws, served, status_and_text,
};

const DENIED: &str = r#"{"code":4,"message":"denied"}"#;
const FORBIDDEN: &str = r#"{"code":4,"message":"Forbidden"}"#;

/// Runs a test against a server whose decisions are the test's.
fn later(test: impl Fn(SocketAddr, &mpsc::Receiver<Decision>)) {
    let questions = Mutex::new(None);
    served(
        |builder| {
            let (ask, asked) = mpsc::channel();
            *questions.lock().expect("nobody panics") = Some(asked);
            let ask = Mutex::new(ask);
            eio_echo::server(builder.allow_request(move |_, decision| {
                // The test may be over.
                let _ = ask.lock().expect("nobody panics").send(decision);
            }))
        },
        |address| {
            let asked = questions.lock().expect("nobody panics").take().expect("a server");
            test(address, &asked);
        },
    );
}

#[test]
fn a_refusal_is_403_on_polling_and_400_in_place_of_a_websocket() {
    echo_with(
        |builder| {
            builder.allow_request(|request, decision| match request.query("deny").as_deref() {
                Some("silently") => drop(decision),
                Some("panic") => panic!("on purpose"),
                Some(_) => decision.refuse("denied"),
                None => decision.allow(),
            })
        },
        |address| {
            for (how, body, text) in [
                ("yes", DENIED, "denied"),
                ("", DENIED, "denied"),
                ("silently", FORBIDDEN, "Forbidden"),
                ("panic", FORBIDDEN, "Forbidden"),
            ] {
                let mut http = Http::connect(address);
                let response = http.get(&format!("{POLLING}&deny={how}"));
                assert_eq!(status_and_text(&response), (403, body));
                assert_eq!(response.header("content-type"), Some("application/json"));
                assert_eq!(http.get(POLLING).status, 200, "the connection stays");

                let target = format!("{WEBSOCKET}&deny={how}");
                let response = Ws::try_connect(address, &target).expect_err("a refusal");
                assert_eq!(status_and_text(&response), (400, text));
                assert_eq!(response.header("content-type"), Some("text/html"));
                assert_eq!(response.header("connection"), Some("close"));
            }
            assert_echoes(&open(address));
            open_ws(address);
        },
    );
}

#[test]
fn only_what_would_open_a_session_is_asked_about() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    echo_with(
        move |builder| {
            let counter = counter.clone();
            builder.allow_request(move |_, decision| {
                counter.fetch_add(1, Ordering::SeqCst);
                decision.allow();
            })
        },
        |address| {
            count.store(0, Ordering::SeqCst);
            let session = open(address);
            assert_echoes(&session);
            session.upgrade();
            assert_eq!(count.load(Ordering::SeqCst), 1);
            for (method, target, code) in [
                ("GET", "/engine.io/?EIO=4&transport=abc", 0),
                ("GET", "/engine.io/?EIO=4&transport=polling&sid=abc", 1),
                ("POST", POLLING, 2),
                ("GET", WEBSOCKET, 3),
            ] {
                let mut http = Http::connect(address);
                http.request(method, target, &[], b"");
                let response = http.response();
                let beginning = format!(r#"{{"code":{code},"#);
                assert!(response.text().starts_with(&beginning), "{target}: {}", response.text());
            }
            assert_eq!(count.load(Ordering::SeqCst), 1);
            // The revision comes after it.
            let response = Http::connect(address).get("/engine.io/?EIO=3&transport=polling");
            assert!(response.text().starts_with(r#"{"code":5,"#));
            assert_eq!(count.load(Ordering::SeqCst), 2);
        },
    );
}

#[test]
fn an_answer_may_come_later_and_nobody_else_waits_for_it() {
    later(|address, asked| {
        let question = || asked.recv_timeout(PATIENCE).expect("the server asks");
        let mut slow = Http::connect(address);
        slow.request("GET", POLLING, &[], b"");
        let first = question();

        // Meanwhile another comes and goes, on either transport.
        for allow in [true, false] {
            let mut http = Http::connect(address);
            http.request("GET", POLLING, &[], b"");
            let decision = question();
            thread::spawn(move || if allow { decision.allow() } else { decision.refuse("denied") });
            assert_eq!(http.response().status, if allow { 200 } else { 403 });
        }
        let mut http = Http::connect(address);
        http.request("GET", WEBSOCKET, &UPGRADE, b"");
        question().allow();
        assert_eq!(http.response().status, 101);
        let mut ws = Ws::from_http(http);
        assert!(ws.text().starts_with("0{"));
        ws.send("4hello");
        assert_eq!(ws.text(), "4hello");

        assert!(slow.is_quiet_for(Duration::from_millis(20)));
        thread::spawn(move || first.allow());
        assert!(slow.response().text().starts_with("0{"));
    });
}

#[test]
fn what_comes_behind_a_question_is_read_when_it_is_answered() {
    later(|address, asked| {
        let mut http = Http::connect(address);
        // In one piece, and then another while the server waits for the answer.
        http.send(format!("GET {POLLING} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(2));
        let first = asked.recv_timeout(PATIENCE).expect("the server asks");
        http.send(format!(
            "GET {POLLING} HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
        assert!(http.is_quiet_for(Duration::from_millis(20)));
        assert!(asked.try_recv().is_err(), "one after the other");
        first.allow();
        asked.recv_timeout(PATIENCE).expect("the server asks").refuse("denied");
        asked.recv_timeout(PATIENCE).expect("the server asks").allow();
        let statuses = [(); 4].map(|()| http.response().status);
        assert_eq!(statuses, [200, 403, 200, 404]);
    });
}

#[test]
fn who_has_gone_meanwhile_is_not_missed() {
    // Nothing is opened for them: whoever is answered next finds itself alone.
    later(|address, asked| {
        for reset in [false, true] {
            let mut http = Http::connect(address);
            http.request("GET", POLLING, &[], b"");
            let decision = asked.recv_timeout(PATIENCE).expect("the server asks");
            if reset {
                http.reset()
            } else {
                drop(http)
            }
            decision.allow();
            // The server is well, and the answer opened nothing for somebody else.
            let mut http = Http::connect(address);
            http.request("GET", POLLING, &[], b"");
            asked.recv_timeout(PATIENCE).expect("the server asks").allow();
            assert_eq!(http.response().status, 200);
        }
    });
}

#[test]
fn a_poll_that_waits_on_the_same_connection_is_not_held_up() {
    later(|address, asked| {
        let mut http = Http::connect(address);
        http.request("GET", POLLING, &[], b"");
        asked.recv_timeout(PATIENCE).expect("the server asks").allow();
        let session = Polling::opened(address, POLLING, http.response().text());
        http.request("GET", &session.target, &[], b"");
        http.request("GET", POLLING, &[], b"");
        let decision = asked.recv_timeout(PATIENCE).expect("the server asks");
        session.send(&["4hello"]);
        assert_eq!(http.response().text(), "4hello");
        decision.refuse("denied");
        assert_eq!(http.response().status, 403);
    });
}

#[test]
fn a_question_that_nobody_answers_ends_in_503() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    echo_with(
        |builder| {
            let kept = kept.clone();
            builder.decision_timeout(Duration::from_millis(50)).allow_request(move |_, decision| {
                kept.lock().expect("nobody panics").push(decision);
            })
        },
        |address| {
            let mut http = Http::connect(address);
            http.request("GET", POLLING, &[], b"");
            let response = http.response();
            assert_eq!((response.status, response.header("connection")), (503, Some("close")));
            assert_eq!(response.header("access-control-allow-origin"), Some("*"));
            // Too late, and harmless.
            kept.lock().expect("nobody panics").drain(..).for_each(Decision::allow);
            assert_eq!(Http::connect(address).get("/x").status, 404);
        },
    );
}
