//! Hooks, adapters and threads that answer later, all of which panic: whoever waits is answered, and the server goes on.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use siomio::{Adapter, Answer, Node, Operation, RequestId, RoomEvent, Socket, Value};
use siomio_testkit::http::Http;

use crate::{Tell, assert_alive, eventually, joined, joined_on_both, served, served_with};

/// Takes something to a thread that falls with it.
fn fall_with<T: Send + 'static>(what: T) {
    thread::spawn(move || {
        let _what = what;
        panic!("in a thread of its own");
    });
}

#[test]
fn hooks_that_panic_keep_nobody_from_being_served() {
    served(
        |server, tell: Tell<&str>| {
            server.on_room_event(|_| panic!("rooms"));
            server.on_room_event(move |event| {
                if matches!(event, RoomEvent::Joined { room, .. } if &**room == "r") {
                    tell.say("joined");
                }
            });
            server.on_error(|_, error| panic!("{error}"));
            server.engine().on_panic(|panic| panic!("{panic}"));
            server.engine().on_connection_error(|error| panic!("{}", error.message()));
            server.on("join", |socket: &Socket| {
                socket.join("r");
            });
            server.on("fail", |_: &Socket| panic!("an event"));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"join\"]"]);
                stage.said.expect(["joined"]);
                let mut unlucky = joined(stage.address);
                unlucky.send(&["42[\"fail\"]"]);
                unlucky.expect(&["41"]);
                let refused = Http::connect(stage.address)
                    .get("/socket.io/?EIO=4&transport=polling&sid=nobody");
                assert_eq!(refused.status, 400);
                assert_alive(&mut client);
            });
            assert!(stage.io.metrics().panics >= 10);
        },
    );
}

#[test]
fn who_waits_for_a_thread_that_panics_is_answered() {
    served_with(
        |builder| {
            builder.allow_request(|request, decision| match request.query("fall") {
                Some(_) => fall_with(decision),
                None => decision.allow(),
            })
        },
        |server, _: Tell<()>| {
            server.of("/gate").use_middleware_later(|_, _: Value, permit| fall_with(permit));
            server.of_deciding(|_, decision| fall_with(decision));
            server.http(|request, response| match request.path() {
                "/fall" => fall_with(response),
                "/given-away" => {
                    thread::spawn(move || response.text("later"));
                    panic!("behind it");
                }
                _ => response.text("at once"),
            });
        },
        |stage| {
            let mut client = joined(stage.address);
            client.send(&["40/gate,"]);
            assert!(client.next().starts_with("44/gate,"));
            client.send(&["40/undecided,"]);
            client.expect(&["44/undecided,{\"message\":\"Invalid namespace\"}"]);
            assert_alive(&mut client);
            let mut http = Http::connect(stage.address);
            for (path, status, body) in [
                ("/fall", 500, None),
                ("/given-away", 200, Some("later")),
                ("/", 200, Some("at once")),
            ] {
                let response = http.get(path);
                assert_eq!(response.status, status, "{path}");
                assert!(body.is_none_or(|body| response.text() == body), "{path}");
            }
            let refused = http.get("/socket.io/?EIO=4&transport=polling&fall");
            assert_eq!(refused.status, 403);
        },
    );
}

/// An adapter that can do nothing but count another server, which is not there.
#[derive(Clone, Default)]
struct Broken(Arc<Mutex<Option<Node>>>);

impl Adapter for Broken {
    fn attach(&self, node: Node) {
        *self.0.lock().expect("nobody panics with it") = Some(node);
    }

    fn publish(&self, namespace: &str, _: &Operation) {
        panic!("nothing of {namespace} is published");
    }

    fn answer(&self, server: &str, _: RequestId, _: Answer) {
        panic!("{server} is not answered");
    }

    fn other_servers(&self) -> usize {
        1
    }

    fn close(&self) {
        panic!("it does not close");
    }
}

#[test]
fn an_adapter_that_panics_costs_who_has_called_it() {
    let broken = Broken::default();
    served_with(
        |builder| builder.adapter(broken.clone()).answer_timeout(Duration::from_millis(50)),
        |server, tell: Tell<String>| {
            server.on("shout", |socket: &Socket| {
                socket.namespace().emit("shouted", ());
            });
            server.on("whisper", |socket: &Socket| {
                socket.local().emit("whispered", ());
            });
            server.on("later", |socket: &Socket| {
                socket.io().after(Duration::ZERO, |io| {
                    io.emit("shouted", ());
                });
            });
            server.on_error(move |_, error| tell.say(error.to_string()));
        },
        |stage| {
            let (mut one, mut two) = (joined(stage.address), joined(stage.address));
            one.send(&["42[\"shout\"]"]);
            one.expect(&["41"]);
            stage.said.expect([
                "the handler of \"shout\" panicked: nothing of / is published".to_owned()
            ]);
            // A timer of the server belongs to nobody.
            let panics = stage.io.metrics().panics;
            two.send(&["42[\"later\"]"]);
            eventually(|| stage.io.metrics().panics > panics);
            // A thread of the application's has called it itself.
            let io = stage.io.clone();
            assert!(thread::spawn(move || io.emit("shouted", ())).join().is_err());
            let io = stage.io.clone();
            assert!(thread::spawn(move || io.fetch_sockets().wait()).join().is_err());
            // And what comes of another server's question.
            let node = broken.0.lock().expect("nobody panics with it").clone().expect("a server");
            let request = RequestId(1);
            let who = siomio::Selector::all();
            node.deliver("another", "/", Operation::Fetch { who, request });
            let panics = panics + 1;
            eventually(|| stage.io.metrics().panics > panics);
            let mut three = joined(stage.address);
            three.send(&["42[\"whisper\"]"]);
            two.expect(&["42[\"whispered\"]"]);
            assert_alive(&mut two);
            assert_alive(&mut three);
        },
    );
}

#[test]
fn who_sees_what_comes_and_goes_and_panics_costs_that_socket_only() {
    served_with(
        |builder| builder.high_water(1024),
        |server, tell: Tell<String>| {
            let fall_in = |room: &'static str| {
                move |socket: &Socket| assert!(!socket.is_in(room), "in {room}")
            };
            let fall = fall_in("any");
            server.on_any(move |socket, _| fall(socket));
            let fall = fall_in("outgoing");
            server.on_any_outgoing(move |socket, _| fall(socket));
            server.on_drain(fall_in("drain"));
            server.on("doom", |socket: &Socket, room: String| {
                socket.join(room);
            });
            server.on("much", |socket: &Socket| {
                socket.emit("much", "x".repeat(100_000));
            });
            server.on_error(move |_, error| tell.say(error.to_string()));
        },
        |stage| {
            let mut stranger = joined(stage.address);
            for (room, trigger, error) in [
                ("any", "42[\"x\"]", "the handler of \"x\" panicked: in any"),
                ("outgoing", "42[\"much\"]", "the handler of \"much\" panicked: in outgoing"),
                ("drain", "42[\"much\"]", "the handler of \"drain\" panicked: in drain"),
            ] {
                let mut doomed = joined(stage.address);
                doomed.send(&[&format!("42[\"doom\",\"{room}\"]"), trigger]);
                while doomed.next() != "41" {}
                stage.said.expect([error.to_owned()]);
                assert_alive(&mut doomed);
                assert_alive(&mut stranger);
            }
            // The others get what is for everybody.
            let mut doomed = joined(stage.address);
            doomed.send(&["42[\"doom\",\"outgoing\"]"]);
            assert_alive(&mut doomed);
            stage.io.emit("news", 1);
            stranger.expect(&["42[\"news\",1]"]);
            stage.said.expect(["the handler of \"news\" panicked: in outgoing".to_owned()]);
            stage.io.emit("news", 2);
            stranger.expect(&["42[\"news\",2]"]);
        },
    );
}
