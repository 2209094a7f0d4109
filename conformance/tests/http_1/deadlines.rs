//! How long a client may take, over real time; with a clock that obeys, the shards are tested on their own.

use std::time::{Duration, Instant};

use siomio::ServerBuilder;
use siomio_testkit::{PATIENCE, http::Http};

use crate::{assert_refused, settle, site_with};

const SHORT: Duration = Duration::from_millis(150);

fn short_heads(builder: ServerBuilder) -> ServerBuilder {
    builder.head_timeout(SHORT)
}

#[test]
fn a_head_that_drips_is_cut_short() {
    site_with(short_heads, |site| {
        // Not even a line; a line and more; the second request of a connection.
        for begin in ["", "GET / HTTP/1.1\r\n", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let mut http = site.send(begin);
            if begin.ends_with("\r\n\r\n") {
                assert_eq!(http.response().text(), "GET /a 0");
            }
            let start = Instant::now();
            while http.is_quiet_for(Duration::from_millis(10)) {
                assert!(start.elapsed() < PATIENCE, "every byte buys more time");
                http.send("x");
            }
            assert!(start.elapsed() >= SHORT - Duration::from_millis(10), "it had its time");
            assert_refused(&mut http, 408, begin);
        }
    });
}

#[test]
fn who_says_nothing_is_left_in_silence() {
    site_with(short_heads, |site| {
        for begin in ["", "\r\n\r\n"] {
            let start = Instant::now();
            assert_eq!(site.send(begin).try_response(), None, "{begin:?}");
            assert!(start.elapsed() >= SHORT, "{begin:?}");
        }
    });
}

#[test]
fn a_body_that_drips_is_cut_short() {
    let settings = |builder: ServerBuilder| builder.request_timeout(SHORT);
    site_with(settings, |site| {
        let session = site.session();
        for (target, lines, drop) in [
            ("/page", "Content-Length: 100000\r\n", "x"),
            (&*session.target, "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"),
        ] {
            let mut http = site.send(format!("POST {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n"));
            let start = Instant::now();
            while http.is_quiet_for(Duration::from_millis(10)) {
                assert!(start.elapsed() < PATIENCE, "every byte buys more time");
                http.send(drop);
            }
            assert_refused(&mut http, 408, target);
        }
        assert_eq!(session.get().status, 400, "as if the client had left");
        assert_eq!(site.seen(), [""; 0]);
    });
}

#[test]
fn a_slow_body_has_more_time_than_a_slow_head() {
    site_with(short_heads, |site| {
        let mut http = site.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx");
        assert!(http.is_quiet_for(2 * SHORT));
        http.send("x");
        assert_eq!(http.response().text(), "POST /a 2");
    });
}

#[test]
fn an_idle_connection_is_ended_in_silence() {
    let settings = |builder: ServerBuilder| builder.keep_alive_timeout(SHORT);
    site_with(settings, |site| {
        let mut http = site.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(http.response().text(), "GET /a 0");
        let start = Instant::now();
        assert_eq!(http.try_response(), None);
        assert!(start.elapsed() >= SHORT - Duration::from_millis(10));
    });
}

#[test]
fn a_get_that_waits_is_under_no_deadline_of_http() {
    let settings = |builder: ServerBuilder| {
        builder.head_timeout(SHORT).request_timeout(SHORT).keep_alive_timeout(SHORT)
    };
    site_with(settings, |site| {
        let session = site.session();
        let mut get = session.start_get();
        assert!(get.is_quiet_for(3 * SHORT));
        session.send(&["4m1"]);
        assert_eq!(get.response().text(), "4m1");
        // Half a request behind a waiting one is too late all the same, but the answer keeps its turn.
        let mut get = session.start_get();
        get.send("GET /a HTT");
        settle(&session);
        assert!(get.is_quiet_for(2 * SHORT));
        session.send(&["4m2"]);
        assert_eq!(get.response().text(), "4m2");
        assert_refused(&mut get, 408, "half a request");
    });
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let settings = |builder: ServerBuilder| builder.send_timeout(SHORT);
    site_with(settings, |site| {
        let http = site.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        // The buffers of the system are full, and nothing more is taken, until only those who look are there.
        let mut other = Http::connect(site.address);
        let end = Instant::now() + PATIENCE;
        for expected in ["2", "1"] {
            while other.get("/connections").text() != expected {
                assert!(Instant::now() < end, "never {expected}");
            }
        }
        let (mut stream, mut read) = http.into_parts();
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is not zero");
        // An error is an end, too.
        let _ = std::io::Read::read_to_end(&mut stream, &mut read);
        assert!(read.len() < 16 << 20, "{} bytes came", read.len());
    });
}
