//! What a connection is for after a request, and what a response looks like.

use siomio_testkit::http::{Http, Response};

use crate::{POLLING, SMUGGLED, assert_last, settle, site, status_and_text};

/// Version, header lines, and whether the connection stays.
const PERSISTENCE: &[(&str, &str, bool)] = &[
    ("1.1", "", true),
    ("1.1", "Connection: keep-alive\r\n", true),
    ("1.1", "Connection: Keep-Alive, X\r\n", true),
    ("1.1", "Connection: close\r\n", false),
    ("1.1", "CONNECTION: Close\r\n", false),
    ("1.1", "Connection: x,close\r\n", false),
    ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
    ("1.1", "Connection: close\r\nConnection: keep-alive\r\n", false),
    ("1.1", "Connection: closed\r\n", true),
    ("1.1", "Proxy-Connection: close\r\n", true),
    ("1.0", "", false),
    ("1.0", "Connection: keep-alive\r\n", true),
    ("1.0", "Connection: KEEP-ALIVE\r\n", true),
    ("1.0", "Connection: x\r\n", false),
    ("1.0", "Connection: keep-alive, close\r\n", false),
];

#[test]
fn a_connection_stays_if_both_sides_want_it() {
    site(|site| {
        for target in ["/page", POLLING, "/engine.io/"] {
            for &(version, lines, stays) in PERSISTENCE {
                let what = format!("{target} {version} {lines}");
                let mut http =
                    site.send(format!("GET {target} HTTP/{version}\r\nHost: x\r\n{lines}\r\n"));
                let response = http.response();
                let expected = match (stays, version) {
                    (false, _) => Some("close"),
                    (true, "1.0") => Some("keep-alive"),
                    (true, _) => None,
                };
                assert_eq!(response.header("connection"), expected, "{what}");
                if stays {
                    assert_eq!(http.get("/next").text(), "GET /next 0", "{what}");
                } else {
                    assert!(http.is_closed(), "{what}");
                }
            }
        }
    });
}

/// A date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn is_date(value: &str) -> bool {
    let shape: String = value
        .chars()
        .map(|char| match char {
            '0'..='9' => '0',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            other => other,
        })
        .collect();
    shape == "Aaa, 00 Aaa 0000 00:00:00 AAA"
}

#[test]
fn every_response_has_its_length_and_its_date_once() {
    site(|site| {
        let mut http = site.connect();
        let count = |response: &Response, name: &str| {
            response.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).count()
        };
        for target in ["/page", POLLING, "/engine.io/", "/status/404", "/status/500"] {
            let response = http.get(target);
            assert_eq!(count(&response, "content-length"), 1, "{target}");
            assert_eq!(count(&response, "date"), 1, "{target}");
            assert!(response.header("date").is_some_and(is_date), "{response:?}");
            assert_eq!(response.header("transfer-encoding"), None);
        }
    });
}

#[test]
fn a_head_is_answered_like_a_get_without_the_body() {
    site(|site| {
        let mut http = site.connect();
        for (target, status, length) in
            [("/page", 200, "12"), ("/status/404", 404, "6"), ("/engine.io/?EIO=4", 400, "40")]
        {
            http.request("HEAD", target, &[], b"");
            let response = http.bodiless_response();
            assert_eq!(response.status, status);
            assert_eq!(response.header("content-length"), Some(length), "{target}");
        }
        assert_eq!(http.get("/next").text(), "GET /next 0", "no body is in the way");
        assert_eq!(site.seen(), ["HEAD /page", "HEAD /status/404", "GET /next"]);
    });
}

#[test]
fn some_responses_have_no_body_whatever_the_page_says() {
    site(|site| {
        let mut http = site.connect();
        for (status, answered, length) in [
            (204, 204, None),
            (304, 304, None),
            (205, 205, Some("0")),
            // These are no last word, and not the application's to say.
            (100, 500, Some("6")),
            (101, 500, Some("6")),
            (0, 500, Some("6")),
        ] {
            let response = http.get(&format!("/status/{status}"));
            assert_eq!(response.status, answered, "{status}");
            assert_eq!(response.header("content-length"), length, "{status}");
        }
        assert_eq!(http.get("/next").text(), "GET /next 0");
    });
}

#[test]
fn options_for_the_server_as_a_whole_is_answered_by_it() {
    site(|site| {
        let mut http = site.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
        let response = http.response();
        assert_eq!((response.status, response.header("content-length")), (204, None));
        http.request("OPTIONS", "/page", &[], b"");
        assert_eq!(http.response().text(), "OPTIONS /page 0");
        assert_eq!(site.seen(), ["OPTIONS /page"]);
    });
}

const EXPECT: &str = "Expect: 100-continue\r\n";

fn expecting(target: &str, version: &str, lines: &str, length: usize) -> String {
    format!("POST {target} HTTP/{version}\r\nHost: x\r\n{lines}Content-Length: {length}\r\n\r\n")
}

#[test]
fn a_client_that_waits_for_leave_gets_it() {
    site(|site| {
        let session = site.session();
        for (target, text) in [("/page", "POST /page 2"), (&*session.target, "ok")] {
            let mut http = site.send(expecting(target, "1.1", EXPECT, 2));
            let leave = http.response();
            assert_eq!((leave.status, leave.headers.len()), (100, 0));
            http.send("4x");
            assert_eq!(http.response().text(), text);
            // Who does not wait gets none that would be in the way.
            http.send(expecting(target, "1.1", EXPECT, 2));
            let answer = http.response();
            assert_eq!(answer.status, 100);
            http.send("4x");
            assert_eq!(http.response().text(), text);
        }
    });
}

#[test]
fn leave_is_not_for_those_who_do_not_need_it() {
    site(|site| {
        let mut http = site.connect();
        for (version, lines, length) in [
            ("1.1", EXPECT, 0),
            ("1.0", "Expect: 100-continue\r\nConnection: keep-alive\r\n", 2),
            ("1.0", "Expect: nonsense\r\nConnection: keep-alive\r\n", 2),
            ("1.1", "Expect:\r\n", 2),
        ] {
            http.send(expecting("/page", version, lines, length));
            http.send("x".repeat(length));
            let response = http.response();
            assert_eq!(response.text(), format!("POST /page {length}"), "{lines}");
        }
    });
}

#[test]
fn leave_waits_for_the_answers_before_it() {
    site(|site| {
        let session = site.session();
        let mut http = site.connect();
        http.request("GET", &session.target, &[], b"");
        http.send(expecting("/page", "1.1", EXPECT, 2));
        settle(&session);
        session.send(&["4m1"]);
        assert_eq!(http.response().text(), "4m1");
        assert_eq!(http.response().status, 100);
        http.send("hi");
        assert_eq!(http.response().text(), "POST /page 2");
    });
}

#[test]
fn an_expectation_that_nobody_can_meet_is_refused() {
    site(|site| {
        for lines in ["Expect: 200-ok\r\n", "Expect: 100-continue\r\nExpect: x\r\n"] {
            let mut http = site.connect();
            http.send(format!("GET /page HTTP/1.1\r\nHost: x\r\n{lines}\r\n"));
            let response = http.response();
            assert_eq!((response.status, response.header("connection")), (417, None));
            http.send(expecting("/page", "1.1", lines, 2));
            assert_last(&http.response(), 417, lines);
            assert!(http.is_closed());
        }
        assert_eq!(site.seen(), [""; 0]);
    });
}

#[test]
fn a_body_that_is_too_long_gets_no_leave() {
    site(|site| {
        let session = site.session();
        for target in ["/page", &session.target] {
            let mut http = site.send(expecting(target, "1.1", EXPECT, 1_000_001));
            assert_last(&http.response(), 413, target);
            assert!(http.is_closed());
        }
        session.send(&["4m1"]);
        session.expect("4m1");
    });
}

#[test]
fn answers_keep_the_order_of_their_requests() {
    site(|site| {
        let session = site.session();
        let mut http = site.connect();
        http.request("GET", &session.target, &[], b"");
        http.request("POST", "/a", &[], b"12345");
        http.request("HEAD", "/b", &[], b"");
        http.request("GET", "/c", &[("Connection", "close")], b"");
        http.send(SMUGGLED);
        settle(&session);
        session.send(&["4m1"]);
        assert_eq!(http.response().text(), "4m1");
        assert_eq!(status_and_text(&http.response()), (200, "POST /a 5"));
        assert_eq!(http.bodiless_response().header("content-length"), Some("9"));
        assert_last(&http.response(), 200, "the last");
        assert!(http.is_closed());
        assert_eq!(site.seen(), ["POST /a", "HEAD /b", "GET /c"]);
    });
}

#[test]
fn an_error_waits_for_the_answers_before_it() {
    site(|site| {
        let session = site.session();
        let mut http = site.connect();
        http.request("GET", &session.target, &[], b"");
        http.send(format!("nonsense\r\n\r\n{SMUGGLED}"));
        settle(&session);
        // Whatever comes now is not looked at.
        http.send(SMUGGLED);
        session.send(&["4m1"]);
        assert_eq!(http.response().text(), "4m1");
        assert_last(&http.response(), 400, "nonsense");
        assert!(http.is_closed());
        session.send(&["4m2"]);
        session.expect("4m2");
        assert_eq!(site.seen(), [""; 0]);
    });
}

#[test]
fn a_client_that_leaves_while_its_error_waits_is_noticed() {
    site(|site| {
        for leave in [drop, Http::reset] {
            let session = site.session();
            let mut http = site.connect();
            http.request("GET", &session.target, &[], b"");
            http.send("nonsense\r\n\r\n");
            settle(&session);
            leave(http);
            assert_eq!(session.get().status, 400);
        }
    });
}

#[test]
fn a_body_that_breaks_off_in_nonsense_is_refused_and_ends_its_session() {
    site(|site| {
        let session = site.session();
        let mut http = site.send(format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n4xnonsense",
            session.target
        ));
        assert_last(&http.response(), 400, "a chunk");
        assert!(http.is_closed());
        assert_eq!(session.get().status, 400, "as if the client had left");
    });
}
