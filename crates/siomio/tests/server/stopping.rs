//! A server that goes down opens nothing any more, and lets go of what there is in good order.

use std::sync::mpsc;

use siomio::{CloseReason, Message};
use siomio_testkit::{PATIENCE, http::Http, polling::Polling, ws::Ws};

use super::{WS, join_polling, start, with_shards};

#[test]
fn handshakes_are_refused_while_others_say_goodbye() {
    with_shards(|builder| {
        let (running, address) = start(builder.build());
        // One that has not had its farewell keeps the connections of the others.
        let last = join_polling(address);
        let mut connections = [(); 3].map(|()| Http::connect(address));
        // A session on the shard of each connection, to see when that has heard of it.
        let mut gets = connections.each_mut().map(|http| {
            let mut get = Http::connect(address);
            let session = Polling::open_on(&mut get, address, "/socket.io/");
            get.request("GET", &session.target, &[], b"");
            // It comes to the shard that has the connection of the GET: when this is answered, the GET waits.
            http.request("PUT", &session.target, &[], b"");
            assert_eq!(http.response().status, 500);
            get
        });
        running.io().close(PATIENCE);
        for get in &mut gets {
            assert_eq!(get.response().text(), "1");
        }
        let [mut polling, websocket, mut fetch] = connections;
        let mut attempt = polling.get("/socket.io/?EIO=4&transport=polling");
        assert_eq!((attempt.status, attempt.text()), (503, ""));
        assert!(polling.is_closed());
        attempt = Ws::upgrade(websocket, WS, &[]).expect_err("a refusal");
        assert_eq!((attempt.status, attempt.header("connection")), (503, Some("close")));
        // Alone, or behind a noop if its shard has heard of it before.
        assert!(["1", "6\u{1e}1"].contains(&fetch.get(&last.target).text()));
        // The server ends when all connections have.
        drop((polling, fetch, gets));
        running.join().unwrap();
    });
}

#[test]
fn sessions_of_the_engine_are_closed_and_what_they_were_sent_still_goes_out() {
    with_shards(|builder| {
        let server = builder.path("/engine.io").build_engine();
        let (told, hear) = mpsc::channel();
        server.on_message(|socket, message, _| {
            assert_eq!(message, Message::Text("x"));
            socket.send_text("last words");
        });
        server.on_close(move |_, reason| told.send(reason).unwrap());
        let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
        let address = running.local_addrs()[0];
        let mut ws = Ws::connect(address, "/engine.io/?EIO=4&transport=websocket");
        assert!(ws.text().starts_with("0{"));
        let mut http = Http::connect(address);
        let session = Polling::open_on(&mut http, address, "/engine.io/");
        assert_eq!(http.post(&session.target, "4x").text(), "ok");
        ws.send("4x");
        assert_eq!(ws.text(), "4last words");
        running.io().close(PATIENCE);
        assert_eq!(ws.closing(), None);
        assert_eq!(http.get(&session.target).text(), "4last words");
        assert_eq!(http.get(&session.target).text(), "6\u{1e}1");
        for _ in 0..2 {
            assert_eq!(hear.recv_timeout(PATIENCE), Ok(CloseReason::ForcedClose));
        }
        drop((ws, http));
        running.join().unwrap();
    });
}

#[test]
fn nobody_waits_for_decisions_any_more() {
    with_shards(|builder| {
        let (ask, asked) = mpsc::channel();
        let builder = builder.allow_request(move |_, decision| ask.send(decision).unwrap());
        let (running, address) = start(builder.build());
        let mut http = Http::connect(address);
        http.request("GET", "/socket.io/?EIO=4&transport=polling", &[], b"");
        let decision = asked.recv_timeout(PATIENCE).unwrap();
        running.io().close(PATIENCE);
        assert_eq!(http.response().status, 503);
        assert!(http.is_closed());
        drop(http);
        running.join().unwrap();
        // Nobody hears it any more.
        decision.allow();
    });
}
