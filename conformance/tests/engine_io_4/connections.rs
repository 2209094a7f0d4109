//! How the requests of a session may share connections, and how they get in each other's way.

use siomio_testkit::http::Http;

use crate::{POLLING, assert_echoes, assert_gone, echo, open, status_and_text};

/// A request as bytes, for sending several in one piece.
fn request(method: &str, target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Returns when everything that was sent to the session's shard before has been worked on.
fn wait_for_shard(session: &siomio_testkit::polling::Polling) {
    let mut http = Http::connect(session.address);
    http.request("PUT", &session.target, &[], b"");
    assert_eq!(http.response().status, 500);
}

#[test]
fn a_waiting_get_does_not_hold_up_a_post_behind_it() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let get = request("GET", &session.target, "");
        http.send(get.clone() + &request("POST", &session.target, "4x"));
        assert_eq!(status_and_text(&http.response()), (200, "4x"));
        assert_eq!(status_and_text(&http.response()), (200, "ok"));
        // The same, one after the other.
        http.send(get);
        wait_for_shard(&session);
        http.send(request("POST", &session.target, "4y"));
        assert_eq!(status_and_text(&http.response()), (200, "4y"));
        assert_eq!(status_and_text(&http.response()), (200, "ok"));
    });
}

#[test]
fn more_requests_than_anybody_needs_may_be_on_their_way() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let posts = (0..300).map(|n| request("POST", &session.target, &format!("4{n}")));
        http.send(request("GET", &session.target, "") + &posts.collect::<String>());
        let mut got: Vec<String> =
            http.response().text().split('\u{1e}').map(str::to_owned).collect();
        for _ in 0..300 {
            assert_eq!(status_and_text(&http.response()), (200, "ok"));
        }
        while got.len() < 300 {
            got.extend(session.receive());
        }
        assert_eq!(got, (0..300).map(|n| format!("4{n}")).collect::<Vec<_>>());
    });
}

#[test]
fn every_request_may_use_a_connection_of_its_own_and_end_it() {
    echo(|address| {
        let close = [("Connection", "close")];
        let ask = |method: &str, target: &str, body: &str| {
            let mut http = Http::connect(address);
            http.request(method, target, &close, body.as_bytes());
            let response = http.response();
            assert_eq!(response.status, 200);
            assert_eq!(response.header("connection"), Some("close"));
            assert!(http.is_closed());
            response.text().to_owned()
        };
        let open = siomio_testkit::polling::handshake(&ask("GET", POLLING, ""));
        let target = format!("{POLLING}&sid={}", open["sid"].as_str().expect("an id"));
        assert_eq!(ask("POST", &target, "4x"), "ok");
        assert_eq!(ask("GET", &target, ""), "4x");
    });
}

#[test]
fn a_waiting_get_that_ends_its_connection_does_so_when_it_is_answered() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        http.request("GET", &session.target, &[("Connection", "close")], b"");
        wait_for_shard(&session);
        session.send(&["4x"]);
        assert_eq!(http.response().text(), "4x");
        assert!(http.is_closed());
        assert_echoes(&session);
    });
}

#[test]
fn http_1_0_clients_poll_too() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        http.send(format!("POST {} HTTP/1.0\r\nContent-Length: 2\r\n\r\n4x", session.target));
        assert_eq!(http.response().text(), "ok");
        assert!(http.is_closed());
        let mut http = Http::connect(address);
        http.send(format!("GET {} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", session.target));
        let response = http.response();
        assert_eq!((response.text(), response.header("connection")), ("4x", Some("keep-alive")));
        assert_eq!(http.post(&session.target, "4y").text(), "ok");
    });
}

#[test]
fn a_second_get_ends_the_session_also_behind_the_first() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        http.send(request("GET", &session.target, "").repeat(2));
        assert_eq!(status_and_text(&http.response()), (200, "1"));
        assert_eq!(status_and_text(&http.response()), (400, ""));
        assert_eq!(http.get(&session.target).text(), crate::UNKNOWN_SID);
    });
}

#[test]
fn a_second_post_beside_an_unfinished_one_ends_the_session() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        let mut first = Http::connect(address);
        let whole = request("POST", &session.target, "4first");
        first.send(&whole[..whole.len() - 2]);
        assert_eq!(status_and_text(&session.post("4second")), (400, ""));
        assert!(first.is_closed(), "its connection is ended without a word");
        assert_eq!(status_and_text(&get.response()), (200, "1"));
        assert_gone(&session);
    });
}

#[test]
fn a_get_and_an_unfinished_post_do_not_disturb_each_other() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let whole = request("POST", &session.target, "4slow");
        http.send(&whole[..whole.len() - 2]);
        let mut get = session.start_get();
        wait_for_shard(&session);
        http.send(&whole[whole.len() - 2..]);
        assert_eq!(get.response().text(), "4slow");
        assert_eq!(http.response().text(), "ok");
        assert_echoes(&session);
    });
}

#[test]
fn a_waiting_get_whose_client_leaves_ends_the_session() {
    let leave: [fn(Http); 3] = [drop, Http::reset, |http| {
        // Half an end is an end; the other half may stay.
        http.shutdown_write();
        std::mem::forget(http);
    }];
    echo(|address| {
        for leave in leave {
            let session = open(address);
            let get = session.start_get();
            wait_for_shard(&session);
            leave(get);
            assert_gone(&session);
        }
    });
}

#[test]
fn the_same_with_requests_behind_the_get() {
    echo(|address| {
        for leave in [drop, Http::reset] {
            let session = open(address);
            let mut http = Http::connect(address);
            let behind = request("PUT", &session.target, "");
            http.send(request("GET", &session.target, "") + &behind.repeat(10));
            wait_for_shard(&session);
            leave(http);
            assert_gone(&session);
        }
    });
}

#[test]
fn a_post_whose_client_leaves_halfway_ends_the_session() {
    for leave in [drop, Http::reset] {
        echo(|address| {
            let session = open(address);
            let mut http = Http::connect(address);
            let whole = request("POST", &session.target, "4x");
            http.send(&whole[..whole.len() - 1]);
            wait_for_shard(&session);
            leave(http);
            assert_gone(&session);
        });
    }
}

#[test]
fn a_connection_that_ends_between_requests_leaves_the_session_alone() {
    for leave in [drop, Http::reset] {
        echo(|address| {
            let session = open(address);
            let mut http = Http::connect(address);
            assert_eq!(http.post(&session.target, "4x").text(), "ok");
            assert_eq!(http.get(&session.target).text(), "4x");
            // The beginning of a head belongs to nobody yet.
            http.send(format!("GET {} HTT", session.target));
            leave(http);
            wait_for_shard(&session);
            assert_echoes(&session);
        });
    }
}

#[test]
fn what_is_no_http_is_refused_and_concerns_nobody_else() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        for (bytes, status) in [
            ("nonsense\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                400,
            ),
        ] {
            let mut http = Http::connect(address);
            http.send(bytes);
            assert_eq!(http.response().status, status, "{bytes:?}");
            assert!(http.is_closed(), "{bytes:?}");
        }
        session.send(&["4x"]);
        assert_eq!(get.response().text(), "4x");
    });
}

#[test]
fn a_head_that_does_not_end_is_refused() {
    echo(|address| {
        let mut http = Http::connect(address);
        http.send(format!(
            "GET {POLLING} HTTP/1.1\r\nHost: x\r\nX-Long: {}",
            "x".repeat(16 * 1024)
        ));
        assert_eq!(http.response().status, 431);
        assert!(http.is_closed());
        let mut http = Http::connect(address);
        http.send(format!("GET {POLLING}&t={}", "x".repeat(16 * 1024)));
        assert_eq!(http.response().status, 414);
        assert!(http.is_closed());
    });
}
