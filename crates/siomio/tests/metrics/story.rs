//! A story of which every number is known.

use std::sync::mpsc;

use siomio::{Ack, Server, Socket};
use siomio_testkit::{PATIENCE, http::Http, ws::Ws};

use super::{SOON, WS, join, join_polling, start, wait_until, with_shards};

#[test]
fn every_number_of_a_story_is_the_one_that_was_told() {
    with_shards(|builder| {
        let server = builder.build();
        server.of("/other");
        server.on("echo", |socket: &Socket, text: String| {
            socket.emit("echoed", text);
        });
        server.on("all", |socket: &Socket, ack: Ack| {
            socket.namespace().emit("told", ());
            ack.send(());
        });
        let (running, address) = start(server);
        let io = running.io();

        let polling = join_polling(address);
        let mut upgraded = join_polling(address).upgrade();
        let mut ws = join(address);
        ws.send("40/other,");
        assert!(ws.text().starts_with("40/other,"));
        ws.send_all(["42[\"echo\",\"one\"]", "42[\"echo\",\"two\"]"]);
        assert_eq!(ws.text(), "42[\"echoed\",\"one\"]");
        assert_eq!(ws.text(), "42[\"echoed\",\"two\"]");
        upgraded.send("421[\"all\"]");
        let mut answers = [upgraded.text(), upgraded.text()];
        answers.sort();
        assert_eq!(answers, ["42[\"told\"]", "431[]"]);
        assert_eq!(ws.text(), "42[\"told\"]");
        polling.expect("42[\"told\"]");

        let metrics = wait_until(&io, "the connections of requests are gone", |metrics| {
            metrics.connections == 2
        });
        assert_eq!((metrics.sessions_polling, metrics.sessions_websocket), (1, 2));
        assert_eq!((metrics.opened_polling, metrics.opened_websocket), (2, 1));
        assert_eq!(metrics.upgrades, 1);
        assert_eq!((metrics.sockets, metrics.sockets_connected), (4, 4));
        assert_eq!((metrics.namespaces, metrics.websockets), (2, 0));
        // Four CONNECTs, two echoes, one for all; their answers, and what was told to three.
        assert_eq!((metrics.packets_received, metrics.messages_received), (7, 7));
        assert_eq!((metrics.packets_sent, metrics.messages_sent), (4 + 2 + 1 + 3, 10));
        // One for each of the requests of two polling clients, and one for each WebSocket.
        assert_eq!(metrics.connections_accepted, 3 + 3 + 1 + 1 + 1);
        assert_eq!(metrics.buffered_bytes, 0);
        assert_eq!((metrics.violations, metrics.panics, metrics.slow_handlers), (0, 0, 0));
        let sum: u64 = metrics.shards.iter().map(|shard| shard.packets_sent).sum();
        assert_eq!(sum, metrics.packets_sent);
        assert!(metrics.turns.count > 0 && metrics.turns.longest >= metrics.turns.last);

        ws.send("41/other,");
        wait_until(&io, "one less", |metrics| metrics.sockets == 3);
        ws.close(Some(1000));
        drop((ws, upgraded));
        let metrics = wait_until(&io, "two sessions less", |metrics| metrics.sockets == 1);
        assert_eq!(metrics.closed_transport_close, 2);
        assert_eq!((metrics.sessions_polling, metrics.sessions_websocket), (1, 0));
        polling.send(&["1"]);
        let metrics = wait_until(&io, "nobody left", |metrics| metrics.sockets == 0);
        assert_eq!(metrics.closed_transport_close, 3);
        assert_eq!(metrics.sessions_polling, 0);
        assert_eq!(metrics.sockets_connected, 4);
        running.shutdown(SOON).unwrap();
        assert_eq!(io.metrics().connections, 0);
    });
}

#[test]
fn bytes_are_counted_as_they_are_on_the_wire() {
    with_shards(|builder| {
        let server = builder.build();
        server.http(|_, response| response.text("x".repeat(100_000)));
        let (running, address) = start(server);
        let io = running.io();
        let mut http = Http::connect(address);
        http.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        let response = http.response();
        // Over several shards the first line is read before the shard has the connection; it counts all the same.
        let metrics = io.metrics();
        assert_eq!(metrics.bytes_received, "GET / HTTP/1.1\r\nHost: h\r\n\r\n".len() as u64);
        assert_eq!(response.text().len(), 100_000);
        // What is written counts when the system has taken it, and the client may be faster.
        let metrics = wait_until(&io, "counted", |metrics| metrics.bytes_sent > 100_000);
        assert!(metrics.bytes_sent < 100_500, "{}", metrics.bytes_sent);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn attachments_are_messages_of_their_own() {
    with_shards(|builder| {
        let server = builder.build();
        server.on("echo", |socket: &Socket, data: siomio::Binary| {
            socket.emit("echoed", data);
        });
        let (running, address) = start(server);
        let mut ws = join(address);
        ws.send("451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
        ws.send_binary(b"data");
        assert!(ws.text().starts_with("451-[\"echoed\""));
        let metrics = running.io().metrics();
        assert_eq!((metrics.packets_received, metrics.messages_received), (2, 3));
        assert_eq!((metrics.packets_sent, metrics.messages_sent), (2, 3));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn raw_websockets_have_numbers_of_their_own() {
    with_shards(|builder| {
        let server = builder.build();
        server.websocket("/raw").on_message(|socket, message| {
            socket.send(message);
        });
        let (running, address) = start(server);
        let io = running.io();
        let mut ws = Ws::connect(address, "/raw");
        ws.send("hello");
        assert_eq!(ws.text(), "hello");
        let metrics = io.metrics();
        assert_eq!((metrics.websockets, metrics.sessions_websocket, metrics.sockets), (1, 0, 0));
        assert_eq!((metrics.messages_received, metrics.messages_sent), (1, 1));
        assert_eq!((metrics.packets_received, metrics.packets_sent), (0, 0));
        drop(ws);
        wait_until(&io, "gone", |metrics| metrics.websockets == 0);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn what_waits_for_a_client_is_known_to_the_byte() {
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.on("here", move |_: &Socket| told.send(()).unwrap());
        let (running, address) = start(server);
        let io = running.io();
        // A poll that does not come: the packet waits in the session.
        let polling = join_polling(address);
        io.emit("news", "x".repeat(1000));
        let packet = format!("42[\"news\",\"{}\"]", "x".repeat(1000));
        let metrics = wait_until(&io, "waiting", |metrics| metrics.buffered_bytes > 0);
        assert_eq!(metrics.buffered_bytes, packet.len() as u64);
        polling.expect(&packet);
        wait_until(&io, "fetched", |metrics| metrics.buffered_bytes == 0);
        polling.send(&["1"]);
        wait_until(&io, "gone", |metrics| metrics.sockets == 0);

        // A WebSocket that does not read: what the system does not take waits in the queue.
        let mut ws = join(address);
        // What is written counts when the system has taken it, and the client may be faster: not over another turn.
        ws.send("42[\"here\"]");
        hear.recv_timeout(PATIENCE).unwrap();
        let before = io.metrics();
        let text = "y".repeat(1_000_000);
        (0..12).for_each(|_| drop(io.emit("news", &text)));
        let frame = 2 + 8 + format!("42[\"news\",\"{text}\"]").len() as u64;
        wait_until(&io, "blocked", |metrics| {
            metrics.packets_sent == before.packets_sent + 12 && metrics.buffered_bytes > 0
        });
        let is_whole = |metrics: &siomio::Metrics| {
            metrics.buffered_bytes + metrics.bytes_sent - before.bytes_sent == 12 * frame
        };
        wait_until(&io, "sent or waiting", is_whole);
        for _ in 0..12 {
            assert_eq!(ws.message().len() as u64, frame - 10);
        }
        wait_until(&io, "read", |metrics| metrics.buffered_bytes == 0);

        // Whoever goes with something waiting leaves nothing behind.
        (0..12).for_each(|_| drop(io.emit("news", &text)));
        wait_until(&io, "blocked", |metrics| metrics.buffered_bytes > 0);
        drop(ws);
        wait_until(&io, "gone", |metrics| metrics.connections == 0 && metrics.buffered_bytes == 0);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_client_that_came_back_is_told_from_one_that_came_too_late() {
    with_shards(|builder| {
        let server = builder.recovery(siomio::Recovery::new()).build();
        let (running, address) = start(server);
        let io = running.io();
        let mut ws = Ws::connect(address, WS);
        ws.text();
        ws.send("40");
        let answer: serde_json::Value = serde_json::from_str(&ws.text()[2..]).unwrap();
        let pid = answer["pid"].as_str().unwrap().to_owned();
        assert!(io.emit("news", 1).is_queued());
        let news = ws.text();
        let offset = news.rsplit('"').nth(1).unwrap().to_owned();
        assert_eq!(io.metrics().sessions_kept, 0);
        drop(ws);
        wait_until(&io, "kept", |metrics| metrics.sessions_kept == 1);

        let back = |pid: &str| {
            let mut ws = Ws::connect(address, WS);
            ws.text();
            ws.send(&format!("40{{\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}"));
            assert!(ws.text().starts_with("40{"));
            ws
        };
        let ws = back(&pid);
        let metrics = wait_until(&io, "taken up", |metrics| metrics.sessions_kept == 0);
        assert_eq!((metrics.recovered, metrics.not_recovered), (1, 0));
        let other = back("no such session");
        let metrics = io.metrics();
        assert_eq!((metrics.recovered, metrics.not_recovered), (1, 1));
        drop((ws, other));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_server_that_never_ran_has_nothing_to_tell() {
    let server = Server::builder().shards(3).build();
    let metrics = server.metrics();
    assert_eq!(metrics.shards.len(), 3);
    assert_eq!(metrics.total, siomio::ShardMetrics::clone(&metrics.shards[0]));
    // Mail waits until somebody reads it.
    server.emit("nobody", "hears");
    let metrics = server.metrics();
    assert_eq!((metrics.mailbox_depth, metrics.shards[2].mailbox_depth), (3, 1));
}
