//! Requests that are refused: in which words, and for which reason first.

use std::{io::Read, net::SocketAddr};

use siomio_testkit::http::{Http, Response};

use crate::{
    BAD_REQUEST, POLLING, UNKNOWN_SID, UPGRADE, WEBSOCKET, assert_echoes, echo, echo_with, open,
    status_and_text,
};

const TRANSPORT_UNKNOWN: &str = r#"{"code":0,"message":"Transport unknown"}"#;
const BAD_METHOD: &str = r#"{"code":2,"message":"Bad handshake method"}"#;
const UNSUPPORTED: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;

/// An id that could be one and is none.
const NOBODY: &str = "AAAAAAAAAAAAAAAAAAAA";

fn ask(http: &mut Http, method: &str, query: &str) -> Response {
    http.request(method, &format!("/engine.io/?{query}"), &[], b"");
    http.response()
}

/// Asks for a WebSocket with a method of your own, and tells what came in its place.
fn ask_upgrade(address: SocketAddr, method: &str, target: &str) -> (Response, Http) {
    let mut http = Http::connect(address);
    http.request(method, target, &UPGRADE, b"");
    (http.response(), http)
}

/// Requests without a session, and the first thing that is wrong with each.
const STRANGERS: &[(&str, &str, &str)] = &[
    ("GET", "", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=abc", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=Polling", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=polling+", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=webtransport", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=constructor", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=__proto__", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=polling&transport=abc", TRANSPORT_UNKNOWN),
    // The transport comes before everything else.
    ("POST", "EIO=3&transport=abc", TRANSPORT_UNKNOWN),
    ("PUT", "sid=AAAAAAAAAAAAAAAAAAAA", TRANSPORT_UNKNOWN),
    ("GET", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", UNKNOWN_SID),
    ("GET", "EIO=4&transport=polling&sid=x", UNKNOWN_SID),
    ("GET", "EIO=4&transport=polling&sid=%00", UNKNOWN_SID),
    ("GET", "EIO=4&transport=polling&sid=__proto__", UNKNOWN_SID),
    ("POST", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", UNKNOWN_SID),
    // The session comes before the method, the missing upgrade and the version.
    ("PUT", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", UNKNOWN_SID),
    ("GET", "EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA", UNKNOWN_SID),
    ("GET", "EIO=3&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", UNKNOWN_SID),
    ("POST", "EIO=4&transport=polling", BAD_METHOD),
    ("PUT", "EIO=4&transport=polling", BAD_METHOD),
    ("DELETE", "EIO=4&transport=polling", BAD_METHOD),
    ("TRACE", "EIO=4&transport=polling", BAD_METHOD),
    ("POST", "EIO=4&transport=polling&sid=", BAD_METHOD),
    // The method comes before the missing upgrade and the version.
    ("POST", "EIO=4&transport=websocket", BAD_METHOD),
    ("POST", "EIO=abc&transport=polling", BAD_METHOD),
    ("GET", "EIO=4&transport=websocket", BAD_REQUEST),
    // The missing upgrade comes before the version.
    ("GET", "EIO=3&transport=websocket", BAD_REQUEST),
    ("GET", "transport=polling", UNSUPPORTED),
    ("GET", "EIO=3&transport=polling", UNSUPPORTED),
    ("GET", "EIO=abc&transport=polling", UNSUPPORTED),
    ("GET", "EIO=&transport=polling", UNSUPPORTED),
    ("GET", "EIO=04&transport=polling", UNSUPPORTED),
    ("GET", "EIO=4.0&transport=polling", UNSUPPORTED),
    ("GET", "EIO=5&transport=polling", UNSUPPORTED),
    ("GET", "EIO=4&EIO=3&transport=polling", UNSUPPORTED),
];

#[test]
fn strangers_are_told_the_first_thing_that_is_wrong() {
    echo(|address| {
        // All on one connection: a refusal does not end it.
        let mut http = Http::connect(address);
        for (method, query, body) in STRANGERS {
            let response = ask(&mut http, method, query);
            assert_eq!(status_and_text(&response), (400, *body), "{method} {query}");
            assert_eq!(response.header("content-type"), Some("application/json"));
            assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        }
    });
}

#[test]
fn strangers_who_ask_for_a_websocket_are_told_in_plain_words() {
    let words = |body: &str| -> String {
        let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
        json["message"].as_str().expect("a message").to_owned()
    };
    echo(|address| {
        let upgrades = STRANGERS.iter().map(|&(method, query, body)| match body {
            // What was missing is there now; the version may still be wrong.
            BAD_REQUEST => (method, "EIO=3&transport=websocket", UNSUPPORTED),
            _ => (method, query, body),
        });
        for (method, query, body) in upgrades {
            // Polling and Upgrade do not go together, in ways of their own.
            if query.contains("transport=polling") && !query.contains("sid=A") {
                continue;
            }
            let (response, mut http) =
                ask_upgrade(address, method, &format!("/engine.io/?{query}"));
            let text = words(body);
            assert_eq!(status_and_text(&response), (400, &*text), "{method} {query}");
            let kind = response.header("content-type");
            assert!(kind.is_some_and(|kind| kind.starts_with("text/html")), "{kind:?}");
            assert_eq!(response.header("connection"), Some("close"));
            assert_eq!(response.header("content-length"), Some(&*text.len().to_string()));
            assert_eq!(response.header("access-control-allow-origin"), None);
            assert!(http.is_closed(), "{method} {query}");
        }
    });
}

#[test]
fn requests_that_do_not_fit_their_polling_session_leave_it_alone() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let sid = &session.sid;
        for (method, query) in [
            ("GET", format!("EIO=4&transport=websocket&sid={sid}")),
            ("POST", format!("EIO=4&transport=websocket&sid={sid}")),
            ("GET", format!("EIO=3&transport=polling&sid={sid}")),
            ("POST", format!("EIO=3&transport=polling&sid={sid}")),
            ("GET", format!("transport=polling&sid={sid}")),
        ] {
            let response = ask(&mut http, method, &query);
            assert_eq!(status_and_text(&response), (400, BAD_REQUEST), "{method} {query}");
        }
        for method in ["PUT", "DELETE", "PATCH"] {
            http.request(method, &session.target, &[], b"");
            assert_eq!(status_and_text(&http.response()), (500, ""), "{method}");
        }
        assert_echoes(&session);
    });
}

#[test]
fn a_method_without_meaning_is_an_error_of_a_session_and_no_handshake() {
    echo_with(
        |builder| builder.cors(None),
        |address| {
            let session = open(address);
            let mut http = Http::connect(address);
            http.request("OPTIONS", POLLING, &[], b"");
            assert_eq!(status_and_text(&http.response()), (400, BAD_METHOD));
            http.request("OPTIONS", &session.target, &[], b"");
            assert_eq!(status_and_text(&http.response()), (500, ""));
            // The answer to a HEAD has no body, whatever its headers say.
            for (target, status) in [(POLLING, "400"), (&session.target, "500")] {
                let mut http = Http::connect(address);
                http.request("HEAD", target, &[("Connection", "close")], b"");
                let (mut stream, _) = http.into_parts();
                let mut response = String::new();
                stream.read_to_string(&mut response).expect("an answer and the end");
                assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
                assert!(response.ends_with("\r\n\r\n"), "{response}");
            }
            assert_echoes(&session);
        },
    );
}

#[test]
fn polling_requests_do_not_reach_a_websocket_session() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.upgrade();
        for method in ["GET", "POST", "PUT"] {
            let mut http = Http::connect(address);
            http.request(method, &session.target, &[], b"");
            assert_eq!(status_and_text(&http.response()), (400, BAD_REQUEST), "{method}");
        }
        ws.send("4x");
        assert_eq!(ws.text(), "4x");
    });
}

#[test]
fn upgrades_that_do_not_fit_their_session_leave_it_alone() {
    echo(|address| {
        let session = open(address);
        for (method, target, status, words) in [
            ("GET", session.upgrade_target().replace("EIO=4", "EIO=3"), 400, "Bad request"),
            ("POST", session.upgrade_target(), 405, "Invalid HTTP method"),
        ] {
            let (response, mut http) = ask_upgrade(address, method, &target);
            assert_eq!(status_and_text(&response), (status, words));
            assert!(http.is_closed());
        }
        assert_echoes(&session);
    });
}

#[test]
fn handshakes_that_are_no_websocket_are_refused() {
    const UPGRADE_NAMES: [&str; 4] =
        ["Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"];
    let with = |place: usize, value: Option<&'static str>| {
        let mut headers = UPGRADE.to_vec();
        headers.remove(place);
        headers.extend(value.map(|value| (UPGRADE_NAMES[place], value)));
        headers
    };
    echo(|address| {
        for (place, value) in [
            (2, None),
            (2, Some("")),
            (2, Some("c2hvcnQ=")),
            (2, Some("not base64, not at all!!")),
            (3, None),
            (3, Some("12")),
            (3, Some("13.0")),
        ] {
            let mut http = Http::connect(address);
            http.request("GET", WEBSOCKET, &with(place, value), b"");
            let response = http.response();
            assert_eq!(response.status, 400, "{} {value:?}", UPGRADE_NAMES[place]);
            let version = (place == 3).then_some("13, 8");
            assert_eq!(response.header("sec-websocket-version"), version);
            assert!(http.is_closed());
        }
        // Without these it is no upgrade at all.
        for place in [0, 1] {
            let mut http = Http::connect(address);
            http.request("GET", WEBSOCKET, &with(place, None), b"");
            assert_eq!(status_and_text(&http.response()), (400, BAD_REQUEST));
        }
        let mut http = Http::connect(address);
        http.request("GET", WEBSOCKET, &with(3, Some("8")), b"");
        assert_eq!(http.response().status, 101, "the framing of version 8 is the same");
    });
}

#[test]
fn an_origin_with_control_characters_is_refused() {
    echo(|address| {
        for origin in ["http://a\u{7f}b", "http://a\u{1}b"] {
            let mut http = Http::connect(address);
            http.request("GET", POLLING, &[("Origin", origin)], b"");
            let response = http.response();
            assert_eq!(response.status, 400, "{origin:?}");
            assert!(response.text().contains("control byte"), "{}", response.text());
            assert!(http.is_closed(), "it is no HTTP");
        }
        let mut http = Http::connect(address);
        http.request("GET", POLLING, &[("Origin", "http://a\tb")], b"");
        assert_eq!(http.response().status, 200, "a tab is allowed");
    });
}

#[test]
fn a_guessed_id_is_unknown_on_every_shard() {
    echo(|address| {
        // The first two characters name the shard, so these are addressed to many, also to some that are not there.
        let mut http = Http::connect(address);
        for first in ["AA", "AB", "Az", "zA", "__", "--"] {
            let sid = format!("{first}{}", &NOBODY[2..]);
            let response = http.get(&format!("{POLLING}&sid={sid}"));
            assert_eq!(status_and_text(&response), (400, UNKNOWN_SID), "{sid}");
            let (response, _) = ask_upgrade(address, "GET", &format!("{WEBSOCKET}&sid={sid}"));
            assert_eq!(status_and_text(&response), (400, "Session ID unknown"), "{sid}");
        }
    });
}
