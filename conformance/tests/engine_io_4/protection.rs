//! Who may come, and how often: origins of pages, connections and handshakes of one address.

use std::time::{Duration, Instant};

use siomio_testkit::{
    PATIENCE,
    http::{Http, Response},
    ws::Ws,
};

use crate::{POLLING, WEBSOCKET, assert_echoes, echo_with, open, status_and_text};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn pages_of_strangers_open_nothing_on_any_transport() {
    let pages = ["https://example.com", "http://Example.org:8080/"];
    echo_with(
        |builder| builder.allowed_origins(pages),
        |address| {
            let ask = |origin: Option<&str>| {
                let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
                let mut http = Http::connect(address);
                http.request("GET", POLLING, &headers, b"");
                let polling = http.response();
                (polling, Ws::upgrade(Http::connect(address), WEBSOCKET, &headers))
            };
            for origin in [
                None,
                Some("https://example.com"),
                Some("HTTPS://EXAMPLE.COM"),
                Some("http://example.org:8080"),
                // The page came from this host, through a proxy or not.
                Some("http://localhost"),
                Some("https://localhost"),
                Some("https://localhost:443"),
            ] {
                let (polling, websocket) = ask(origin);
                assert_eq!(polling.status, 200, "{origin:?}");
                assert!(websocket.is_ok(), "{origin:?}");
            }
            for origin in [
                "http://example.com",
                "https://example.com:444",
                "https://example.com.evil.org",
                "https://evil.org/https://example.com",
                "http://example.org",
                "http://localhost:3000",
                "file://localhost",
                "localhost",
                "null",
                "",
            ] {
                let (polling, websocket) = ask(Some(origin));
                let expected = (403, r#"{"code":4,"message":"origin not allowed"}"#);
                assert_eq!(status_and_text(&polling), expected, "{origin}");
                let refusal = websocket.expect_err("a refusal");
                assert_eq!(status_and_text(&refusal), (400, "origin not allowed"), "{origin}");
            }
            assert_echoes(&open(address));
        },
    );
}

#[test]
fn two_origins_are_none() {
    echo_with(
        |builder| builder.allowed_origins(["https://example.com"]),
        |address| {
            let origin = ("Origin", "https://example.com");
            let mut http = Http::connect(address);
            http.request("GET", POLLING, &[origin, origin], b"");
            assert_eq!(http.response().status, 403);
        },
    );
}

/// Connects until one is not sent away.
fn connect_at_last(address: std::net::SocketAddr) -> Http {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut http = Http::connect(address);
        http.send(format!("GET {POLLING} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        if let Some(response) = http.try_response() {
            assert_eq!(response.status, 200);
            return http;
        }
        assert!(Instant::now() < until, "there is room again");
    }
}

#[test]
fn connections_beyond_the_limit_are_closed_and_the_others_live_on() {
    for per_ip in [false, true] {
        echo_with(
            |builder| {
                if per_ip { builder.max_connections_per_ip(2) } else { builder.max_connections(2) }
            },
            |address| {
                let [mut one, mut two] = [(); 2].map(|()| Http::connect(address));
                assert_eq!(one.get(POLLING).status, 200);
                assert_eq!(two.get(POLLING).status, 200);
                for _ in 0..50 {
                    assert!(Http::connect(address).is_closed());
                }
                assert_eq!(one.get(POLLING).status, 200);
                two.reset();
                let mut three = connect_at_last(address);
                assert_eq!(three.get(POLLING).status, 200);
                assert!(Http::connect(address).is_closed());
                drop((one, three));
                // They are counted once each, however they moved between shards.
                let [mut four, mut five] = [(); 2].map(|()| connect_at_last(address));
                assert_eq!([four.get(POLLING).status, five.get(POLLING).status], [200, 200]);
            },
        );
    }
}

fn assert_held_off(response: &Response) {
    assert_eq!(status_and_text(response), (429, "too many handshakes"));
    let wait = response.header("retry-after").expect("it says when");
    assert!((1..=20).contains(&wait.parse::<u64>().expect("seconds")), "{wait}");
}

#[test]
fn an_address_opens_so_many_sessions_in_a_time_and_then_has_to_wait() {
    echo_with(
        |builder| builder.max_handshakes_per_ip(3, MINUTE),
        |address| {
            let session = open(address);
            let mut ws = crate::open_ws(address);
            let mut http = Http::connect(address);
            assert_eq!(http.get(POLLING).status, 200);
            assert_held_off(&http.get(POLLING));
            assert_held_off(&Ws::try_connect(address, WEBSOCKET).expect_err("too many"));
            assert_held_off(&http.get(POLLING));
            // What is wrong anyway is told so, and sessions that are open are none of its business: their upgrade neither.
            assert_eq!(http.get("/engine.io/?EIO=4&transport=carrier_pigeon").status, 400);
            assert_echoes(&session);
            ws.send("4hello");
            assert_eq!(ws.message(), "4hello");
            let mut upgraded = session.upgrade();
            upgraded.send("4there");
            assert_eq!(upgraded.message(), "4there");
        },
    );
}

#[test]
fn behind_a_proxy_the_clients_are_counted() {
    echo_with(
        |builder| {
            builder
                .max_handshakes_per_ip(1, MINUTE)
                .client_ip(|request| request.header("x-real-ip")?.parse().ok())
        },
        |address| {
            let mut http = Http::connect(address);
            let mut ask = |headers: &[(&str, &str)]| {
                http.request("GET", POLLING, headers, b"");
                http.response().status
            };
            for (ip, status) in [
                ("192.0.2.1", 200),
                ("192.0.2.2", 200),
                ("192.0.2.1", 429),
                ("2001:db8::1", 200),
                ("2001:db8::2", 429),
                ("2001:db8:0:1::1", 200),
                ("::ffff:192.0.2.2", 429),
            ] {
                assert_eq!(ask(&[("X-Real-IP", ip)]), status, "{ip}");
            }
            // Nobody says whose it is.
            assert_eq!([ask(&[("X-Real-IP", "unknown")]), ask(&[])], [200, 429]);
        },
    );
}

#[test]
fn a_client_ip_that_panics_leaves_the_connections_own() {
    echo_with(
        |builder| builder.max_handshakes_per_ip(1, MINUTE).client_ip(|_| panic!("on purpose")),
        |address| {
            let mut http = Http::connect(address);
            assert_eq!([http.get(POLLING).status, http.get(POLLING).status], [200, 429]);
        },
    );
}

#[test]
fn what_was_refused_is_counted() {
    let builder =
        siomio::Server::builder().shards(1).max_connections(2).max_handshakes_per_ip(1, MINUTE);
    let server = siomio_conformance::eio_echo::server(builder);
    let engine = server.io();
    let running = server.bind("127.0.0.1:0").expect("a free port").spawn().expect("a thread");
    let address = running.local_addrs()[0];
    let [mut one, _two] = [(); 2].map(|()| Http::connect(address));
    assert_eq!([one.get(POLLING).status, one.get(POLLING).status], [200, 429]);
    assert!(Http::connect(address).is_closed());
    let metrics = engine.metrics();
    assert_eq!((metrics.connections_refused, metrics.handshakes_held_off), (1, 1));
    assert_eq!(metrics.connections_accepted, 2);
    running.shutdown(Duration::ZERO).expect("the server ran well");
}
