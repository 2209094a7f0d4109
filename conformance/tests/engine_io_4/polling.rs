//! Payloads and their requests: what may stand in them, and what becomes of what may not.

use siomio::ServerBuilder;
use siomio_testkit::{http::Http, polling::Polling};

use crate::{assert_echoes, assert_gone, echo, echo_with, open, status_and_text};

/// A POST with headers of your own, in front of a body as it is.
fn post(session: &Polling, headers: &str, body: &[u8]) -> Http {
    let mut http = Http::connect(session.address);
    let head = format!("POST {} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n", session.target);
    http.send([head.as_bytes(), body].concat());
    http
}

#[test]
fn an_accepted_post_is_answered_ok() {
    echo(|address| {
        let session = open(address);
        let response = session.post("4x");
        assert_eq!(status_and_text(&response), (200, "ok"));
        assert!(response.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
        assert_eq!(response.header("content-length"), Some("2"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let response = session.get();
        assert_eq!(status_and_text(&response), (200, "4x"));
        assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
    });
}

#[test]
fn payloads_come_back_as_they_should() {
    echo(|address| {
        let session = open(address);
        for (sent, got) in [
            ("4", "4"),
            ("4hello\u{1e}3\u{1e}bAQIDBA==", "4hello\u{1e}bAQIDBA=="),
            ("4€\u{1e}4😀 \u{fffd}\u{feff}", "4€\u{1e}4😀 \u{fffd}\u{feff}"),
            ("4\0\u{1}\r\n\t4\u{7f}", "4\0\u{1}\r\n\t4\u{7f}"),
            ("b", "b"),
            ("bAQ==", "bAQ=="),
            // Base64 is read with forgiveness and written properly.
            ("bAQ", "bAQ=="),
            ("b-_8=", "b+/8="),
            ("bAQI D!BA==", "bAQIDBA=="),
            // These mean nothing to a session that polls, and do no harm.
            ("0\u{1e}4x", "4x"),
            ("0{\"sid\":\"x\"}\u{1e}4x", "4x"),
            ("3\u{1e}3probe\u{1e}4x", "4x"),
            ("5\u{1e}4x", "4x"),
            ("6\u{1e}4x\u{1e}6", "4x"),
        ] {
            assert_eq!(status_and_text(&session.post(sent)), (200, "ok"), "{sent:?}");
            assert_eq!(status_and_text(&session.get()), (200, got), "{sent:?}");
        }
    });
}

#[test]
fn a_body_that_is_not_utf8_is_read_with_replacements() {
    echo(|address| {
        let session = open(address);
        assert_eq!(session.post(b"4a\xffb\xf0\x9f\x98").status, 200);
        session.expect("4a\u{fffd}b\u{fffd}");
    });
}

#[test]
fn the_content_type_of_a_post_does_not_matter_unless_it_is_binary() {
    echo(|address| {
        let session = open(address);
        for content_type in [
            "Content-Type: application/json\r\n",
            "Content-Type: application/octet-stream; charset=x\r\n",
            "Content-Type: Application/Octet-Stream\r\n",
            "Content-Type: application/x-www-form-urlencoded\r\n",
            "Content-Type:\r\n",
            "",
        ] {
            let headers = format!("{content_type}Content-Length: 2\r\n");
            assert_eq!(status_and_text(&post(&session, &headers, b"4x").response()), (200, "ok"));
            session.expect("4x");
        }
        let headers = "Content-Type: application/octet-stream\r\nContent-Length: 2\r\n";
        let response = post(&session, headers, b"4x").response();
        assert_eq!(status_and_text(&response), (400, ""));
        assert_gone(&session);
    });
}

#[test]
fn a_payload_that_breaks_off_ends_the_session() {
    echo(|address| {
        for body in
            ["", "\u{1e}", "4a\u{1e}", "\u{1e}4a", "4a\u{1e}\u{1e}4b", "7", "abc", "x\u{1e}4"]
        {
            let session = open(address);
            assert_eq!(status_and_text(&session.post(body)), (200, "ok"), "{body:?}");
            assert_gone(&session);
        }
    });
}

#[test]
fn a_waiting_get_takes_the_good_beginning_of_a_broken_payload_and_the_end() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        assert_eq!(status_and_text(&session.post("4a\u{1e}xx\u{1e}4b")), (200, "ok"));
        assert_eq!(status_and_text(&get.response()), (200, "4a\u{1e}1"));
        assert_gone(&session);
    });
}

#[test]
fn binary_comes_as_base64_whatever_the_session_asked_for() {
    echo(|address| {
        for b64 in ["", "&b64=1"] {
            let mut session = open(address);
            session.target.push_str(b64);
            session.send(&["b/+8="]);
            session.expect("b/+8=");
        }
    });
}

#[test]
fn a_body_may_come_in_chunks() {
    echo(|address| {
        let session = open(address);
        let mut body = Vec::new();
        for byte in "4€😀\u{1e}bAQIDBA==".bytes() {
            body.extend_from_slice(&[b'1', b'\r', b'\n', byte, b'\r', b'\n']);
        }
        body.extend_from_slice(b"0;last=yes\r\nX-Trailer: x\r\n\r\n");
        let mut http = post(&session, "Transfer-Encoding: chunked\r\n", &body);
        assert_eq!(status_and_text(&http.response()), (200, "ok"));
        assert_eq!(http.get(&session.target).text(), "4€😀\u{1e}bAQIDBA==");
    });
}

#[test]
fn a_request_may_come_byte_by_byte() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let body = "4€\u{1e}4b";
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
            session.target,
            body.len()
        );
        for byte in request.bytes() {
            http.send([byte]);
        }
        assert_eq!(status_and_text(&http.response()), (200, "ok"));
        session.expect(body);
    });
}

#[test]
fn a_client_that_waits_for_leave_gets_it() {
    echo(|address| {
        let session = open(address);
        let mut http = post(&session, "Content-Length: 2\r\nExpect: 100-continue\r\n", b"");
        assert_eq!(http.response().status, 100);
        http.send("4x");
        assert_eq!(status_and_text(&http.response()), (200, "ok"));
        session.expect("4x");
    });
}

#[test]
fn nobody_gets_leave_for_a_request_that_is_refused_anyway() {
    echo(|address| {
        let mut session = open(address);
        session.target.push_str("xxx");
        let mut http = post(&session, "Content-Length: 2\r\nExpect: 100-continue\r\n", b"");
        assert_eq!(http.response().status, 400);
    });
}

fn at_most_100(builder: ServerBuilder) -> ServerBuilder {
    builder.max_payload(100)
}

#[test]
fn a_body_of_exactly_the_limit_is_fine() {
    echo_with(at_most_100, |address| {
        let session = open(address);
        let message = format!("4{}", "x".repeat(99));
        session.send(&[&message]);
        session.expect(&message);
    });
}

#[test]
fn a_body_beyond_the_limit_is_refused_and_the_session_goes_on() {
    echo_with(at_most_100, |address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let body = format!("4a\u{1e}4{}", "x".repeat(97));
        assert_eq!(body.len(), 101);
        let response = http.post(&session.target, &body);
        assert_eq!(status_and_text(&response), (413, ""));
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(http.post(&session.target, "4b").text(), "ok", "the connection is still good");
        assert_eq!(http.get(&session.target).text(), "4b", "nothing of it was taken");
    });
}

#[test]
fn chunks_count_towards_the_limit() {
    echo_with(at_most_100, |address| {
        let session = open(address);
        let chunk = format!("14\r\n{}\r\n", "4".repeat(20));
        let mut http = post(&session, "Transfer-Encoding: chunked\r\n", chunk.repeat(6).as_bytes());
        assert_eq!(http.response().status, 413);
        http.send("0\r\n\r\n");
        assert_eq!(http.post(&session.target, "4b").text(), "ok");
        session.expect("4b");
    });
}

#[test]
fn the_refusal_comes_with_the_byte_that_is_too_many() {
    echo_with(at_most_100, |address| {
        let session = open(address);
        let mut http = post(&session, "Content-Length: 5000\r\n", &[b'4'; 100]);
        // When this is answered, what was sent before it has been worked on.
        let mut other = Http::connect(address);
        other.request("PUT", &session.target, &[], b"");
        assert_eq!(other.response().status, 500);
        assert!(http.is_quiet_for(std::time::Duration::from_millis(1)), "100 bytes are fine");
        http.send("4");
        assert_eq!(http.response().status, 413);
        // The rest is on its way; another POST may come meanwhile.
        session.send(&["4b"]);
        drop(http);
        session.expect("4b");
        assert_echoes(&session);
    });
}

#[test]
fn the_rest_of_a_refused_body_is_read_away() {
    echo_with(at_most_100, |address| {
        let session = open(address);
        let mut http = post(&session, "Content-Length: 500000\r\n", &vec![b'4'; 500_000]);
        assert_eq!(http.response().status, 413);
        assert_eq!(http.post(&session.target, "4b").text(), "ok");
        assert_eq!(http.get(&session.target).text(), "4b");
    });
}

#[test]
fn large_payloads_arrive_whole() {
    echo(|address| {
        let session = open(address);
        let message: String = (0..90_000).map(|n| format!("{n:010},")).collect();
        let message = format!("4{message}");
        assert!(message.len() > 980_000 && message.len() <= 1_000_000);
        session.send(&[&message]);
        assert!(session.receive() == [message.as_str()], "a large message was damaged");
    });
}
