//! The official client, loaded from the server.

use std::{
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use siomio::{ClientFiles, Cors, Server, ServerBuilder};
use siomio_conformance::sio_conformance;
use siomio_testkit::{
    http::{Http, Response},
    polling::Polling,
};

use crate::{UPGRADE, common, status_and_text};

const FILE: &str = "/socket.io/socket.io.js";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const TAG: &str = "\"4.8.4\"";
const UNKNOWN_TRANSPORT: (u16, &str) = (400, r#"{"code":0,"message":"Transport unknown"}"#);

const NAMES: [&str; 4] =
    ["socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js", "socket.io.esm.min.js"];

/// A bundle that looks like one, and is as large.
fn bundle(name: &str) -> String {
    let banner = "/*!\n * Socket.IO v4.8.4\n * (c) somebody\n */\n";
    format!("{banner}{}", format!("// {name}\n").repeat(8_000))
}

fn map(name: &str) -> String {
    format!(r#"{{"version":3,"file":"{name}"}}"#)
}

fn all_files() -> ClientFiles {
    NAMES.into_iter().fold(ClientFiles::new(), |files, name| {
        files.file(name, bundle(name)).file(&format!("{name}.map"), map(name))
    })
}

/// Runs a test against servers that serve all files and have other settings as well.
fn serving(settings: impl Fn(ServerBuilder) -> ServerBuilder, test: impl Fn(SocketAddr)) {
    bound(|builder| sio_conformance::server(settings(builder.client_files(all_files()))), test);
}

/// Runs a test against servers of its own.
fn bound(build: impl Fn(ServerBuilder) -> Server, test: impl Fn(SocketAddr)) {
    common::for_shards(|builder| build(builder).bind("127.0.0.1:0"), test);
}

fn ask(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let mut http = Http::connect(address);
    http.request(method, target, headers, b"");
    http.response()
}

fn is_whole(response: &Response, name: &str) -> bool {
    response.status == 200 && response.text() == bundle(name)
}

#[test]
fn every_file_has_its_name_and_these_headers() {
    serving(
        |builder| builder,
        |address| {
            let mut http = Http::connect(address);
            for name in NAMES {
                let map_name = format!("{name}.map");
                for (name, content, kind) in [
                    (name, bundle(name), "application/javascript; charset=utf-8"),
                    (&map_name, map(name), "application/json; charset=utf-8"),
                ] {
                    let encodings = [("Accept-Encoding", "gzip, deflate, br")];
                    http.request("GET", &format!("/socket.io/{name}"), &encodings, b"");
                    let response = http.response();
                    assert_eq!(response.status, 200, "{name}");
                    assert!(response.text() == content, "{name} is another file");
                    let length = content.len().to_string();
                    for (header, value) in [
                        ("content-type", Some(kind)),
                        ("cache-control", Some("public, max-age=0")),
                        ("etag", Some(TAG)),
                        ("content-length", Some(&*length)),
                        ("content-encoding", None),
                        ("vary", None),
                    ] {
                        assert_eq!(response.header(header), value, "{header} of {name}");
                    }
                }
            }
        },
    );
}

#[test]
fn neither_query_nor_method_matter() {
    serving(
        |builder| builder,
        |address| {
            let mut http = Http::connect(address);
            for query in ["?", "?v=4", "?EIO=4&transport=polling", "?EIO=4&sid=nobody", "?/../x"] {
                let response = http.get(&format!("{FILE}{query}"));
                assert!(is_whole(&response, "socket.io.js"), "{query}");
            }
            for method in ["POST", "PUT", "DELETE", "PATCH", "ANYTHING"] {
                http.request(method, FILE, &[], b"a body that nobody wants");
                assert!(is_whole(&http.response(), "socket.io.js"), "{method}");
            }
            http.request("HEAD", FILE, &[], b"");
            let response = http.bodiless_response();
            let length = bundle("socket.io.js").len().to_string();
            assert_eq!((response.status, response.header("etag")), (200, Some(TAG)));
            assert_eq!(response.header("content-length"), Some(&*length));
            // Nothing of a body stands in front of this.
            assert_eq!(http.get(FILE).status, 200);
        },
    );
}

#[test]
fn who_has_a_file_is_told_that_it_is_unchanged() {
    serving(
        |builder| builder,
        |address| {
            let mut http = Http::connect(address);
            for (condition, status) in [
                (TAG, 304),
                ("W/\"4.8.4\"", 304),
                ("*", 304),
                ("\"4.8.3\", W/\"4.8.4\"", 304),
                ("\"4.8.3\"", 200),
                ("4.8.4", 200),
                ("", 200),
            ] {
                for method in ["GET", "POST"] {
                    http.request(method, FILE, &[("If-None-Match", condition)], b"");
                    let response = http.response();
                    assert_eq!(response.status, status, "{condition}");
                    assert_eq!(response.header("etag"), Some(TAG));
                    assert_eq!(response.header("cache-control"), Some("public, max-age=0"));
                    if status == 304 {
                        assert_eq!(response.text(), "");
                        assert_eq!(response.header("content-type"), None);
                    }
                }
            }
            let two_lines = [("If-None-Match", "\"a\""), ("If-None-Match", TAG)];
            http.request("GET", FILE, &two_lines, b"");
            assert_eq!(http.response().status, 304);
        },
    );
}

#[test]
fn other_names_below_the_path_are_the_engines() {
    serving(
        |builder| builder,
        |address| {
            let mut http = Http::connect(address);
            for name in [
                "",
                "socket.io.mjs",
                "socket.io.msgpack.js",
                "socket.io.esm.js",
                "socket.io.js.map.map",
                "socket.io.js/",
                "Socket.io.js",
                "socket.io%2Ejs",
                "/socket.io.js",
                "x/socket.io.js",
                "../socket.io/socket.io.js",
                "socket.io.js%3Fx",
                "package.json",
            ] {
                let response = http.get(&format!("/socket.io/{name}"));
                assert_eq!(status_and_text(&response), UNKNOWN_TRANSPORT, "{name}");
            }
            for target in ["/socket.io.js", "/elsewhere/socket.io.js", "/socket.iosocket.io.js"] {
                assert_eq!(http.get(target).status, 404, "{target}");
            }
        },
    );
}

#[test]
fn what_was_not_given_is_not_served() {
    bound(sio_conformance::server, |address| {
        assert_eq!(status_and_text(&Http::connect(address).get(FILE)), UNKNOWN_TRANSPORT);
    });
    let one = || ClientFiles::new().file("socket.io.min.js", *b"globalThis.io = null").version("1");
    bound(
        |builder| sio_conformance::server(builder.client_files(one())),
        |address| {
            let mut http = Http::connect(address);
            assert_eq!(status_and_text(&http.get(FILE)), UNKNOWN_TRANSPORT);
            let response = http.get("/socket.io/socket.io.min.js");
            assert_eq!(status_and_text(&response), (200, "globalThis.io = null"));
            assert_eq!(response.header("etag"), Some("\"1\""));
        },
    );
}

#[test]
fn files_are_found_below_any_path_behind_a_slash() {
    for (path, below) in [("live", "/live"), ("//a/b/", "/a/b"), ("/", "")] {
        for slash in [true, false] {
            let settings = |builder: ServerBuilder| {
                builder.path(path).add_trailing_slash(slash).client_files(all_files())
            };
            let found = |address| {
                let mut http = Http::connect(address);
                let response = http.get(&format!("{below}/socket.io.js?x"));
                assert!(is_whole(&response, "socket.io.js"), "{path:?} {slash}");
                let target = format!("http://somebody.example{below}/socket.io.js");
                assert!(is_whole(&http.get(&target), "socket.io.js"), "as proxies are asked");
                assert_eq!(http.get(&format!("{below}/?EIO=4&transport=polling")).status, 200);
                let response = http.get(&format!("{below}socket.io.js"));
                // Whose that is depends on the setting. It is no file.
                let status = if slash && !below.is_empty() { 404 } else { 400 };
                assert_eq!(response.status, status, "{path:?} {slash}");
            };
            bound(|builder| settings(builder).build(), found);
            crate::served(|builder| settings(builder).build_engine(), found);
        }
    }
}

#[test]
fn pages_of_other_origins_are_told_what_they_are_told_by_the_engine() {
    const ORIGIN: (&str, &str) = ("Origin", "https://example.com");
    let told = |response: &Response| {
        let header = |name| response.header(name).map(str::to_owned);
        [header("access-control-allow-origin"), header("vary")]
    };
    let one = Cors::origin(ORIGIN.1);
    for (cors, preflight, expected) in [
        (None, (200, false), [None, None]),
        (Some(Cors::any()), (204, true), [Some("*"), None]),
        (Some(one.clone()), (204, true), [Some(ORIGIN.1), Some("Origin")]),
        (Some(one.success_status(200)), (200, true), [Some(ORIGIN.1), Some("Origin")]),
        (Some(Cors::any().continue_preflight(true)), (200, false), [Some("*"), None]),
        (Some(Cors::matching(|_| panic!("on purpose"))), (500, true), [None, None]),
    ] {
        serving(
            |builder| builder.cors(cors.clone()),
            |address| {
                let response = ask(address, "GET", FILE, &[ORIGIN]);
                assert!(is_whole(&response, "socket.io.js"));
                assert_eq!(told(&response), expected.map(|value| value.map(str::to_owned)));
                let response = ask(address, "GET", FILE, &[ORIGIN, ("If-None-Match", "*")]);
                assert_eq!(response.status, 304);
                assert_eq!(told(&response), expected.map(|value| value.map(str::to_owned)));

                let response = ask(address, "OPTIONS", FILE, &[ORIGIN]);
                let (status, is_empty) = preflight;
                assert_eq!((response.status, response.body.is_empty()), (status, is_empty));
                assert_eq!(response.header("etag"), if is_empty { None } else { Some(TAG) });
                assert_eq!(response.header("access-control-allow-origin"), expected[0]);
            },
        );
    }
}

#[test]
fn the_application_does_not_see_these_requests() {
    let count = Arc::new(AtomicUsize::new(0));
    bound(
        |builder| {
            let seen = || {
                let count = count.clone();
                move || _ = count.fetch_add(1, Ordering::SeqCst)
            };
            let (middleware, allow, headers) = (seen(), seen(), seen());
            let server = sio_conformance::server(builder.client_files(all_files()).allow_request(
                move |_, decision| {
                    allow();
                    decision.allow();
                },
            ));
            let engine = server.engine();
            engine.use_middleware(move |_, next| {
                middleware();
                next.proceed();
            });
            engine.on_headers(move |_, _| headers());
            let refused = seen();
            engine.on_connection_error(move |_| refused());
            server
        },
        |address| {
            count.store(0, Ordering::SeqCst);
            assert_eq!(ask(address, "GET", FILE, &[]).status, 200);
            assert_eq!(ask(address, "GET", FILE, &[("If-None-Match", TAG)]).status, 304);
            assert_eq!(ask(address, "OPTIONS", FILE, &[]).status, 204);
            assert_eq!(count.load(Ordering::SeqCst), 0);
            assert_eq!(ask(address, "GET", POLLING, &[]).status, 200);
            assert_eq!(count.load(Ordering::SeqCst), 3, "who is not asked about a file is asked");
        },
    );
}

#[test]
fn who_asks_for_a_websocket_gets_no_file() {
    serving(
        |builder| builder,
        |address| {
            let response = ask(address, "GET", FILE, &UPGRADE);
            assert_eq!(status_and_text(&response), (400, "Transport unknown"));
            let target = format!("{FILE}?EIO=4&transport=websocket");
            assert_eq!(ask(address, "GET", &target, &UPGRADE).status, 101);
        },
    );
}

#[test]
fn a_connection_carries_files_and_sessions_of_all_shards() {
    serving(
        |builder| builder,
        |address| {
            // A new session goes to the shard with the fewest connections, so these are kept while the sessions open.
            let mut connections: Vec<_> = (0..4).map(|_| Http::connect(address)).collect();
            let open = |http| Polling::open_on(http, address, "/socket.io/");
            let sessions: Vec<_> = connections.iter_mut().map(open).collect();
            let mut http = Http::connect(address);
            for (session, other) in sessions.iter().zip(sessions.iter().cycle().skip(1)) {
                // The GET waits, and so do those behind it. The file is for whoever asks, whatever session he names.
                let (file, own) = (&FILE[1..], &session.target);
                let head = "HTTP/1.1\r\nHost: h\r\n";
                http.send(format!("GET {own} {head}\r\nGET /{file}?sid={} {head}\r\n", other.sid));
                session.send(&["40"]);
                assert!(http.response().text().starts_with("40{"));
                assert!(is_whole(&http.response(), "socket.io.js"));

                let connect = "Content-Length: 2\r\n\r\n40";
                let files = format!("GET /{file} {head}\r\n").repeat(3);
                http.send(format!("{files}POST {own} {head}{connect}{files}"));
                for _ in 0..3 {
                    assert!(is_whole(&http.response(), "socket.io.js"));
                }
                assert_eq!(status_and_text(&http.response()), (200, "ok"));
                for _ in 0..3 {
                    assert!(is_whole(&http.response(), "socket.io.js"));
                }
            }
            http.request("GET", FILE, &[("Connection", "close")], b"");
            assert!(is_whole(&http.response(), "socket.io.js"));
            assert!(http.is_closed());
        },
    );
}

/// An empty directory for a test.
fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if let Err(error) = fs::remove_dir_all(&directory) {
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
    }
    fs::create_dir_all(&directory).expect("a directory of our own");
    directory
}

#[test]
fn a_directory_is_read_at_the_start_and_only_for_what_is_known() {
    let directory = directory("client-files");
    let write = |name: &str, content: &str| {
        fs::write(directory.join(name), content).expect("a directory of our own");
    };
    write("socket.io.js", &bundle("socket.io.js"));
    write("socket.io.js.map", "{}");
    write("secret.txt", "secret");
    let files = ClientFiles::from_dir(&directory).expect("there are files");
    write("socket.io.js", "changed");
    bound(
        |builder| sio_conformance::server(builder.client_files(files.clone())),
        |address| {
            let mut http = Http::connect(address);
            let response = http.get(FILE);
            assert!(is_whole(&response, "socket.io.js"));
            assert_eq!(response.header("etag"), Some(TAG), "the version of the bundle");
            assert_eq!(status_and_text(&http.get(&format!("{FILE}.map"))), (200, "{}"));
            for name in ["secret.txt", "socket.io.min.js"] {
                let response = http.get(&format!("/socket.io/{name}"));
                assert_eq!(status_and_text(&response), UNKNOWN_TRANSPORT, "{name}");
            }
        },
    );
}

#[test]
fn a_directory_without_files_is_an_error_that_names_it() {
    let empty = directory("no-client-files");
    let error = ClientFiles::from_dir(&empty).expect_err("it is empty");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("no-client-files"), "{error}");
    fs::create_dir(empty.join("socket.io.js")).expect("a directory of our own");
    let error = ClientFiles::from_dir(&empty).expect_err("that is no file");
    assert!(error.to_string().contains("socket.io.js"), "{error}");
}
