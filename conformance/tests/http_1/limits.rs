//! How much a client may send: heads, header lines, bodies, and what stands between.

use std::{sync::mpsc, time::Duration};

use siomio::{Server, ServerBuilder};
use siomio_conformance::eio_echo;
use siomio_testkit::{PATIENCE, http::Http};

use crate::{SMUGGLED, assert_last, assert_refused, site, site_with, status_and_text};

/// A GET with as many bytes of head, most of them in one header line.
fn head_of(bytes: usize) -> String {
    let rest = "GET /a HTTP/1.1\r\nHost: x\r\nA: \r\n\r\n".len();
    format!("GET /a HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "x".repeat(bytes - rest))
}

/// A GET with as many header lines.
fn lines(count: usize) -> String {
    format!("GET /a HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(count - 1))
}

fn target_of(bytes: usize) -> String {
    format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(bytes - 1))
}

#[test]
fn heads_have_a_size_and_so_many_lines() {
    site(|site| {
        for (what, good, bad, status) in [
            ("bytes", head_of(16 * 1024), head_of(16 * 1024 + 1), 431),
            ("lines", lines(100), lines(101), 431),
            ("target", target_of(16_000), target_of(17_000), 414),
        ] {
            let mut http = site.send(good);
            assert_eq!(http.response().status, 200, "{what}");
            http.send(bad.clone() + SMUGGLED);
            assert_refused(&mut http, status, what);
            let mut http = site.send(bad + SMUGGLED);
            assert_refused(&mut http, status, what);
            assert!(!site.seen().contains(&"GET /smuggled".to_owned()), "{what}");
        }
    });
}

#[test]
fn the_limits_of_heads_are_settings() {
    let small = |builder: ServerBuilder| builder.max_head(200).max_headers(3);
    site_with(small, |site| {
        let mut http = site.connect();
        for good in [head_of(200), lines(3)] {
            http.send(good);
            assert_eq!(http.response().status, 200);
        }
        assert_refused(&mut site.send(head_of(201)), 431, "bytes");
        assert_refused(&mut site.send(lines(4)), 431, "lines");
        assert_refused(&mut site.send(target_of(200)), 414, "target");
    });
}

#[test]
fn a_head_without_end_is_refused_before_it_ends() {
    site(|site| {
        for (begin, status) in [("GET /", 414), ("GET / HTTP/1.1\r\nA: ", 431), ("", 414)] {
            let mut http = site.send(begin.to_owned() + &"x".repeat(17_000));
            assert_refused(&mut http, status, begin);
        }
    });
}

const LIMIT: usize = 1000;

fn limited(builder: ServerBuilder) -> ServerBuilder {
    builder.max_http_body(LIMIT).max_payload(LIMIT)
}

fn post(target: &str, lines: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n{body}")
}

#[test]
fn a_page_refuses_a_body_by_its_length_and_keeps_the_connection() {
    site_with(limited, |site| {
        let mut http = site.connect();
        http.send(post("/a", "Content-Length: 1000\r\n", &"x".repeat(LIMIT)));
        assert_eq!(http.response().text(), "POST /a 1000");
        for length in [LIMIT + 1, 500_000] {
            http.send(post("/b", &format!("Content-Length: {length}\r\n"), ""));
            let response = http.response();
            assert_eq!((response.status, response.header("connection")), (413, None));
            http.send("x".repeat(length));
        }
        http.send("GET /c HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(http.response().text(), "GET /c 0");
        assert_eq!(site.seen(), ["POST /a", "GET /c"]);
    });
}

#[test]
fn chunks_count_towards_the_limit_of_a_page() {
    site_with(limited, |site| {
        let chunked = "Transfer-Encoding: chunked\r\n";
        let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
        let mut http = site.connect();
        http.send(post("/a", chunked, &(chunk.repeat(10) + "0\r\n\r\n")));
        assert_eq!(http.response().text(), "POST /a 1000");
        http.send(post("/b", chunked, &chunk.repeat(11)));
        assert_eq!(http.response().status, 413);
        http.send(chunk.repeat(100) + "0\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(http.response().text(), "GET /c 0");
        assert_eq!(site.seen(), ["POST /a", "GET /c"]);
    });
}

/// Targets below and outside the path of the sessions.
fn targets(site: &crate::Site) -> [String; 3] {
    [
        "/page".to_owned(),
        format!("{}&sid=AAAAAAAAAAAAAAAAAAAA", crate::POLLING),
        site.session().target,
    ]
}

#[test]
fn a_body_that_is_much_too_long_is_not_read_to_its_end() {
    site_with(limited, |site| {
        for target in targets(site) {
            // More than the first megabyte of it would be a waste.
            let mut http = site.send(post(&target, "Content-Length: 1000000000000\r\n", ""));
            http.send("4".repeat(LIMIT + 1));
            let response = http.response();
            let status = if target.ends_with("AAAA") { 400 } else { 413 };
            assert_last(&response, status, &target);
            assert!(http.is_closed(), "{target}");
        }
        assert_eq!(site.seen(), [""; 0]);
    });
}

#[test]
fn a_body_of_chunks_without_end_is_not_read_to_its_end() {
    site_with(limited, |site| {
        let chunk = format!("10000\r\n{}\r\n", "4".repeat(0x10000));
        for target in targets(site) {
            let mut http = site.send(post(&target, "Transfer-Encoding: chunked\r\n", ""));
            (0..20).for_each(|_| http.send(&chunk));
            let status = if target.ends_with("AAAA") { 400 } else { 413 };
            assert_eq!(http.response().status, status, "{target}");
            assert!(http.is_closed(), "{target}");
        }
    });
}

#[test]
fn a_get_that_waits_takes_no_endless_body_either() {
    site(|site| {
        let session = site.session();
        let mut http = site.send(format!(
            "GET {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            session.target
        ));
        let chunk = format!("10000\r\n{}\r\n", "4".repeat(0x10000));
        (0..20).for_each(|_| http.send(&chunk));
        assert_refused(&mut http, 413, "a GET");
        assert_eq!(session.get().status, 400, "its session went with it");
    });
}

#[test]
fn extensions_and_trailers_have_limits() {
    site(|site| {
        let post = |chunks: String| post("/a", "Transfer-Encoding: chunked\r\n", &chunks);
        let extension = "x".repeat(16 * 1024);
        let trailer = |bytes: usize| format!("A: {}\r\n", "x".repeat(bytes - 5));
        let mut http = site.connect();
        http.send(post(format!("1;{extension}\r\nx\r\n0\r\n{}\r\n", trailer(8 * 1024 - 2))));
        assert_eq!(http.response().text(), "POST /a 1");
        for (what, chunks, status) in [
            ("one long extension", format!("1;{extension}x\r\nx\r\n0\r\n\r\n"), 400),
            ("many extensions", "1;xxxxxxxxx\r\nx\r\n".repeat(2000), 400),
            ("an endless extension", format!("1;{}", extension.repeat(2)), 400),
            ("a long trailer", format!("0\r\n{}\r\n", trailer(8 * 1024)), 431),
            ("many trailers", format!("0\r\n{}", "A: b\r\n".repeat(2000)), 431),
        ] {
            let mut http = site.send(post(chunks));
            assert_refused(&mut http, status, what);
        }
        assert_eq!(site.seen(), ["POST /a"]);
    });
}

#[test]
fn as_many_requests_as_anybody_likes_may_come_at_once() {
    site(|site| {
        let mut http = site.connect();
        http.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000));
        for _ in 0..1000 {
            assert_eq!(status_and_text(&http.response()), (200, "GET /a 0"));
        }
    });
}

#[test]
fn of_requests_that_wait_for_their_answers_no_more_than_64_are_looked_at() {
    const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    // One shard: whoever asks later is heard after all that came before.
    let server = eio_echo::server(Server::builder().shards(1));
    let (tell, told) = mpsc::channel();
    server.http(move |_, response| drop(tell.send(response)));
    let running = server.bind("127.0.0.1:0").expect("a free port").spawn().expect("a thread");
    let address = running.local_addrs()[0];
    let next = || told.recv_timeout(PATIENCE).expect("a request");

    let mut http = Http::connect(address);
    http.send(GET.repeat(100));
    let first: Vec<_> = (0..64).map(|_| next()).collect();
    let mut other = Http::connect(address);
    other.send(GET);
    next().text("other");
    assert_eq!(other.response().text(), "other");
    assert!(told.try_recv().is_err(), "more than 64 are looked at");

    first.into_iter().for_each(|response| response.text("one of 64"));
    for _ in 64..100 {
        next().text("one more");
    }
    for number in 0..100 {
        let expected = if number < 64 { "one of 64" } else { "one more" };
        assert_eq!(http.response().text(), expected, "{number}");
    }
    drop(http);
    running.shutdown(Duration::from_millis(5)).expect("the server ran well");
}
