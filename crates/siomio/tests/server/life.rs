//! The life of a server: HTTP beside it, slow clients, the end.

use std::{net::SocketAddr, sync::mpsc, time::Duration};

use siomio::Server;
use siomio_testkit::{PATIENCE, http::Http, ws::Got};

use super::{SOON, join, join_polling, start, with_shards};

#[test]
fn http_beside_it_may_emit_and_answer_later() {
    with_shards(|builder| {
        let server = builder.max_http_body(1000).build();
        let io = server.io();
        server.http(move |request, response| match (request.method().as_str(), request.path()) {
            ("POST", "/announce") => {
                io.emit("announcement", request.text());
                response.status(202).header("X-Told", "all").json(&request.body().len());
            }
            ("GET", "/later") => {
                std::thread::spawn(move || response.text("later"));
            }
            ("GET", "/bad") => response.header("X-Bad", "a\r\nb").text("never"),
            ("GET", "/echo") => response.text(request.query("q").unwrap_or_default().into_owned()),
            _ => {}
        });
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        let mut http = Http::connect(address);
        let response = http.post("/announce", "good news");
        assert_eq!(
            (response.status, response.text(), response.header("x-told")),
            (202, "9", Some("all"))
        );
        assert_eq!(ws.message(), "42[\"announcement\",\"good news\"]");
        assert_eq!(http.get("/later").text(), "later");
        let bad = http.get("/bad");
        assert_eq!((bad.status, bad.text().contains("X-Bad")), (500, true), "{bad:?}");
        assert_eq!(http.get("/echo?q=a%20b").text(), "a b");
        assert_eq!(http.get("/nothing").status, 404);
        assert_eq!(http.post("/announce", [b'x'; 1001]).status, 413);
        assert_eq!(http.get("/echo?q=still+here").text(), "still here");
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_client_that_does_not_read_is_dropped_with_its_own_reason() {
    with_shards(|builder| {
        let server = builder.max_buffered(200_000).build();
        let (told, hear) = mpsc::channel();
        server.on_disconnect(move |_, reason| told.send(reason.as_str()).unwrap());
        let (running, address) = start(server);
        let (deaf, _) = join(address);
        let (mut good, _) = join(address);
        let deaf_polling = join_polling(address);
        let io = running.io();
        let large = "x".repeat(100_000);
        let mut reasons = Vec::new();
        // Enough for any buffer of the system; the good client reads along.
        for n in 0..2000 {
            io.emit("large", &large);
            loop {
                match good.next() {
                    Got::Text(text) if text == "2" => good.send("3"),
                    Got::Text(text) => break assert!(text.len() > 100_000),
                    other => panic!("{other:?} after {n}"),
                }
            }
            reasons.extend(hear.try_iter());
            if reasons.len() == 2 {
                break;
            }
        }
        assert_eq!(reasons, ["slow consumer"; 2]);
        assert_eq!(deaf_polling.get().status, 400);
        drop(deaf);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn shutting_down_tells_everybody_and_flushes_what_is_queued() {
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.on_disconnect(move |_, reason| told.send(reason.as_str()).unwrap());
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        let (parked, fetching) = (join_polling(address), join_polling(address));
        let mut get = parked.start_get();
        let mut idle = Http::connect(address);
        assert_eq!(idle.get("/nothing").status, 404);
        let mut keep = Http::connect(address);
        keep.request("POST", &fetching.target, &[], b"3");
        assert_eq!(keep.response().status, 200);

        let io = running.io();
        io.emit("last", "words");
        io.close(PATIENCE);
        assert_eq!(ws.text(), "42[\"last\",\"words\"]");
        assert_eq!(ws.closing(), None);
        assert_eq!(get.response().text(), "42[\"last\",\"words\"]");
        assert_eq!(get.get(&parked.target).text(), "6\u{1e}1");
        assert_eq!(keep.get(&fetching.target).text(), "42[\"last\",\"words\"]");
        assert_eq!(keep.get(&fetching.target).text(), "6\u{1e}1");
        let mut reasons: Vec<_> = (0..3).map(|_| hear.recv_timeout(PATIENCE).unwrap()).collect();
        reasons.dedup();
        assert_eq!(reasons, ["server shutting down"]);
        for http in [&mut get, &mut keep, &mut idle] {
            assert!(http.is_closed());
        }
        // The connections end when we do.
        drop((ws, get, keep, idle));
        running.join().unwrap();
        assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
    });
}

#[test]
fn shutting_down_ends_at_the_deadline_whoever_still_hangs_on() {
    let server = Server::builder().shards(2).build();
    let (running, address) = start(server);
    let (ws, _) = join(address);
    let polling = join_polling(address);
    running.shutdown(Duration::from_millis(100)).unwrap();
    drop((ws, polling));
}

#[test]
fn a_server_runs_once() {
    let server = Server::builder().shards(1).build();
    let io = server.io();
    let (running, _) = start(server);
    running.shutdown(SOON).unwrap();
    assert_eq!(io.connections(), 0);
    assert_eq!(io.emit("nobody", "hears"), siomio::Sent::Queued);
}

#[test]
fn both_families_and_several_addresses_are_served() {
    let server = Server::builder().shards(2).build();
    server.http(|request, response| response.text(request.peer_addr().ip().to_string()));
    let addresses: [SocketAddr; 2] = ["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    let running = server.bind(&addresses[..]).unwrap().spawn().unwrap();
    for address in running.local_addrs().to_vec() {
        assert_eq!(Http::connect(address).get("/").text(), address.ip().to_string());
    }
    running.shutdown(SOON).unwrap();
}

#[test]
fn slow_requests_end_in_time_and_waiting_ones_do_not() {
    with_shards(|builder| {
        let server = builder
            .request_timeout(Duration::from_millis(100))
            .keep_alive_timeout(Duration::from_millis(300))
            .build();
        let (running, address) = start(server);
        let polling = join_polling(address);
        // A GET that waits, and behind it a POST with a body, answered in order.
        let mut waiting = polling.start_get();
        waiting.request("POST", &polling.target, &[], b"43[]");

        let mut slow_head = Http::connect(address);
        slow_head.send("GET / HTTP/1.1\r\nHost:");
        assert_eq!(slow_head.response().status, 408);
        assert!(slow_head.is_closed());
        let mut slow_body = Http::connect(address);
        slow_body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nslow");
        assert_eq!(slow_body.response().status, 408);
        assert!(slow_body.is_closed());
        let mut idle = Http::connect(address);
        assert_eq!(idle.get("/").status, 404);
        assert!(idle.is_closed(), "kept for a while, then ended");

        running.io().emit("still", "here");
        assert_eq!(waiting.response().text(), "42[\"still\",\"here\"]");
        assert_eq!(waiting.response().text(), "ok");
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_name_that_clients_cannot_send_is_refused_at_once() {
    let server = Server::builder().shards(1).build();
    let registering = || {
        server.on("disconnect", |_: &siomio::Socket| {});
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(registering)).is_err());
}

#[test]
fn a_request_that_is_answered_before_its_body_comes_does_not_keep_its_connection_for_ever() {
    with_shards(|builder| {
        let (running, address) = start(builder.request_timeout(Duration::from_millis(100)).build());
        for target in ["/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", "/nothing"] {
            let mut http = Http::connect(address);
            http.send(format!("POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n"));
            let expected = if target.starts_with("/socket.io/") { 400 } else { 408 };
            assert_eq!(http.response().status, expected);
            assert!(http.is_closed());
        }
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_post_whose_session_ends_before_its_body_does_is_answered() {
    with_shards(|builder| {
        let (running, address) = start(builder.build());
        let polling = join_polling(address);
        let mut post = Http::connect(address);
        post.send(format!(
            "POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n4",
            polling.target
        ));
        // Two GETs end the session.
        let mut first = polling.start_get();
        assert_eq!(polling.get().status, 400);
        assert_eq!(first.response().text(), "1");
        post.send("3x");
        assert_eq!(post.response().status, 400);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn pages_are_not_opened_to_other_origins() {
    let server =
        Server::builder().shards(1).cors(siomio::Cors::reflect().credentials(true)).build();
    server.http(|_, response| response.text("private"));
    let (running, address) = start(server);
    let mut http = Http::connect(address);
    http.request("GET", "/", &[("Origin", "http://evil.example")], b"");
    assert_eq!(http.response().header("access-control-allow-origin"), None);
    http.request(
        "GET",
        "/socket.io/?EIO=4&transport=polling",
        &[("Origin", "http://friend.example")],
        b"",
    );
    assert_eq!(
        http.response().header("access-control-allow-origin"),
        Some("http://friend.example")
    );
    running.shutdown(SOON).unwrap();
}

#[test]
fn durations_may_be_as_long_as_they_like() {
    let server = Server::builder()
        .shards(1)
        .ping_interval(Duration::MAX)
        .ping_timeout(Duration::MAX)
        .connect_timeout(Duration::MAX)
        .head_timeout(Duration::MAX)
        .request_timeout(Duration::MAX)
        .send_timeout(Duration::MAX)
        .keep_alive_timeout(Duration::MAX)
        .build();
    server.on_connect(|socket| {
        socket.after(Duration::MAX, |_| {});
        socket.emit_with_ack("never", (), Duration::MAX).on_reply(|_| {});
    });
    let (running, address) = start(server);
    let (mut ws, _) = join(address);
    assert_eq!(ws.message(), "420[\"never\"]");
    drop(ws);
    running.shutdown(Duration::from_secs(5)).unwrap();
}

#[test]
fn responses_that_nobody_reads_stop_the_reading_of_requests() {
    let server = Server::builder().shards(1).send_timeout(Duration::from_millis(300)).build();
    let served = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = served.clone();
    server.http(move |_, response| {
        counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        response.body("text/plain", vec![b'x'; 100_000]);
    });
    let (running, address) = start(server);
    let mut http = Http::connect(address);
    http.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2000));
    // It is ended for taking nothing; until then only so many were answered as the buffers hold.
    let (stream, _) = http.into_parts();
    let deadline = std::time::Instant::now() + PATIENCE;
    while running.io().connections() > 0 {
        assert!(std::time::Instant::now() < deadline, "the connection is kept");
        std::thread::yield_now();
    }
    let served = served.load(std::sync::atomic::Ordering::SeqCst);
    assert!(served < 500, "{served} responses of 100 KB were made for somebody who reads none");
    drop(stream);
    running.shutdown(SOON).unwrap();
}
