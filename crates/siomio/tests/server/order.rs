//! Order, whatever the transport, the shards and the handles.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
};

use siomio::{Ack, Running, Server, ServerBuilder, Socket};
use siomio_testkit::{http::Http, polling::Polling, ws::Ws};

use super::{SOON, join, join_polling, start, with_shards};

fn number(text: &str) -> u64 {
    text.trim_start_matches("42[\"n\",")
        .trim_end_matches(']')
        .parse()
        .unwrap_or_else(|_| panic!("{text}"))
}

fn echo_numbers(builder: ServerBuilder) -> (Running, SocketAddr, Arc<Mutex<Vec<u64>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = builder.build();
    let log = seen.clone();
    server.on("n", move |socket: &Socket, n: u64| {
        log.lock().unwrap().push(n);
        socket.emit("n", n);
    });
    let (running, address) = start(server);
    (running, address, seen)
}

const MANY: u64 = 20_000;

#[test]
fn twenty_thousand_events_keep_their_order_on_websocket() {
    with_shards(|builder| {
        let (running, address, seen) = echo_numbers(builder);
        let (mut ws, _) = join(address);
        let mut sender = ws.sender();
        let sending = std::thread::spawn(move || {
            for start in (0..MANY).step_by(500) {
                sender.send_all((start..start + 500).map(|n| format!("42[\"n\",{n}]")));
            }
        });
        for n in 0..MANY {
            assert_eq!(number(&ws.message()), n);
        }
        sending.join().unwrap();
        assert!(seen.lock().unwrap().iter().copied().eq(0..MANY));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn twenty_thousand_events_keep_their_order_on_polling() {
    with_shards(|builder| {
        let (running, address, seen) = echo_numbers(builder);
        let polling = join_polling(address);
        // Requests of one session over changing connections.
        let sender = polling.clone();
        let sending = std::thread::spawn(move || {
            for start in (0..MANY).step_by(400) {
                let packets: Vec<_> =
                    (start..start + 400).map(|n| format!("42[\"n\",{n}]")).collect();
                sender.send(&packets.iter().map(String::as_str).collect::<Vec<_>>());
            }
        });
        let mut next = 0;
        while next < MANY {
            for packet in polling.receive() {
                if packet == "2" {
                    polling.send(&["3"]);
                } else {
                    assert_eq!(number(&packet), next);
                    next += 1;
                }
            }
        }
        sending.join().unwrap();
        assert!(seen.lock().unwrap().iter().copied().eq(0..MANY));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn twenty_thousand_events_keep_their_order_across_an_upgrade() {
    with_shards(|builder| {
        let (running, address, seen) = echo_numbers(builder);
        let polling = join_polling(address);
        let half = MANY / 2;
        for start in (0..half).step_by(400) {
            let packets: Vec<_> = (start..start + 400).map(|n| format!("42[\"n\",{n}]")).collect();
            polling.send(&packets.iter().map(String::as_str).collect::<Vec<_>>());
        }
        // Nothing was fetched: it all waits in the session when the WebSocket takes over.
        let mut ws = Ws::connect(address, &polling.upgrade_target());
        ws.send("2probe");
        assert_eq!(ws.text(), "3probe");
        let first = polling.receive();
        let mut next = 0;
        for packet in first {
            assert_eq!(number(&packet), next);
            next += 1;
        }
        let late: Vec<_> = (half..half + 400).map(|n| format!("42[\"n\",{n}]")).collect();
        polling.send(&late.iter().map(String::as_str).collect::<Vec<_>>());
        ws.send("5");
        ws.send_all((half + 400..MANY).map(|n| format!("42[\"n\",{n}]")));
        while next < MANY {
            assert_eq!(number(&ws.message()), next);
            next += 1;
        }
        assert!(seen.lock().unwrap().iter().copied().eq(0..MANY));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn whatever_handle_is_used_one_handler_has_one_order() {
    with_shards(|builder| {
        let server = builder.build();
        let io = server.io();
        server.on("go", move |socket: &Socket, ack: Ack| {
            let handle = socket.handle();
            socket.emit("a", 1);
            ack.send("b");
            io.emit("c", 3);
            handle.emit("d", 4);
            io.to(socket.id()).emit("e", 5);
            socket.namespace().to(handle.id()).emit("f", 6);
            socket.emit("g", 7);
        });
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        for _ in 0..50 {
            ws.send("420[\"go\"]");
            let expected = [
                "42[\"a\",1]",
                "430[\"b\"]",
                "42[\"c\",3]",
                "42[\"d\",4]",
                "42[\"e\",5]",
                "42[\"f\",6]",
                "42[\"g\",7]",
            ];
            for text in expected {
                assert_eq!(ws.message(), text);
            }
        }
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn what_another_thread_sends_keeps_its_order_too() {
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.on_connect(move |socket| told.send(socket.handle()).unwrap());
        let (running, address) = start(server);
        let (mut ws, id) = join(address);
        let (handle, io) = (hear.recv().unwrap(), running.io());
        for n in 0..300 {
            match n % 3 {
                0 => handle.emit("n", n),
                1 => io.emit("n", n),
                _ => io.to(id.as_str()).emit("n", n),
            };
        }
        for n in 0..300 {
            assert_eq!(number(&ws.message()), n);
        }
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn one_connection_serves_sessions_of_all_shards_in_turn() {
    let (running, address, _) = echo_numbers(Server::builder().shards(4));
    let sessions: Vec<Polling> = (0..8).map(|_| join_polling(address)).collect();
    let mut proxy = Http::connect(address);
    for round in 0..20 {
        for session in &sessions {
            let response = proxy.post(&session.target, format!("42[\"n\",{round}]"));
            assert_eq!((response.status, response.text()), (200, "ok"));
        }
        for session in &sessions {
            assert_eq!(proxy.get(&session.target).text(), format!("42[\"n\",{round}]"));
        }
    }
    running.shutdown(SOON).unwrap();
}
