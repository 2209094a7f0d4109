//! What clients do wrong.

use std::time::Duration;

use siomio::{ConnectError, Metrics, Value};
use siomio_testkit::{http::Http, ws::Ws};
use siomio_websocket::OpCode;

use super::{SOON, WS, join, join_polling, start, wait_until, with_shards};

#[test]
fn refused_requests_are_counted_by_code() {
    with_shards(|builder| {
        let server = builder.allow_request(|request, decision| {
            if request.query("ticket").is_some() { decision.refuse("no") } else { decision.allow() }
        });
        let (running, address) = start(server.build());
        let mut http = Http::connect(address);
        for (method, query) in [
            ("GET", "EIO=4&transport=carrier-pigeon"),
            ("GET", "EIO=4&transport=polling&sid=nobody"),
            ("POST", "EIO=4&transport=polling"),
            ("GET", "EIO=4&transport=websocket"),
            ("GET", "EIO=4&transport=polling&ticket=1"),
            ("GET", "EIO=3&transport=polling"),
            ("GET", "EIO=3&transport=polling"),
        ] {
            http.request(method, &format!("/socket.io/?{query}"), &[], b"");
            assert!(http.response().status >= 400, "{query}");
        }
        let metrics = running.io().metrics();
        let codes = [
            metrics.refused_transport_unknown,
            metrics.refused_unknown_sid,
            metrics.refused_handshake_method,
            metrics.refused_bad_request,
            metrics.refused_forbidden,
            metrics.refused_protocol,
        ];
        assert_eq!(codes, [1, 1, 1, 1, 1, 2]);
        assert_eq!(metrics.opened_polling, 0);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn refused_sockets_are_counted_and_no_others() {
    with_shards(|builder| {
        let server = builder.build();
        server.of("/locked").use_middleware(|_, _: Value| Err(ConnectError::new("no")));
        let (running, address) = start(server);
        let mut ws = join(address);
        ws.send_all(["40/locked,", "40/nowhere,"]);
        assert!(ws.text().starts_with("44/locked,"));
        assert!(ws.text().starts_with("44/nowhere,"));
        let metrics = running.io().metrics();
        assert_eq!(
            (metrics.sockets_refused, metrics.sockets_connected, metrics.sockets),
            (2, 1, 1)
        );
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn every_kind_of_violation_is_counted_once() {
    with_shards(|builder| {
        let (running, address) = start(builder.build());
        let io = running.io();
        let mut expected = 0;
        let mut happened = |what: &str, client: Option<Ws>| {
            expected += 1;
            let is_so = |it: &Metrics| it.violations == expected && it.sockets == 0;
            wait_until(&io, what, is_so);
            drop(client);
        };
        let mut ws = join(address);
        ws.send("42{\"not\":\"an event\"}");
        happened("what is no packet of Socket.IO", Some(ws));
        let mut ws = join(address);
        ws.send("9");
        happened("what is no packet of Engine.IO", Some(ws));
        let mut ws = join(address);
        ws.send("2");
        happened("a ping in the wrong direction", Some(ws));
        let mut ws = join(address);
        ws.frame(OpCode::Text, &[0xff]);
        happened("text that is none", Some(ws));
        let polling = join_polling(address);
        let (first, second) = (polling.start_get(), polling.start_get());
        happened("two GETs at once", None);
        drop((first, second));
        // An end is none, in whichever way.
        join(address).reset();
        let metrics = wait_until(&io, "gone", |metrics| metrics.connections == 0);
        assert_eq!(metrics.violations, 5);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_client_that_does_not_answer_pings_is_counted() {
    with_shards(|builder| {
        let millis = Duration::from_millis;
        let server = builder.ping_interval(millis(50)).ping_timeout(millis(50)).build();
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, WS);
        ws.text();
        let io = running.io();
        let metrics = wait_until(&io, "late", |metrics| metrics.closed_ping_timeout == 1);
        assert_eq!((metrics.violations, metrics.sessions_websocket), (0, 0));
        running.shutdown(SOON).unwrap();
    });
}
