//! Settings that show on the wire: path, transports, cookie, headers for old browsers.

use std::time::Duration;

use siomio::{Cookie, Message, SameSite, Transport};
use siomio_testkit::{
    http::Http,
    polling::{Polling, handshake},
    ws::Ws,
};

use crate::{
    POLLING, UPGRADE, WEBSOCKET, assert_echoes, assert_gone, echo, echo_with, open, status_and_text,
};

const UNKNOWN_TRANSPORT: &str = r#"{"code":0,"message":"Transport unknown"}"#;

#[test]
fn the_path_is_a_prefix_that_ends_in_a_slash() {
    echo(|address| {
        for (target, status) in [
            ("/engine.io/?EIO=4&transport=polling", 200),
            ("/engine.io/default/?EIO=4&transport=polling", 200),
            ("/engine.io/a/b?EIO=4&transport=polling", 200),
            ("/engine.io?EIO=4&transport=polling", 404),
            ("/engine.iox/?EIO=4&transport=polling", 404),
            ("/?EIO=4&transport=polling", 404),
            ("/socket.io/?EIO=4&transport=polling", 404),
            ("/x/engine.io/?EIO=4&transport=polling", 404),
        ] {
            assert_eq!(Http::connect(address).get(target).status, status, "{target}");
            let target = target.replace("polling", "websocket");
            let upgraded = if status == 200 { 101 } else { status };
            assert_eq!(Http::connect(address).upgraded(&target).status, upgraded, "{target}");
        }
    });
}

#[test]
fn without_the_slash_the_path_is_just_a_prefix() {
    echo_with(
        |builder| builder.add_trailing_slash(false),
        |address| {
            for target in [
                "/engine.io?EIO=4&transport=polling",
                "/engine.iox?EIO=4&transport=polling",
                "/engine.io/foo/bar/?EIO=4&transport=polling",
            ] {
                assert_eq!(Http::connect(address).get(target).status, 200, "{target}");
            }
            let session = Polling::open(address, "/engine.io");
            assert_echoes(&session);
            session.upgrade();
        },
    );
}

#[test]
fn a_transport_that_is_not_offered_is_unknown() {
    echo_with(
        |builder| builder.transports([Transport::Polling]),
        |address| {
            let session = open(address);
            let packet = Http::connect(address).get(POLLING);
            assert_eq!(handshake(packet.text())["upgrades"], serde_json::json!([]));
            for target in [WEBSOCKET, &session.upgrade_target()] {
                let response = Ws::try_connect(address, target).expect_err("a refusal");
                assert_eq!(status_and_text(&response), (400, "Transport unknown"));
            }
            assert_echoes(&session);
        },
    );
    echo_with(
        |builder| builder.transports([Transport::WebSocket]),
        |address| {
            let response = Http::connect(address).get(POLLING);
            assert_eq!(status_and_text(&response), (400, UNKNOWN_TRANSPORT));
            let mut ws = Ws::connect(address, WEBSOCKET);
            assert_eq!(handshake(&ws.text())["upgrades"], serde_json::json!([]));
            ws.send("4hello");
            assert_eq!(ws.text(), "4hello");
        },
    );
}

#[test]
fn a_client_may_upgrade_although_it_was_not_offered() {
    echo_with(
        |builder| builder.allow_upgrades(false),
        |address| {
            let mut ws = open(address).upgrade();
            ws.send("4hello");
            assert_eq!(ws.text(), "4hello");
        },
    );
}

#[test]
fn the_cookie_comes_with_the_polling_handshake_and_with_nothing_else() {
    echo_with(
        |builder| builder.cookie(Cookie::default()),
        |address| {
            let mut http = Http::connect(address);
            let response = http.get(POLLING);
            let sid = handshake(response.text())["sid"].as_str().expect("an id").to_owned();
            let cookie = format!("io={sid}; Path=/; HttpOnly; SameSite=Lax");
            assert_eq!(response.header("set-cookie"), Some(&*cookie));
            let target = format!("{POLLING}&sid={sid}");
            assert_eq!(http.post(&target, "4x").header("set-cookie"), None);
            assert_eq!(http.get(&target).header("set-cookie"), None);

            let mut http = Http::connect(address);
            http.request("GET", WEBSOCKET, &UPGRADE, b"");
            let response = http.response();
            assert_eq!((response.status, response.header("set-cookie")), (101, None));
            // Not for a session that is none: nobody polls over a WebSocket.
            let response = Http::connect(address).upgraded(POLLING);
            assert_eq!((response.status, response.header("set-cookie")), (101, None));
        },
    );
}

#[test]
fn the_cookie_is_what_the_settings_say() {
    let cookie = || {
        Cookie::default()
            .name("node")
            .path(None)
            .http_only(false)
            .max_age(Duration::from_secs(60))
            .secure(true)
            .same_site(SameSite::None)
    };
    echo_with(
        move |builder| builder.cookie(cookie()),
        |address| {
            let response = Http::connect(address).get(POLLING);
            let cookie = response.header("set-cookie").expect("a cookie");
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            assert!(pair.starts_with("node="));
            assert_eq!(attributes, " Max-Age=60; Secure; SameSite=None");
        },
    );
}

#[test]
fn the_initial_packet_comes_right_behind_the_handshake() {
    echo_with(
        |builder| builder.initial_packet(Message::Text("hello")),
        |address| {
            let response = Http::connect(address).get(POLLING);
            let (open, rest) = response.text().split_once('\u{1e}').expect("two packets");
            assert_eq!((&open[..1], rest), ("0", "4hello"));
            let mut ws = Ws::connect(address, WEBSOCKET);
            assert!(ws.text().starts_with('0'));
            ws.send("4echo");
            assert_eq!(ws.text(), "4hello");
            assert_eq!(ws.text(), "4echo");
        },
    );
    echo_with(
        |builder| builder.initial_packet(Message::Binary((&[1, 2][..]).into())),
        |address| {
            let response = Http::connect(address).get(POLLING);
            assert!(response.text().ends_with("\u{1e}bAQI="));
        },
    );
}

#[test]
fn old_browsers_are_told_to_leave_payloads_alone() {
    echo(|address| {
        let session = open(address);
        for (agent, expected) in [
            ("Mozilla/4.0 (compatible;MSIE 8.0; Windows NT 6.1)", Some("0")),
            ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", Some("0")),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/130", None),
        ] {
            for (method, target, body) in [
                ("GET", POLLING, ""),
                ("POST", &session.target, "4x"),
                ("GET", &session.target, ""),
            ] {
                let mut http = Http::connect(address);
                http.request(method, target, &[("User-Agent", agent)], body.as_bytes());
                let response = http.response();
                assert_eq!(response.status, 200);
                assert_eq!(response.header("x-xss-protection"), expected, "{agent}");
            }
        }
    });
}

#[test]
fn a_closing_session_waits_no_longer_than_it_should() {
    crate::served(
        |builder| {
            let server =
                builder.path("/engine.io").close_timeout(Duration::from_millis(50)).build_engine();
            server.on_message(|socket, message, _| {
                if message == Message::Text("close") {
                    socket.close();
                }
            });
            server
        },
        |address| {
            let session = open(address);
            session.send(&["4close"]);
            // Nobody fetches the farewell; there is no event to wait for but the end itself.
            let deadline = std::time::Instant::now() + siomio_testkit::PATIENCE;
            let probe = || {
                let response = Http::connect(address).post(&session.target, "6");
                response.status == 400
            };
            while !probe() {
                assert!(std::time::Instant::now() < deadline, "it is still there");
            }
            assert_gone(&session);
        },
    );
}
