//! The server over real sockets: order, handles, failures, the end.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use serde::{Serialize, Serializer};
use siomio::{
    Ack, AckError, Args, ConnectError, HandlerError, Io, Running, Server, ServerBuilder, Socket,
    Value,
};
use siomio_testkit::{
    PATIENCE,
    http::Http,
    polling::Polling,
    ws::{Got, Ws},
};

const WS: &str = "/socket.io/?EIO=4&transport=websocket";

/// Runs a test with one shard and with four.
fn with_shards(test: impl Fn(ServerBuilder)) {
    for shards in [1, 4] {
        test(Server::builder().shards(shards));
    }
}

fn start(server: Server) -> (Running, SocketAddr) {
    let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
    let address = running.local_addrs()[0];
    (running, address)
}

/// A WebSocket client that has joined the main namespace, and its socket's id.
fn join(address: SocketAddr) -> (Ws, String) {
    let mut ws = Ws::connect(address, WS);
    assert!(ws.text().starts_with("0{"));
    ws.send("40");
    let connected: serde_json::Value = serde_json::from_str(&ws.text()[2..]).unwrap();
    (ws, connected["sid"].as_str().unwrap().to_owned())
}

/// A polling client that has joined the main namespace.
fn join_polling(address: SocketAddr) -> Polling {
    let polling = Polling::open(address, "/socket.io/");
    polling.send(&["40"]);
    assert!(polling.receive()[0].starts_with("40{"));
    polling
}

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

/// Long enough to say goodbye to clients that listen.
const SOON: Duration = Duration::from_millis(200);

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

#[test]
fn rooms_reach_over_all_shards() {
    with_shards(|builder| {
        let server = builder.build();
        server.on("join", |socket: &Socket, room: String, ack: Ack| {
            socket.join(&room);
            assert!(socket.rooms().iter().any(|own| **own == *room), "effects are immediate");
            ack.send(());
        });
        server.on("say", |socket: &Socket, room: String, text: String| {
            socket.to(room).except("muted").emit("said", text);
        });
        let (running, address) = start(server);
        let mut clients: Vec<_> = (0..6).map(|_| join(address).0).collect();
        for (index, rooms) in [(0, "a"), (1, "a"), (2, "a"), (3, "b"), (4, "a")] {
            clients[index].send(&format!("421[\"join\",\"{rooms}\"]"));
            assert_eq!(clients[index].message(), "431[]");
        }
        clients[4].send("421[\"join\",\"muted\"]");
        assert_eq!(clients[4].message(), "431[]");
        let io = running.io();
        assert_eq!((io.sockets().len(), io.sockets_in("a").len()), (6, 4));
        assert_eq!(io.rooms(), ["a".into(), "b".into(), "muted".into()]);
        clients[0].send("42[\"say\",\"a\",\"hi\"]");
        // Then a marker for everybody, so that silence can be heard.
        for index in [1, 2] {
            assert_eq!(clients[index].message(), "42[\"said\",\"hi\"]");
        }
        io.emit("marker", ());
        for client in &mut clients {
            assert_eq!(client.message(), "42[\"marker\"]");
        }
        running.shutdown(SOON).unwrap();
    });
}

/// A value whose serialisation looks back into the server.
struct Nosy<'s>(&'s Socket, Io);

impl Serialize for Nosy<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.join("seen");
        let rooms = self.0.rooms().len() + self.1.rooms().len();
        self.0.emit("nested", rooms);
        serializer.serialize_u64(rooms as u64)
    }
}

#[test]
fn user_code_may_look_back_into_the_server_while_it_is_serialised_or_dropped() {
    struct Dropped(Io, mpsc::Sender<usize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.socket_count());
        }
    }
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.on("nosy", move |socket: &Socket| {
            socket.data().insert(Dropped(socket.io(), told.clone()));
            socket.emit("outer", Nosy(socket, socket.io()));
        });
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        ws.send("42[\"nosy\"]");
        assert_eq!(ws.message(), "42[\"nested\",3]");
        assert_eq!(ws.message(), "42[\"outer\",3]");
        ws.send("41");
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(0));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_panic_costs_its_own_socket_and_nothing_else() {
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.on("panic", |_: &Socket| panic!("on purpose"));
        server.on("echo", |socket: &Socket, args: Args| {
            socket.emit("echo", args);
        });
        server.on_error(move |_, error| told.send(error.clone()).unwrap());
        server.of("/gate").use_middleware(|_, _: Value| panic!("at the gate"));
        server.http(|request, response| match request.path() {
            "/panic" => panic!("on the page"),
            _ => response.text("fine"),
        });
        let (running, address) = start(server);
        let (mut unlucky, _) = join(address);
        let (mut other, _) = join(address);
        unlucky.send("42[\"panic\"]");
        assert_eq!(unlucky.message(), "41");
        let error = hear.recv_timeout(PATIENCE).unwrap();
        assert_eq!(
            error,
            HandlerError::Panic { event: "panic".into(), message: "on purpose".into() }
        );
        unlucky.send("40");
        assert!(unlucky.message().starts_with("40{"), "the connection is still good");
        other.send("42[\"echo\",1]");
        assert_eq!(other.message(), "42[\"echo\",1]");
        other.send("40/gate,");
        assert_eq!(other.message(), "44/gate,{\"message\":\"internal error\"}");
        assert_eq!(Http::connect(address).get("/panic").status, 500);
        assert_eq!(Http::connect(address).get("/").text(), "fine");
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn arguments_that_do_not_fit_are_reported_and_nothing_is_closed() {
    let server = Server::builder().shards(1).build();
    let (told, hear) = mpsc::channel();
    server.on_error(move |_, error| told.send(error.to_string()).unwrap());
    server.on("add", |_: &Socket, a: i32, b: Option<i32>, ack: Ack| ack.send(a + b.unwrap_or(100)));
    let (running, address) = start(server);
    let (mut ws, _) = join(address);
    for (packet, answer) in [
        ("421[\"add\",1,2]", "431[3]"),
        ("422[\"add\",1]", "432[101]"),
        ("423[\"add\",1,2,3]", "433[3]"),
    ] {
        ws.send(packet);
        assert_eq!(ws.message(), answer);
    }
    for bad in ["424[\"add\",\"x\"]", "425[\"add\"]", "426[\"add\",1,\"x\"]"] {
        ws.send(bad);
        let error = hear.recv_timeout(PATIENCE).unwrap();
        assert!(error.contains("\"add\""), "{error}");
    }
    ws.send("427[\"add\",2,2]");
    assert_eq!(ws.message(), "437[4]");
    running.shutdown(SOON).unwrap();
}

#[test]
fn middleware_sees_the_auth_and_may_refuse_with_data() {
    #[derive(serde::Deserialize)]
    struct Auth {
        token: Option<String>,
    }
    with_shards(|builder| {
        let server = builder.build();
        let admin = server.of("/admin");
        admin.use_middleware(|socket: &Socket, auth: Auth| {
            socket.join("asked");
            match auth.token.as_deref() {
                Some("secret") => Ok(()),
                _ => Err(ConnectError::new("not allowed").with_data("ask nicely")),
            }
        });
        admin.on_connect(|socket| {
            socket.emit("welcome", socket.handshake().auth::<Value>().unwrap());
        });
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        for auth in ["", "{}", "{\"token\":\"wrong\"}"] {
            ws.send(&format!("40/admin,{auth}"));
            assert_eq!(
                ws.message(),
                "44/admin,{\"message\":\"not allowed\",\"data\":\"ask nicely\"}"
            );
        }
        ws.send("40/admin,{\"token\":5}");
        assert!(ws.message().starts_with("44/admin,{\"message\":\"invalid auth: "));
        assert!(running.io().of("/admin").rooms().is_empty(), "the refused have left");
        ws.send("40/admin,{\"token\":\"secret\"}");
        assert!(ws.message().starts_with("40/admin,{\"sid\":"));
        assert_eq!(ws.message(), "42/admin,[\"welcome\",{\"token\":\"secret\"}]");
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn acknowledgements_come_or_fail_however_they_are_asked_for() {
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.on_connect(move |socket| told.send(socket.handle()).unwrap());
        server.on("ask", |socket: &Socket, ack: Ack| {
            socket
                .emit_with_ack("question", 1, PATIENCE)
                .on_reply(move |answer| ack.send(answer.unwrap()));
        });
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        let handle = hear.recv_timeout(PATIENCE).unwrap();

        ws.send("429[\"ask\"]");
        assert_eq!(ws.message(), "420[\"question\",1]");
        ws.send("430[\"x\",2]");
        assert_eq!(ws.message(), "439[\"x\",2]", "answered later, from a callback");

        let asking = std::thread::spawn({
            let handle = handle.clone();
            move || handle.emit_with_ack("question", (), PATIENCE).wait()
        });
        assert_eq!(ws.message(), "421[\"question\"]");
        ws.send("431[7]");
        assert_eq!(asking.join().unwrap().unwrap().get::<u32>(0), Ok(7));

        let silent = handle.emit_with_ack("question", (), Duration::from_millis(30));
        assert_eq!(silent.wait(), Err(AckError::Timeout));
        let lost = handle.emit_with_ack("question", (), PATIENCE);
        assert_eq!(ws.message(), "422[\"question\"]");
        assert_eq!(ws.message(), "423[\"question\"]");
        ws.send("41");
        assert_eq!(lost.wait(), Err(AckError::Disconnected));
        assert_eq!(
            handle.emit_with_ack("question", (), PATIENCE).wait(),
            Err(AckError::Disconnected)
        );
        running.shutdown(SOON).unwrap();
    });
}

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
            handshake.query("room").map(|room| room.into_owned()),
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
        assert_eq!(http.get("/bad").status, 500);
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
