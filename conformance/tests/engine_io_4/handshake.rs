//! How sessions open: the first packet, the headers around it, the ids.

use std::collections::HashSet;

use siomio_testkit::{
    http::Http,
    polling::handshake,
    ws::{Got, Ws},
};

use crate::{POLLING, UPGRADE, WEBSOCKET, assert_echoes, echo, echo_with, open, open_ws};

fn sid(packet: &str) -> String {
    handshake(packet)["sid"].as_str().expect("an id").to_owned()
}

fn open_packet(packet: &str, upgrades: &str) -> String {
    let sid = sid(packet);
    format!(
        r#"0{{"sid":"{sid}","upgrades":[{upgrades}],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
    )
}

#[test]
fn the_open_packet_is_exactly_this() {
    echo(|address| {
        let response = Http::connect(address).get(POLLING);
        assert_eq!(response.text(), open_packet(response.text(), r#""websocket""#));
        let packet = Ws::connect(address, WEBSOCKET).text();
        assert_eq!(packet, open_packet(&packet, ""));
    });
}

#[test]
fn the_open_packet_tells_the_settings() {
    let settings = |builder: siomio::ServerBuilder| {
        crate::common::heartbeat(12_345, 678)(builder).max_payload(99).allow_upgrades(false)
    };
    echo_with(settings, |address| {
        for packet in [
            Http::connect(address).get(POLLING).text().to_owned(),
            Ws::connect(address, WEBSOCKET).text(),
        ] {
            let rest = r#""upgrades":[],"pingInterval":12345,"pingTimeout":678,"maxPayload":99}"#;
            assert_eq!(packet, format!(r#"0{{"sid":"{}",{rest}"#, sid(&packet)));
        }
    });
}

#[test]
fn a_polling_handshake_has_these_headers() {
    echo(|address| {
        let mut http = Http::connect(address);
        let response = http.get(POLLING);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("set-cookie"), None);
        assert_eq!(response.header("connection"), None, "it stays open");
        assert_eq!(http.get(POLLING).status, 200, "it stayed open");
    });
}

#[test]
fn a_websocket_handshake_has_these_headers() {
    echo(|address| {
        let mut http = Http::connect(address);
        http.request("GET", WEBSOCKET, &UPGRADE, b"");
        let response = http.response();
        assert_eq!(response.status, 101);
        assert_eq!(response.header("upgrade"), Some("websocket"));
        assert_eq!(response.header("connection"), Some("Upgrade"));
        assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        for absent in ["set-cookie", "sec-websocket-extensions", "sec-websocket-protocol"] {
            assert_eq!(response.header(absent), None, "{absent}");
        }
    });
}

#[test]
fn compression_is_not_negotiated_and_the_first_subprotocol_is_taken() {
    echo(|address| {
        let mut http = Http::connect(address);
        let mut headers = UPGRADE.to_vec();
        headers.push(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"));
        headers.push(("Sec-WebSocket-Protocol", "one, two"));
        http.request("GET", WEBSOCKET, &headers, b"");
        let response = http.response();
        assert_eq!(response.status, 101);
        assert_eq!(response.header("sec-websocket-extensions"), None);
        assert_eq!(response.header("sec-websocket-protocol"), Some("one"));
    });
}

#[test]
fn ids_are_twenty_url_safe_characters_and_all_different() {
    echo(|address| {
        let ids: HashSet<String> = (0..40)
            .map(|n| match n % 2 {
                0 => open(address).sid,
                _ => sid(&Ws::connect(address, WEBSOCKET).text()),
            })
            .collect();
        assert_eq!(ids.len(), 40);
        for id in ids {
            assert_eq!(id.len(), 20, "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        }
    });
}

#[test]
fn the_query_is_decoded_and_the_last_of_duplicates_counts() {
    echo(|address| {
        for query in [
            "transport=polling&EIO=4",
            "EIO=%34&transport=%70olling",
            "EIO=3&transport=websocket&EIO=4&transport=polling",
            "EIO=4&transport=polling&sid=",
            "EIO=4&transport=polling&t=abc&unknown&=x&&j%20=%zz",
        ] {
            let response = Http::connect(address).get(&format!("/engine.io/?{query}"));
            assert_eq!(response.status, 200, "{query}");
            assert!(response.text().starts_with("0{"), "{query}");
        }
    });
}

#[test]
fn the_first_packets_may_follow_the_request_for_a_websocket_at_once() {
    echo(|address| {
        // A masked "4hi" behind the head, in the same segment; the mask is nothing but zeros.
        let mut http = Http::connect(address);
        let mut bytes = format!("GET {WEBSOCKET} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in UPGRADE {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = format!("{bytes}\r\n").into_bytes();
        bytes.extend_from_slice(b"\x81\x83\0\0\0\x004hi");
        http.send(bytes);
        assert_eq!(http.response().status, 101);
        let mut ws = Ws::from_http(http);
        assert!(ws.text().starts_with("0{"));
        assert_eq!(ws.next(), Got::Text("4hi".to_owned()));
    });
}

#[test]
fn a_websocket_may_open_on_a_connection_that_has_polled() {
    echo(|address| {
        let mut http = Http::connect(address);
        assert_eq!(http.get(POLLING).status, 200);
        let mut ws = Ws::upgrade(http, WEBSOCKET, &[]).expect("a WebSocket");
        assert!(ws.text().starts_with("0{"));
        ws.send("4x");
        assert_eq!(ws.text(), "4x");
    });
}

#[test]
fn sessions_do_not_mix() {
    echo(|address| {
        let (one, two, mut three) = (open(address), open(address), open_ws(address));
        one.send(&["4one"]);
        two.send(&["4two"]);
        three.send("4three");
        two.expect("4two");
        assert_eq!(three.text(), "4three");
        one.expect("4one");
        assert_echoes(&two);
    });
}
