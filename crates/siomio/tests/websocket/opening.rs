//! Who gets in, and what of them is known.

use std::{collections::HashSet, sync::mpsc};

use siomio::{Message, Rejection, Server};
use siomio_testkit::{PATIENCE, http::Http, ws::Ws};
use siomio_websocket::{OpCode, write_frame};

use crate::{Diary, SOON, UPGRADE, start, with_shards};

fn upgrade_with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    UPGRADE.iter().map(|own| if own.0 == name { (name, value) } else { *own }).collect()
}

#[test]
fn the_request_and_the_address_are_known() {
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.websocket("feed").on_open(move |socket| {
            assert_eq!(socket.endpoint().path(), "/feed");
            let request = socket.request();
            let query = request.query("who").unwrap_or_default().into_owned();
            let header = request.header("x-token").map(str::to_owned);
            let protocol = socket.protocol().map(str::to_owned);
            let url = request.url().to_owned();
            told.send((url, query, header, protocol, socket.peer_addr(), socket.id())).unwrap();
        });
        let (running, address) = start(server);
        let mut ids = HashSet::new();
        for n in 0..8 {
            let (target, token) = (format!("/feed?who=caf%C3%A9&n={n}"), n.to_string());
            let headers = [("X-Token", &*token), ("Sec-WebSocket-Protocol", "one, two")];
            let mut http = Http::connect(address);
            http.request("GET", &target, &[&UPGRADE[..], &headers].concat(), b"");
            let response = http.response();
            assert_eq!(
                (response.status, response.header("sec-websocket-protocol")),
                (101, Some("one"))
            );
            let (url, query, header, protocol, peer, id) = hear.recv_timeout(PATIENCE).unwrap();
            assert_eq!((url, &*query, header), (target, "café", Some(token)));
            assert_eq!(protocol.as_deref(), Some("one"));
            let (stream, _) = http.into_parts();
            assert_eq!(peer, stream.local_addr().unwrap());
            assert!(ids.insert(id), "{id} has been seen before");
        }
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_refusal_is_a_whole_response_and_the_end() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/door");
        let diary = Diary::of(&endpoint);
        endpoint.verify(|request| {
            assert_eq!(request.path(), "/door");
            match request.query("code").as_deref() {
                Some("sesame") => Ok(()),
                Some("boom") => panic!("thrown by the check"),
                Some("odd") => Err(Rejection::new(101, "no status for this")),
                _ => Err(Rejection::new(401, format!("not you, {}", request.peer_addr().ip()))),
            }
        });
        let (running, address) = start(server);
        for (target, status, text) in [
            ("/door", 401, "not you, 127.0.0.1"),
            ("/door?code=odd", 403, "no status for this"),
            ("/door?code=boom", 500, ""),
        ] {
            let mut http = Http::connect(address);
            http.request("GET", target, &UPGRADE, b"");
            let response = http.response();
            assert_eq!((response.status, response.text()), (status, text));
            assert_eq!(response.header("connection"), Some("close"));
            assert!(http.is_closed(), "{target}");
        }
        assert!(Ws::try_connect(address, "/door?code=sesame").is_ok());
        diary.expect(&["open", "close 1006"]);
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn a_handshake_that_is_not_one_is_refused_before_anybody_is_asked() {
    let server = Server::builder().shards(1).build();
    server.websocket("/door").verify(|_| panic!("nobody should be asked"));
    let (running, address) = start(server);
    for (method, headers, status, hint) in [
        ("GET", upgrade_with("Sec-WebSocket-Key", "short"), 400, None),
        ("GET", upgrade_with("Sec-WebSocket-Version", "7"), 400, Some("sec-websocket-version")),
        ("PUT", UPGRADE.to_vec(), 405, Some("allow")),
    ] {
        let mut http = Http::connect(address);
        http.request(method, "/door", &headers, b"");
        let response = http.response();
        assert_eq!(response.status, status, "{method} {headers:?}");
        assert!(hint.is_none_or(|name| response.header(name).is_some()), "{response:?}");
        assert!(http.is_closed());
    }
    running.shutdown(SOON).unwrap();
}

#[test]
fn a_plain_request_is_told_to_upgrade() {
    with_shards(|builder| {
        let server = builder.build();
        server.websocket("/door");
        let (running, address) = start(server);
        let mut http = Http::connect(address);
        // More than once on one connection, also for those who would rather speak something else.
        for headers in [&[][..], &upgrade_with("Upgrade", "h2c")] {
            http.request("GET", "/door?x=1", headers, b"");
            let response = http.response();
            assert_eq!((response.status, response.text()), (426, "Upgrade Required"));
            assert_eq!(response.header("upgrade"), Some("websocket"));
            assert_eq!(response.header("connection"), Some("Upgrade"));
        }
        for elsewhere in ["/door/", "/doo", "/Door", "/"] {
            assert_eq!(http.get(elsewhere).status, 404, "{elsewhere}");
            http.request("GET", elsewhere, &UPGRADE, b"");
            assert_eq!(http.response().status, 404, "{elsewhere}");
        }
        // And after all that it may still be had.
        assert!(Ws::upgrade(http, "/door", &[]).is_ok());
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_page_and_an_endpoint_can_share_their_path() {
    with_shards(|builder| {
        let server = builder.build();
        server.http(|request, response| response.text(request.path().to_owned()));
        server.websocket("/").on_open(|socket| drop(socket.send_text("hello")));
        let (running, address) = start(server);
        let mut http = Http::connect(address);
        assert_eq!(http.get("/").text(), "/");
        http.request("GET", "/", &upgrade_with("Upgrade", "h2c"), b"");
        assert_eq!(http.response().text(), "/");
        http.request("POST", "/", &[], b"data");
        assert_eq!(http.response().text(), "/");
        let mut ws = Ws::upgrade(http, "/?x=y", &[]).unwrap();
        assert_eq!(ws.text(), "hello");
        // Elsewhere the page gets what is no WebSocket's.
        let mut http = Http::connect(address);
        http.request("GET", "/elsewhere", &UPGRADE, b"");
        assert_eq!(http.response().text(), "/elsewhere");
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn the_path_of_socket_io_comes_first() {
    let server = Server::builder().shards(1).build();
    for path in ["/socket.io/x", "socket.io/", "/socket.io/"] {
        let endpoint = std::panic::AssertUnwindSafe(|| server.websocket(path));
        assert!(std::panic::catch_unwind(endpoint).is_err(), "nobody would get to {path}");
    }
    // Without its slash it is not Socket.IO's.
    server.websocket("/socket.io");
    let (running, address) = start(server);
    let refused = Ws::try_connect(address, "/socket.io/x").unwrap_err();
    assert_eq!((refused.status, refused.text()), (400, "Transport unknown"));
    assert!(Ws::try_connect(address, "/socket.io").is_ok());
    let mut ws = Ws::connect(address, "/socket.io/?EIO=4&transport=websocket");
    assert!(ws.text().starts_with("0{"));
    running.shutdown(SOON).unwrap();
}

#[test]
fn an_upgrade_waits_for_earlier_answers() {
    with_shards(|builder| {
        let server = builder.build();
        let (parked, answer) = mpsc::channel();
        server.http(move |_, response| parked.send(response).unwrap());
        server.websocket("/raw").on_open(|socket| drop(socket.send_text("hello")));
        let (running, address) = start(server);
        let mut http = Http::connect(address);
        http.request("GET", "/page", &[], b"");
        http.request("GET", "/raw", &UPGRADE, b"");
        answer.recv_timeout(PATIENCE).unwrap().text("first");
        assert_eq!(http.response().text(), "first");
        assert_eq!(http.response().status, 101);
        assert_eq!(Ws::from_http(http).text(), "hello");
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn what_comes_right_behind_the_handshake_is_not_lost() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        endpoint.on_open(|socket| drop(socket.send_text("hello")));
        endpoint.on_message(|socket, message| drop(socket.send(message)));
        let (running, address) = start(server);
        let mut request = b"GET /raw HTTP/1.1\r\nHost: localhost\r\n".to_vec();
        for (name, value) in UPGRADE {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        write_frame(&mut request, OpCode::Text, b"early", Some([1, 2, 3, 4]));
        let mut http = Http::connect(address);
        http.send(request);
        assert_eq!(http.response().status, 101);
        let mut ws = Ws::from_http(http);
        assert_eq!((ws.text(), ws.text()), ("hello".to_owned(), "early".to_owned()));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn an_engine_io_server_has_endpoints_too() {
    let server = Server::builder().shards(1).path("/engine.io").build_engine();
    server.websocket("/raw").on_message(|socket, message| {
        assert!(matches!(message, Message::Text(_)));
        socket.send(message);
    });
    let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
    let mut ws = Ws::connect(running.local_addrs()[0], "/raw");
    ws.send("4hello");
    assert_eq!(ws.text(), "4hello");
    running.shutdown(SOON).unwrap();
}

#[test]
fn pages_of_strangers_and_who_comes_too_often_are_refused() {
    with_shards(|builder| {
        let minute = std::time::Duration::from_secs(60);
        let server = builder
            .allowed_origins(["https://example.com"])
            .max_handshakes_per_ip(2, minute)
            .build();
        server.websocket("feed").on_open(|_| {});
        let (running, address) = start(server);
        let ask = |origin: &str| {
            let mut http = Http::connect(address);
            http.request("GET", "/feed", &[&UPGRADE[..], &[("Origin", origin)]].concat(), b"");
            http.response()
        };
        for (origin, status) in [
            ("https://example.com", 101),
            ("https://example.org", 403),
            ("http://localhost", 101),
            ("https://example.com", 429),
        ] {
            assert_eq!(ask(origin).status, status, "{origin}");
        }
        assert!(ask("https://example.com").header("retry-after").is_some());
        running.shutdown(SOON).unwrap();
    });
}
