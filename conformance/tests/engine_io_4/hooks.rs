//! What the application sees of requests, and adds to answers.

use std::{
    net::SocketAddr,
    sync::{Mutex, mpsc},
    thread,
};

use siomio::{ConnectionError, Cors, ServerBuilder};
use siomio_conformance::eio_echo;
use siomio_testkit::{
    PATIENCE,
    http::{Http, Response},
};

use crate::{
    BAD_REQUEST, PATH, POLLING, UPGRADE, WEBSOCKET, assert_echoes, open, served, status_and_text,
};

/// All values of a header, in order.
fn values<'r>(response: &'r Response, name: &str) -> Vec<&'r str> {
    let lines = response.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
    lines.map(|(_, value)| value.as_str()).collect()
}

fn upgrade(address: SocketAddr, target: &str) -> Response {
    let mut http = Http::connect(address);
    http.request("GET", target, &UPGRADE, b"");
    http.response()
}

#[test]
fn middlewares_see_every_request_in_turn_and_their_headers_are_on_every_answer() {
    served(
        |builder| {
            let server = eio_echo::server(builder);
            server
                .engine()
                .use_middleware(|_, next| next.header("X-Order", "1").proceed())
                .use_middleware(|_, next| {
                    // From another thread, and later than this.
                    thread::spawn(|| next.header("X-Order", "2").proceed());
                });
            server
        },
        |address| {
            let session = open(address);
            let mut http = Http::connect(address);
            for (response, status) in [
                (http.get(POLLING), 200),
                (http.post(&session.target, "4x"), 200),
                (http.get(&session.target), 200),
                (http.get(PATH), 400),
                (upgrade(address, WEBSOCKET), 101),
                (upgrade(address, &session.upgrade_target()), 101),
            ] {
                assert_eq!(response.status, status);
                assert_eq!(values(&response, "x-order"), ["1", "2"], "{response:?}");
                assert_eq!(values(&response, "access-control-allow-origin"), ["*"]);
            }
            assert_eq!(values(&http.get("/elsewhere"), "x-order"), [""; 0]);
            assert_echoes(&session);
        },
    );
}

#[test]
fn a_middleware_may_refuse_or_answer() {
    served(
        |builder| {
            let server = eio_echo::server(builder);
            server.engine().use_middleware(|request, next| match request.query("do").as_deref() {
                Some("refuse") => next.header("WWW-Authenticate", "Basic").refuse(),
                Some("interim") => next.answer(100, "text/plain", "go on"),
                Some("switch") => next.answer(101, "text/plain", "switch"),
                Some("typed") => {
                    next.header("Content-Type", "text/html").answer(200, "text/plain", "x")
                }
                Some("drop") => drop(next),
                Some("panic") => panic!("on purpose"),
                Some("answer") => next.header("X-By", "me").answer(418, "text/plain", "a teapot"),
                Some("mistake") => next.header("X-By", "me\r\nX-Smuggled: 1").proceed(),
                _ => next.proceed(),
            });
            server
        },
        |address| {
            let mut http = Http::connect(address);
            for how in ["refuse", "drop", "panic"] {
                let response = http.get(&format!("{POLLING}&do={how}"));
                assert_eq!(status_and_text(&response), (400, BAD_REQUEST), "{how}");
                let expected = (how == "refuse").then_some("Basic");
                assert_eq!(response.header("www-authenticate"), expected);
                let response = upgrade(address, &format!("{WEBSOCKET}&do={how}"));
                assert_eq!(status_and_text(&response), (400, "Bad request"), "{how}");
            }
            for response in [
                http.get(&format!("{POLLING}&do=answer")),
                upgrade(address, &format!("{WEBSOCKET}&do=answer")),
            ] {
                assert_eq!(status_and_text(&response), (418, "a teapot"));
                assert_eq!(response.header("x-by"), Some("me"));
                assert_eq!(response.header("content-type"), Some("text/plain"));
            }
            for interim in ["interim", "switch"] {
                assert_eq!(http.get(&format!("{POLLING}&do={interim}")).status, 500);
                let target = format!("{WEBSOCKET}&do={interim}");
                assert_eq!(upgrade(address, &target).status, 500);
            }
            let response = http.get(&format!("{POLLING}&do=typed"));
            assert_eq!(values(&response, "content-type"), ["text/plain"], "the answer knows best");
            let response = http.get(&format!("{POLLING}&do=mistake"));
            assert_eq!((response.status, response.header("x-smuggled")), (500, None));
            assert_eq!(http.get(POLLING).status, 200);
        },
    );
}

#[test]
fn a_preflight_may_be_left_to_a_middleware() {
    served(
        |builder| {
            let server = eio_echo::server(builder.cors(Cors::any().continue_preflight(true)));
            server.engine().use_middleware(|request, next| match request.method() {
                siomio::Method::Options => next.answer(204, "text/plain", ""),
                _ => next.proceed(),
            });
            server
        },
        |address| {
            let mut http = Http::connect(address);
            http.request("OPTIONS", POLLING, &[("Origin", "https://example.com")], b"");
            let response = http.response();
            assert_eq!(response.status, 204);
            assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        },
    );
}

#[test]
fn header_hooks_run_once_for_the_first_answer_and_for_each() {
    served(
        |builder| {
            let server = eio_echo::server(builder);
            server
                .engine()
                .on_initial_headers(|headers, request| {
                    headers.append("Set-Cookie", "a=1").expect("allowed");
                    headers.append("Set-Cookie", "b=2").expect("allowed");
                    headers.set("X-Target", request.path().to_owned()).expect("allowed");
                })
                .on_headers(|headers, _| {
                    headers.append("X-Every", "1").expect("allowed");
                });
            server
        },
        |address| {
            let mut http = Http::connect(address);
            for response in [http.get(POLLING), upgrade(address, WEBSOCKET)] {
                assert_eq!(values(&response, "set-cookie"), ["a=1", "b=2"]);
                assert_eq!(values(&response, "x-target"), [PATH]);
                assert_eq!(values(&response, "x-every"), ["1"]);
            }
            let session = open(address);
            for response in [
                http.post(&session.target, "4x"),
                http.get(&session.target),
                upgrade(address, &session.upgrade_target()),
            ] {
                assert_eq!(values(&response, "set-cookie"), [""; 0]);
                assert_eq!(values(&response, "x-every"), ["1"], "{response:?}");
            }
            let refused = http.get(PATH);
            assert_eq!((refused.status, values(&refused, "x-every")), (400, vec![]));
        },
    );
}

#[test]
fn a_header_of_a_hook_takes_the_place_of_our_own() {
    served(
        |builder| {
            let server = eio_echo::server(builder.cors(Cors::reflect()));
            server.engine().on_headers(|headers, _| {
                headers.set("Content-Type", "application/x-mine").expect("allowed");
                headers.set("cache-control", "private").expect("allowed");
                headers.append("Vary", "Cookie").expect("allowed");
            });
            server
        },
        |address| {
            let response = Http::connect(address).get(POLLING);
            assert_eq!(values(&response, "content-type"), ["application/x-mine"]);
            assert_eq!(values(&response, "cache-control"), ["private"]);
            assert_eq!(values(&response, "vary"), ["Origin", "Cookie"]);
        },
    );
}

#[test]
fn a_hook_that_panics_is_reported_and_nothing_goes_out_without_its_headers() {
    let log = Mutex::new(None);
    served(
        |builder| {
            let server = eio_echo::server(builder.cookie(siomio::Cookie::default()));
            let (tell, told) = mpsc::channel();
            *log.lock().expect("nobody panics") = Some(told);
            server
                .engine()
                .on_headers(|_, request| assert!(request.query("panic").is_none(), "on purpose"))
                .on_initial_headers(|headers, request| {
                    headers.set("X-Half", "way").expect("HTTP allows it");
                    assert!(request.query("initially").is_none(), "on purpose");
                })
                .on_panic(move |panic| drop(tell.send(panic.to_string())));
            server.on_message(|_, message, _| {
                assert_ne!(message, siomio::Message::Text("panic"), "on purpose");
            });
            server
        },
        |address| {
            let told = log.lock().expect("nobody panics").take().expect("a server");
            let session = open(address);
            for target in [POLLING, &session.target] {
                let response = Http::connect(address).get(&format!("{target}&panic"));
                assert_eq!((response.status, response.header("set-cookie")), (500, None));
                let panic = told.recv_timeout(PATIENCE).expect("a report");
                assert_eq!(panic, "on_headers panicked: on purpose");
            }
            assert_eq!(upgrade(address, &format!("{WEBSOCKET}&panic")).status, 500);
            assert!(told.recv_timeout(PATIENCE).is_ok());

            let response = Http::connect(address).get(&format!("{POLLING}&initially"));
            let headers = (response.header("set-cookie"), response.header("x-half"));
            assert_eq!((response.status, headers), (500, (None, None)));
            let panic = told.recv_timeout(PATIENCE).expect("a report");
            assert_eq!(panic, "on_initial_headers panicked: on purpose");
            assert_eq!(upgrade(address, &format!("{WEBSOCKET}&initially")).status, 500);
            assert!(told.recv_timeout(PATIENCE).is_ok());
            let posted = Http::connect(address).post(&format!("{}&initially", session.target), "6");
            assert_eq!(posted.status, 200, "only what opens a session has initial headers");
            assert_echoes(&session);
            session.send(&["4panic"]);
            let panic = told.recv_timeout(PATIENCE).expect("a report");
            assert!(panic.starts_with("on_message panicked: "), "{panic}");
            session.expect("4panic");
            session.expect("6\u{1e}1");
        },
    );
}

#[test]
fn a_header_that_is_the_websockets_own_is_a_500_and_not_a_broken_101() {
    served(
        |builder| {
            let server = eio_echo::server(builder);
            server.engine().on_headers(|headers, _| {
                headers.set("Sec-WebSocket-Accept", "forged").expect("HTTP allows it");
            });
            server
        },
        |address| {
            assert_eq!(upgrade(address, WEBSOCKET).status, 500);
            assert_eq!(Http::connect(address).get(POLLING).status, 200);
        },
    );
}

/// Runs a test against a server whose refusals are told.
fn reported(
    settings: impl Fn(ServerBuilder) -> ServerBuilder,
    test: impl Fn(SocketAddr, &mpsc::Receiver<String>),
) {
    let log = Mutex::new(None);
    served(
        |builder| {
            let server = eio_echo::server(settings(builder));
            let (tell, told) = mpsc::channel();
            *log.lock().expect("nobody panics") = Some(told);
            server.engine().use_middleware(|request, next| match request.query("refuse") {
                Some(_) => next.refuse(),
                None => next.proceed(),
            });
            server.engine().on_connection_error(move |error: &ConnectionError<'_>| {
                let context =
                    error.context().into_iter().map(|(name, value)| format!("{name}={value}"));
                let context: Vec<_> = context.collect();
                let (code, message) = (error.code(), error.message());
                let path = error.request().path();
                // The test may be over.
                let _ = tell.send(format!("{code} {message} {} {path}", context.join(" ")));
            });
            server
        },
        |address| {
            let told = log.lock().expect("nobody panics").take().expect("a server");
            test(address, &told);
        },
    );
}

#[test]
fn every_refusal_is_reported_with_its_context() {
    let settings = |builder: ServerBuilder| {
        builder
            .allow_request(|request, decision| match request.query("deny") {
                Some(_) => decision.refuse("not you"),
                None => decision.allow(),
            })
            .generate_id(|request| match request.query("id") {
                Some(id) => Ok(id.into_owned()),
                None => Err("no id".to_owned()),
            })
    };
    reported(settings, |address, told| {
        let expect = |report: &str| {
            assert_eq!(told.recv_timeout(PATIENCE).as_deref(), Ok(report));
        };
        let session = format!("{POLLING}&id=known");
        assert_eq!(Http::connect(address).get(&session).status, 200);
        let session = format!("{POLLING}&sid=known");
        let on_other_transport = session.replace("polling", "websocket");
        let other_revision = session.replace("EIO=4", "EIO=3");
        for (method, target, headers, report) in [
            (
                "GET",
                "/engine.io/?transport=__proto__",
                &[][..],
                "0 Transport unknown transport=__proto__",
            ),
            ("GET", "/engine.io/", &[], "0 Transport unknown transport="),
            ("GET", "/engine.io/?transport=polling&sid=x", &[], "1 Session ID unknown sid=x"),
            ("PUT", POLLING, &[], "2 Bad handshake method method=PUT"),
            ("GET", WEBSOCKET, &[], "3 Bad request name=TRANSPORT_HANDSHAKE_ERROR"),
            ("GET", &on_other_transport, &[], "3 Bad request name=TRANSPORT_MISMATCH"),
            ("GET", &other_revision, &[], "3 Bad request name=PROTOCOL_MISMATCH"),
            ("GET", POLLING, &[], "3 Bad request name=ID_GENERATION_ERROR error=no id"),
            ("GET", WEBSOCKET, &UPGRADE, "3 Bad request name=ID_GENERATION_ERROR error=no id"),
            ("GET", &format!("{POLLING}&refuse"), &[], "3 Bad request name=MIDDLEWARE_FAILURE"),
            ("GET", &format!("{POLLING}&deny"), &[], "4 not you message=not you"),
            (
                "GET",
                "/engine.io/?transport=polling",
                &[],
                "5 Unsupported protocol version protocol=3",
            ),
            (
                "GET",
                "/engine.io/?transport=websocket",
                &UPGRADE,
                "5 Unsupported protocol version protocol=3",
            ),
        ] {
            let mut http = Http::connect(address);
            http.request(method, target, headers, b"");
            assert!(http.response().status >= 400, "{target}");
            expect(&format!("{report} {PATH}"));
        }
    });
}
