//! What belongs to a socket: timers, data, handshake.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use siomio::{Ack, Server, Socket};
use siomio_testkit::{PATIENCE, http::Http, ws::Ws};

use super::{SOON, WS, join, start};

#[test]
fn timers_end_with_their_socket() {
    let server = Server::builder().shards(1).build();
    let ticks = Arc::new(AtomicUsize::new(0));
    let counter = ticks.clone();
    server.on_connect(move |socket| {
        socket.after(Duration::from_millis(5), |socket| drop(socket.emit("once", ())));
        socket.after(Duration::from_millis(1), |_| panic!("cancelled")).cancel();
        let counter = counter.clone();
        socket.every(Duration::from_millis(2), move |socket| {
            let n = counter.fetch_add(1, Ordering::SeqCst);
            if n < 10 {
                socket.emit("tick", n);
            } else if n == 10 {
                socket.disconnect(false);
            }
        });
    });
    let (running, address) = start(server);
    let (mut ws, _) = join(address);
    let mut got: Vec<String> = (0..11).map(|_| ws.message()).collect();
    let once = got.iter().position(|text| text == "42[\"once\"]").expect("the timer ran");
    got.remove(once);
    assert_eq!(got, (0..10).map(|n| format!("42[\"tick\",{n}]")).collect::<Vec<_>>());
    assert_eq!(ws.message(), "41");
    // Another whole life on the same loop: whatever timer was left would have run by then.
    let (mut next, _) = join(address);
    assert_eq!(next.message(), "42[\"once\"]");
    running.shutdown(SOON).unwrap();
}

#[test]
fn data_is_typed_and_ends_with_the_socket() {
    #[derive(Clone, Debug, PartialEq)]
    struct Name(String);
    let server = Server::builder().shards(1).build();
    let (told, hear) = mpsc::channel();
    server.on("name", |socket: &Socket, name: String, ack: Ack| {
        let before = socket.data().insert(Name(name)).map(|Name(name)| name);
        socket.data().insert(1_u32);
        let twice = socket.data().update(|n: &mut u32| {
            *n += 1;
            socket.data().contains::<u32>()
        });
        assert_eq!((twice, socket.data().get::<u32>()), (Some(false), Some(2)));
        ack.send(before);
    });
    server.on_disconnect(move |socket, reason| {
        told.send((socket.data().get::<Name>(), socket.rooms().len(), reason.as_str())).unwrap();
    });
    let (running, address) = start(server);
    let (mut ws, _) = join(address);
    ws.send("421[\"name\",\"Ada\"]");
    assert_eq!(ws.message(), "431[null]");
    ws.send("422[\"name\",\"Grace\"]");
    assert_eq!(ws.message(), "432[\"Ada\"]");
    drop(ws);
    let (name, rooms, reason) = hear.recv_timeout(PATIENCE).unwrap();
    assert_eq!((name, rooms, reason), (Some(Name("Grace".into())), 1, "transport close"));
    running.shutdown(SOON).unwrap();
}

#[test]
fn the_handshake_shows_the_request() {
    let server = Server::builder().shards(1).build();
    server.on("how", |socket: &Socket, ack: Ack| {
        let handshake = socket.handshake();
        let cookie = handshake.header("Cookie").map(str::to_owned);
        ack.send((
            cookie,
            handshake.query("room").map(std::borrow::Cow::into_owned),
            handshake.forwarded_for().map(|address| address.to_string()),
            handshake.peer_addr().ip().to_string(),
            handshake.is_cross_domain(),
        ));
    });
    let (running, address) = start(server);
    let headers =
        [("cookie", "a=1; b=2"), ("X-Forwarded-For", "1.2.3.4, 10.0.0.9"), ("Origin", "http://x")];
    let mut ws =
        Ws::upgrade(Http::connect(address), &format!("{WS}&room=a%20b+c"), &headers).unwrap();
    ws.text();
    ws.send("40");
    ws.message();
    ws.send("421[\"how\"]");
    assert_eq!(ws.message(), "431[\"a=1; b=2\",\"a b c\",\"10.0.0.9\",\"127.0.0.1\",true]");
    running.shutdown(SOON).unwrap();
}
