//! Requests that hide in others: in bodies, behind refusals, behind upgrades.

use siomio_testkit::http::Http;

use crate::{POLLING, SMUGGLED, assert_last, assert_refused, settle, site, status_and_text};

/// A request whose body is another request.
fn wrapped(method: &str, target: &str, lines: &str) -> String {
    let length = SMUGGLED.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {length}\r\n\r\n{SMUGGLED}"
    )
}

const NEXT: &str = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_body_that_looks_like_a_request_is_a_body() {
    site(|site| {
        let stranger = format!("{POLLING}&sid=AAAAAAAAAAAAAAAAAAAA");
        for (method, target, status) in [
            ("GET", "/page", 200),
            ("HEAD", "/page", 200),
            ("DELETE", "/page", 200),
            ("OPTIONS", "/page", 200),
            ("OPTIONS", "*", 204),
            ("TRACE", "/page", 200),
            // Nobody reads these.
            ("GET", POLLING, 200),
            ("POST", POLLING, 400),
            ("GET", &stranger, 400),
            ("POST", &stranger, 400),
            ("HEAD", &stranger, 400),
            ("GET", "/engine.io/", 400),
        ] {
            let mut http = site.send(wrapped(method, target, "") + NEXT);
            let is_head = method == "HEAD";
            let response = if is_head { http.bodiless_response() } else { http.response() };
            assert_eq!(response.status, status, "{method} {target}");
            assert_eq!(http.response().text(), "GET /next 0", "{method} {target}");
            assert!(!site.seen().contains(&"GET /smuggled".to_owned()), "{method} {target}");
        }
    });
}

#[test]
fn the_same_with_a_get_that_waits() {
    site(|site| {
        let session = site.session();
        let mut http = site.send(wrapped("GET", &session.target, "") + NEXT);
        settle(&session);
        session.send(&["4m1"]);
        assert_eq!(http.response().text(), "4m1");
        assert_eq!(http.response().text(), "GET /next 0");
        assert_eq!(site.seen(), ["GET /next"]);
    });
}

#[test]
fn what_follows_the_end_of_a_connection_is_ignored() {
    site(|site| {
        for (request, text) in [
            ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /a 0"),
            ("GET /a HTTP/1.0\r\n\r\n", "GET /a 0"),
            (
                "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
                "POST /a 1",
            ),
        ] {
            for behind in [SMUGGLED, "nonsense\r\n\r\n", "\0"] {
                let mut http = site.send(request.to_owned() + behind);
                let response = http.response();
                assert_last(&response, 200, request);
                assert_eq!(response.text(), text);
                assert!(http.is_closed());
                assert_eq!(site.seen().len(), 1, "{request} {behind:?}");
            }
        }
    });
}

#[test]
fn a_client_that_was_never_told_to_send_its_body_cannot_hide_a_request_in_it() {
    site(|site| {
        let stranger = format!("{POLLING}&sid=AAAAAAAAAAAAAAAAAAAA");
        for (target, lines, status) in [
            (&*stranger, "Expect: 100-continue\r\n", 400),
            ("/page", "Expect: 100-continue, 200-ok\r\n", 417),
            ("/page", "Expect: nothing\r\n", 417),
        ] {
            // One reader takes what follows for the body, another for a request: it is neither.
            let mut http = site.send(wrapped("POST", target, lines) + NEXT);
            assert_refused(&mut http, status, lines);
            assert_eq!(site.seen(), [""; 0], "{lines}");
        }
    });
}

/// A head that asks for a WebSocket, with more lines.
fn upgrade(target: &str, lines: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    )
}

const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

#[test]
fn nothing_is_read_behind_an_upgrade_that_is_refused() {
    site(|site| {
        let stranger = format!("{WEBSOCKET}&sid=AAAAAAAAAAAAAAAAAAAA");
        for request in [
            upgrade(&stranger, ""),
            upgrade(WEBSOCKET, "").replace("13\r\n", "12\r\n"),
            upgrade(WEBSOCKET, "").replace("ZSBub25jZQ==", ""),
            upgrade("/engine.io/", ""),
        ] {
            let mut http = site.send(request.clone() + SMUGGLED);
            assert_refused(&mut http, 400, &request);
            assert_eq!(site.seen(), [""; 0], "{request}");
        }
    });
}

#[test]
fn an_upgrade_has_no_body() {
    site(|site| {
        let length = format!("Content-Length: {}\r\n", SMUGGLED.len());
        let chunked = "Transfer-Encoding: chunked\r\n";
        for lines in [&*length, chunked] {
            let mut http = site.send(upgrade(WEBSOCKET, lines) + SMUGGLED);
            assert_refused(&mut http, 400, lines);
            assert_eq!(site.seen(), [""; 0], "{lines}");
        }
        let mut http = site.send(upgrade(WEBSOCKET, "Content-Length: 0\r\n"));
        assert_eq!(http.response().status, 101);
    });
}

#[test]
fn an_upgrade_to_nothing_here_is_an_ordinary_request() {
    site(|site| {
        let mut http = site.connect();
        for (target, text) in [("/page", "GET /page 0"), ("/engine.iox/", "GET /engine.iox/ 0")] {
            http.send(upgrade(target, ""));
            assert_eq!(status_and_text(&http.response()), (200, text));
        }
        // With a body it has one, and what follows is the next request.
        let length = format!("Content-Length: {}\r\n", SMUGGLED.len());
        http.send(upgrade("/page", &length) + SMUGGLED + NEXT);
        assert_eq!(http.response().text(), format!("GET /page {}", SMUGGLED.len()));
        assert_eq!(http.response().text(), "GET /next 0");
        // A client that takes it for a WebSocket nevertheless is not answered in one.
        http.send(b"\x81\x85\0\0\0\0hello");
        assert_refused(&mut http, 400, "a frame");
    });
}

#[test]
fn an_upgrade_to_another_protocol_is_no_upgrade() {
    site(|site| {
        let session = site.session();
        let h2c = [
            ("Connection", "Upgrade, HTTP2-Settings"),
            ("Upgrade", "h2c"),
            ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ];
        let mut http = Http::connect(site.address);
        http.request("POST", &session.target, &h2c, b"4m1");
        assert_eq!(http.response().text(), "ok");
        http.request("GET", &session.target, &h2c, b"");
        assert_eq!(http.response().text(), "4m1");
        http.request("GET", WEBSOCKET, &h2c, b"");
        let response = http.response();
        assert_eq!((response.status, response.header("connection")), (400, None));
        http.request("GET", "/page", &h2c, b"");
        assert_eq!(http.response().text(), "GET /page 0");
    });
}
