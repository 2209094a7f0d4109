//! Handlers: what they get, what they answer, how they fail.

use std::{sync::mpsc, time::Duration};

use serde::{Serialize, Serializer};
use siomio::{Ack, AckError, Args, ConnectError, HandlerError, Io, Server, Socket, Value};
use siomio_testkit::{PATIENCE, http::Http};

use super::{SOON, join, start, with_shards};

#[test]
fn rooms_reach_over_all_shards() {
    with_shards(|builder| {
        let server = builder.build();
        server.on("join", |socket: &Socket, room: String, ack: Ack| {
            socket.join(&room);
            assert!(socket.rooms().iter().any(|own| **own == *room), "effects are immediate");
            assert!(
                socket.is_in(&room) && socket.is_in([socket.id()]) && !socket.is_in("elsewhere")
            );
            assert!(socket.is_in(["elsewhere", &room]));
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
fn a_disconnect_in_a_middleware_is_a_refusal() {
    with_shards(|builder| {
        let server = builder.build();
        server.of("/gate").use_middleware(|socket: &Socket, close: Value| {
            socket.after(PATIENCE, |_| panic!("the timer of a refused socket"));
            socket.disconnect(close.get("close").is_some());
            Ok(())
        });
        server.of("/gate").on_connect(|_| panic!("it never connects"));
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        ws.send("40/gate,");
        assert_eq!(ws.message(), "44/gate,{\"message\":\"disconnected\"}");
        ws.send("40/gate,{\"close\":1}");
        assert_eq!(ws.message(), "41");
        assert_eq!(ws.closing(), None);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_callback_that_panics_does_not_take_the_shard_along() {
    with_shards(|builder| {
        let server = builder.build();
        let (told, hear) = mpsc::channel();
        server.on_connect(move |socket| told.send(socket.handle()).unwrap());
        let (running, address) = start(server);
        let (mut ws, _) = join(address);
        let handle = hear.recv_timeout(PATIENCE).unwrap();
        let soon = Duration::from_millis(50);
        handle.emit_with_ack("late", (), soon).on_reply(|_| panic!("on purpose"));
        let later = handle.emit_with_ack("late", (), 2 * soon);
        assert_eq!((ws.message(), ws.message()), ("420[\"late\"]".into(), "421[\"late\"]".into()));
        assert_eq!(later.wait(), Err(AckError::Timeout));
        running.io().emit("still", "here");
        assert_eq!(ws.message(), "42[\"still\",\"here\"]");
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn no_handler_runs_for_a_socket_that_the_one_before_disconnected() {
    let server = Server::builder().shards(1).build();
    server.on("x", |socket: &Socket| socket.disconnect(false));
    server.on("x", |_: &Socket| panic!("it is gone"));
    server.on_error(|_, error| panic!("{error}"));
    let (running, address) = start(server);
    let (mut ws, _) = join(address);
    ws.send_all(["42[\"x\"]", "42[\"x\"]", "40"]);
    assert_eq!(ws.message(), "41");
    assert!(ws.message().starts_with("40{"));
    running.shutdown(SOON).unwrap();
}
