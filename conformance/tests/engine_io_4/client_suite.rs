//! The server for the test suites of clients, as those see it.

use std::net::SocketAddr;

use siomio_conformance::eio_client_suite;
use siomio_testkit::{
    http::{Http, Response},
    polling::Polling,
    ws::{Got, Ws},
};

use crate::{POLLING, WEBSOCKET, common};

fn suite(test: impl Fn(SocketAddr)) {
    let bind = |builder: siomio::ServerBuilder| {
        eio_client_suite::server(builder.max_payload(100).cors(None)).bind("127.0.0.1:0")
    };
    common::for_shards(bind, test);
}

/// A session that has read its greeting, which comes with the handshake.
fn open(address: SocketAddr) -> Polling {
    let mut http = Http::connect(address);
    http.request("GET", POLLING, &[], b"");
    let response = http.response();
    let (packet, greeting) = response.text().split_once('\u{1e}').expect("two packets");
    assert_eq!(greeting, "4hi");
    Polling::opened(address, POLLING, packet)
}

fn open_ws(address: SocketAddr) -> Ws {
    let mut ws = Ws::connect(address, WEBSOCKET);
    let packet = ws.text();
    assert!(packet.contains(r#""upgrades":[],"#) && packet.contains(r#""maxPayload":100}"#));
    assert_eq!(ws.text(), "4hi");
    ws
}

fn cookies(response: &Response) -> Vec<&str> {
    let lines = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    lines.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn the_first_answer_sets_four_cookies_and_no_other_does() {
    suite(|address| {
        let mut http = Http::connect(address);
        let opening = http.get(POLLING);
        let upgraded = Http::connect(address).upgraded(WEBSOCKET);
        for response in [&opening, &upgraded] {
            let cookies = cookies(response);
            assert_eq!(
                cookies[..3],
                [
                    "1=1; Max-Age=86400",
                    "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
                    "3=3; Max-Age=0"
                ]
            );
            let date = cookies[3].strip_prefix("4=4; Expires=").expect("a date");
            assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
            assert_eq!(cookies.len(), 4);
        }
        let session = open(address);
        assert!(cookies(&session.post("4x")).is_empty());
        assert!(cookies(&session.get()).is_empty());
        assert!(cookies(&Http::connect(address).upgraded(&session.upgrade_target())).is_empty());
    });
}

#[test]
fn deny_refuses_a_handshake_and_nothing_else() {
    suite(|address| {
        for deny in ["deny", "deny=", "deny=1"] {
            let response = Http::connect(address).get(&format!("{POLLING}&{deny}"));
            assert_eq!(
                (response.status, response.text()),
                (403, r#"{"code":4,"message":"denied"}"#)
            );
            let refused = Ws::try_connect(address, &format!("{WEBSOCKET}&{deny}"));
            assert_eq!(refused.expect_err("a refusal").status, 400);
        }
        let session = open(address);
        session.send(&["4x"]);
        assert_eq!(Http::connect(address).get(&format!("{}&deny=1", session.target)).text(), "4x");
    });
}

#[test]
fn some_messages_have_answers_of_their_own_and_all_keep_their_order() {
    suite(|address| {
        let session = open(address);
        session.send(&["4give binary", "4a\u{e000}😀", "bAQI=", "4give utf8"]);
        session
            .expect("bAAECAwQ=\u{1e}4a\u{e000}😀\u{1e}bAQI=\u{1e}4пойду спать всем спокойной ночи");
        let mut ws = open_ws(address);
        ws.send_all(["4give binary", "4give utf8", "4sendHeaders"]);
        assert_eq!(ws.next(), Got::Binary(vec![0, 1, 2, 3, 4]));
        assert_eq!(ws.text(), "4пойду спать всем спокойной ночи");
        assert_eq!(ws.text(), "4{}");
    });
}

#[test]
fn the_headers_of_a_post_are_known_to_the_message_it_carried() {
    suite(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        http.request(
            "POST",
            &session.target,
            &[("Cookie", "1=1; 2=2"), ("X-A", "b")],
            b"4sendHeaders",
        );
        assert_eq!(http.response().status, 200);
        let response = session.get();
        let json = response.text().strip_prefix('4').expect("a message");
        let headers: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(headers["cookie"], "1=1; 2=2");
        assert_eq!(headers["x-a"], "b");
        assert_eq!(headers["content-length"], "12");
        assert_eq!(headers["origin"], serde_json::Value::Null);
    });
}

#[test]
fn a_hundred_bytes_are_fine_and_one_more_is_not() {
    suite(|address| {
        let session = open(address);
        let fits = format!("4{}", "x".repeat(99));
        session.send(&[&fits]);
        session.expect(&fits);
        let response = session.post(format!("{fits}x"));
        assert_eq!((response.status, response.text()), (413, ""));
        session.send(&["4after"]);
        session.expect("4after");

        let mut ws = open_ws(address);
        ws.send(&fits);
        assert_eq!(ws.text(), fits);
        ws.send(&format!("{fits}x"));
        ws.expect_close(Some(1009));
    });
}
