//! Whose request it is, and who sees it first.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use siomio_conformance::eio_echo;
use siomio_testkit::http::{Http, Response};

use crate::{
    BAD_REQUEST, PATH, POLLING, UPGRADE, WEBSOCKET, assert_echoes, echo, open, served,
    status_and_text,
};

fn ask(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let mut http = Http::connect(address);
    http.request(method, target, headers, b"");
    http.response()
}

#[test]
fn slashes_around_the_path_do_not_matter() {
    for path in ["live", "/live", "live/", "/live/", "//live//"] {
        served(
            |builder| builder.path(path).build_engine(),
            |address| {
                for (target, status) in [("/live/?", 200), ("/live?", 404), ("/?", 404)] {
                    let target = format!("{target}EIO=4&transport=polling");
                    assert_eq!(Http::connect(address).get(&target).status, status, "{path:?}");
                }
            },
        );
    }
}

#[test]
fn a_path_of_nothing_is_every_path() {
    served(
        |builder| builder.path("/").build_engine(),
        |address| {
            for target in ["/?EIO=4&transport=polling", "/a/b?EIO=4&transport=polling"] {
                assert_eq!(Http::connect(address).get(target).status, 200, "{target}");
            }
        },
    );
}

#[test]
fn the_path_is_compared_as_it_is_written() {
    echo(|address| {
        for path in
            ["/Engine.io/", "/engine%2Eio/", "/engine.io%2F", "/./engine.io/", "//engine.io/"]
        {
            let target = format!("{path}?EIO=4&transport=polling");
            assert_eq!(Http::connect(address).get(&target).status, 404, "{path}");
        }
        let target = format!("http://somebody.example{POLLING}");
        assert_eq!(Http::connect(address).get(&target).status, 200, "as proxies are asked");
    });
}

#[test]
fn other_requests_are_the_applications() {
    served(
        |builder| {
            let server = eio_echo::server(builder);
            server.http(|request, response| {
                response.text(format!("{} {}", request.method(), request.path()));
            });
            server
        },
        |address| {
            let query = "EIO=4&transport=websocket";
            for (method, target, headers, text) in [
                ("GET", "/engine.io", &[][..], "GET /engine.io"),
                ("POST", "/elsewhere", &[], "POST /elsewhere"),
                // Somebody who wants a WebSocket where there is none.
                ("GET", &format!("/elsewhere/?{query}"), &UPGRADE, "GET /elsewhere/"),
            ] {
                let response = ask(address, method, target, headers);
                assert_eq!(status_and_text(&response), (200, text));
            }
            assert_echoes(&open(address));
        },
    );
}

#[test]
fn middlewares_come_after_preflights_and_before_everything_else() {
    let count = Arc::new(AtomicUsize::new(0));
    served(
        |builder| {
            let server = eio_echo::server(builder);
            let count = count.clone();
            server.engine().use_middleware(move |_, next| {
                count.fetch_add(1, Ordering::SeqCst);
                next.refuse();
            });
            server
        },
        |address| {
            count.store(0, Ordering::SeqCst);
            assert_eq!(ask(address, "OPTIONS", POLLING, &[]).status, 204);
            assert_eq!(count.load(Ordering::SeqCst), 0);
            // Each of these has something wrong, and nobody has looked yet.
            let unknown = format!("{POLLING}&sid=AAAAAAAAAAAAAAAAAAAA");
            for (method, target) in [("GET", PATH), ("GET", &unknown), ("PUT", POLLING)] {
                let response = ask(address, method, target, &[]);
                assert_eq!(status_and_text(&response), (400, BAD_REQUEST), "{method} {target}");
            }
            let response = ask(address, "POST", WEBSOCKET, &UPGRADE);
            assert_eq!(status_and_text(&response), (400, "Bad request"));
            assert_eq!(count.load(Ordering::SeqCst), 4);
        },
    );
}
