//! Who decides whether a socket is let in.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
};

use siomio::{ConnectError, Dropped, Permit, Sent, Server, ServerBuilder, Socket, Value};
use siomio_testkit::PATIENCE;

use crate::{
    SHORT, Stage, Tell, assert_alive, assert_ended, client, connected, hang_up, join, joined,
    joined_on_both, on_both, served, served_with,
};

#[test]
fn they_are_asked_in_turn_until_one_refuses() {
    served(
        |server, tell| {
            let gate = server.of("/gate");
            let told = tell.clone();
            gate.use_middleware(move |_: &Socket, _: Value| {
                told.say("first".to_owned());
                Ok::<_, ConnectError>(())
            });
            let told = tell.clone();
            gate.use_middleware_later(move |_, _: Value, permit| {
                told.say("second".to_owned());
                thread::spawn(move || permit.grant());
            });
            let told = tell.clone();
            gate.use_middleware(move |_: &Socket, auth: Value| {
                told.say("third".to_owned());
                match auth.get("ok") {
                    Some(_) => Ok(()),
                    None => Err("not you".into()),
                }
            });
            let told = tell.clone();
            gate.use_middleware(move |_: &Socket, _: Value| {
                told.say("fourth".to_owned());
                Ok::<_, ConnectError>(())
            });
            gate.on_connect(move |_| tell.say("connected".to_owned()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["40/gate,{}"]);
                client.expect(&["44/gate,{\"message\":\"not you\"}"]);
                stage.said.expect(["first", "second", "third"].map(str::to_owned));
                client.send(&["40/gate,{\"ok\":1}"]);
                connected(&mut client, "/gate");
                stage
                    .said
                    .expect(["first", "second", "third", "fourth", "connected"].map(str::to_owned));
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn a_refusal_carries_words_and_data_and_costs_nothing_else() {
    served(
        |server, _: Tell<()>| {
            server.of("/at-once").use_middleware(|_: &Socket, auth: Value| {
                let error = ConnectError::new("no \"entry\"");
                Err(match auth.get("data") {
                    Some(data) => error.with_data(data.clone()),
                    None => error,
                })
            });
            server.of("/later").use_middleware_later(|_, auth: Value, permit| {
                thread::spawn(move || match auth.get("data") {
                    Some(data) => permit.refuse(ConnectError::new("later").with_data(data.clone())),
                    None => permit.refuse("later"),
                });
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                for (packet, answer) in [
                    ("40/at-once", r#"44/at-once,{"message":"no \"entry\""}"#),
                    (
                        r#"40/at-once,{"data":{"code":[1,null]}}"#,
                        r#"44/at-once,{"message":"no \"entry\"","data":{"code":[1,null]}}"#,
                    ),
                    (
                        r#"40/at-once,{"data":0}"#,
                        r#"44/at-once,{"message":"no \"entry\"","data":0}"#,
                    ),
                    ("40/later", r#"44/later,{"message":"later"}"#),
                    (r#"40/later,{"data":"x"}"#, r#"44/later,{"message":"later","data":"x"}"#),
                ] {
                    client.send(&[packet]);
                    client.expect(&[answer]);
                }
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn the_list_is_that_of_the_moment_when_the_client_asked() {
    let permits = Permits::default();
    served(
        |server, tell: Tell<()>| permits.ask_at(server, tell),
        |stage| {
            let mut client = joined(stage.address);
            client.send(&["40/gate"]);
            stage.said.next();
            stage.io.of("/gate").use_middleware(|_: &Socket, _: Value| {
                Err::<(), _>(ConnectError::new("from now on"))
            });
            permits.next().grant();
            connected(&mut client, "/gate");
            let mut other = joined(stage.address);
            other.send(&["40/gate"]);
            permits.next().grant();
            other.expect(&["44/gate,{\"message\":\"from now on\"}"]);
        },
    );
}

/// Permits that the test gives.
#[derive(Clone, Default)]
struct Permits(Arc<Mutex<Option<mpsc::Receiver<Permit>>>>);

impl Permits {
    /// Has a middleware of `/gate` leave its decisions to the test. Its sockets enter the room `asked`.
    fn ask_at(&self, server: &Server, tell: Tell<()>) {
        let (give, take) = mpsc::channel();
        *self.0.lock().expect("nobody panics") = Some(take);
        server.of("/gate").use_middleware_later(move |socket, _: Value, permit| {
            socket.join("asked");
            let _ = give.send(permit);
            tell.say(());
        });
    }

    fn next(&self) -> Permit {
        let permits = self.0.lock().expect("nobody panics");
        let permits = permits.as_ref().expect("the server was made");
        permits.recv_timeout(PATIENCE).expect("the middleware is asked")
    }
}

/// Runs a test with a server whose namespace `/gate` the test watches over.
fn guarded(settings: impl Fn(ServerBuilder) -> ServerBuilder, test: impl Fn(&Stage<()>, &Permits)) {
    let permits = Permits::default();
    served_with(
        settings,
        |server, tell| permits.ask_at(server, tell),
        |stage| test(stage, &permits),
    );
}

#[test]
fn a_decision_may_come_later_and_nobody_else_waits() {
    guarded(
        |builder| builder,
        |stage, permits| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["40/gate"]);
                let permit = permits.next();
                let mut other = joined(stage.address);
                other.send(&["40/gate"]);
                permits.next().grant();
                connected(&mut other, "/gate");
                assert_alive(&mut client);
                assert_eq!(stage.io.of("/gate").sockets_in("asked").len(), 1, "that of the other");
                thread::spawn(move || permit.grant());
                connected(&mut client, "/gate");
                stage.io.of("/gate").to("asked").emit("hello", ());
                client.expect(&["42/gate,[\"hello\"]"]);
                hang_up(other);
                crate::eventually(|| stage.io.of("/gate").socket_count() == 1);
                client.send(&["41/gate,"]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn a_decision_that_does_not_come_is_a_refusal() {
    guarded(
        |builder| builder.decision_timeout(SHORT),
        |stage, permits| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["40/gate"]);
                let late = permits.next();
                client.expect(&["44/gate,{\"message\":\"timeout\"}"]);
                // The next try has its own permit.
                client.send(&["40/gate"]);
                let permit = permits.next();
                late.refuse("late");
                permit.grant();
                connected(&mut client, "/gate");
                client.send(&["41/gate,", "40/gate"]);
                drop(permits.next());
                client.expect(&["44/gate,{\"message\":\"not decided\"}"]);
                assert!(stage.io.of("/gate").rooms().is_empty(), "the refused have left");
            });
        },
    );
}

#[test]
fn a_client_that_goes_meanwhile_is_forgotten_without_a_word() {
    let permits = Permits::default();
    served(
        |server, tell| {
            permits.ask_at(server, tell);
            let gate = server.of("/gate");
            gate.on_connect(|_| panic!("it was never let in"));
            gate.on_disconnect(|_, _| panic!("it was never let in"));
            gate.on_disconnecting(|_, _| panic!("it was never let in"));
        },
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                client.send(&["40/gate"]);
                let permit = permits.next();
                hang_up(client);
                crate::eventually(|| stage.io.socket_count() == 0);
                permit.grant();
                // Whatever that did is done when somebody else has been served.
                let mut others: Vec<_> = (0..4).map(|_| joined(stage.address)).collect();
                others.iter_mut().for_each(assert_alive);
                assert_eq!(stage.io.of("/gate").socket_count(), 0);
                assert!(stage.io.of("/gate").sockets_in("asked").is_empty());
                others.into_iter().for_each(hang_up);
                crate::eventually(|| stage.io.socket_count() == 0);
            });
        },
    );
}

#[test]
fn who_asks_again_or_speaks_before_it_is_decided_breaks_a_rule() {
    guarded(
        |builder| builder,
        |stage, permits| {
            for packet in ["40/gate", "42/gate,[\"early\"]", "41/gate,", "43/gate,0[]"] {
                on_both(stage.address, |mut client| {
                    client.send(&["40/gate"]);
                    let permit = permits.next();
                    client.send(&[packet]);
                    assert_ended(client);
                    permit.grant();
                    assert_eq!(stage.io.of("/gate").socket_count(), 0);
                });
            }
        },
    );
}

#[test]
fn nothing_reaches_a_socket_that_is_not_let_in() {
    served(
        |server, tell| {
            server.of("/gate").use_middleware(move |socket: &Socket, auth: Value| {
                assert!(!socket.is_connected());
                socket.join(["room", "other"]);
                socket.leave("other");
                let rooms = socket.rooms();
                tell.say((
                    socket.emit("early", 1),
                    socket.handle().emit("early", 2),
                    rooms.len(),
                    *rooms[1] == *"room",
                ));
                socket.namespace().emit("early", 3);
                socket.namespace().to("room").emit("early", 4);
                if auth.get("ok").is_some() { Ok(()) } else { Err(ConnectError::new("no")) }
            });
        },
        |stage| {
            let dropped = || Sent::Dropped(Dropped::Disconnected);
            joined_on_both(stage.address, |mut client| {
                let gate = stage.io.of("/gate");
                client.send(&["40/gate"]);
                client.expect(&["44/gate,{\"message\":\"no\"}"]);
                stage.said.expect([(dropped(), dropped(), 2, true)]);
                assert_eq!(
                    (gate.rooms(), gate.sockets_in("room")),
                    (vec![], vec![]),
                    "it has left"
                );
                client.send(&["40/gate,{\"ok\":1}"]);
                connected(&mut client, "/gate");
                stage.said.expect([(dropped(), dropped(), 2, true)]);
                gate.to("room").emit("now", ());
                client.expect(&["42/gate,[\"now\"]"]);
                client.send(&["41/gate,"]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn what_comes_along_is_read_as_the_type_that_is_asked_for() {
    #[derive(serde::Deserialize)]
    struct Auth {
        token: Option<u32>,
    }
    served(
        |server, tell| {
            let told = tell.clone();
            server.of("/at-once").use_middleware(move |_: &Socket, auth: Auth| {
                told.say(auth.token);
                Ok::<_, ConnectError>(())
            });
            server.of("/later").use_middleware_later(move |_, auth: Auth, permit| {
                tell.say(auth.token);
                permit.grant();
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                for name in ["/at-once", "/later"] {
                    for (auth, expected) in
                        [("", None), (",{}", None), (",{\"token\":7,\"more\":[]}", Some(7))]
                    {
                        client.send(&[&format!("40{name}{auth}")]);
                        connected(&mut client, name);
                        stage.said.expect([expected]);
                        client.send(&[&format!("41{name}")]);
                    }
                    client.send(&[&format!("40{name},{{\"token\":\"7\"}}")]);
                    let refusal = client.next();
                    let expected = format!("44{name},{{\"message\":\"invalid auth: ");
                    assert!(refusal.starts_with(&expected), "{refusal}");
                }
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn one_that_panics_refuses_once() {
    served(
        |server, tell| {
            for name in ["/at-once", "/later"] {
                let told = tell.clone();
                server.of(name).on_error(move |_, error| told.say(error.to_string()));
            }
            server.of("/at-once").use_middleware(|socket: &Socket, _: Value| {
                socket.join("room");
                if socket.id().is_empty() { Ok(()) } else { panic!("at once") }
            });
            server.of("/later").use_middleware_later(|_, _: Value, _permit| panic!("later"));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                for (name, message) in [("/at-once", "at once"), ("/later", "later")] {
                    client.send(&[&format!("40{name}")]);
                    client.expect(&[&format!("44{name},{{\"message\":\"internal error\"}}")]);
                    let expected = format!("the handler of \"middleware\" panicked: {message}");
                    stage.said.expect([expected]);
                    assert!(stage.io.of(name).rooms().is_empty());
                }
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn the_time_to_join_goes_on_meanwhile() {
    guarded(
        |builder| builder.connect_timeout(SHORT),
        |stage, permits| {
            let mut client = client(stage.address);
            client.send(&["40/gate"]);
            let permit = permits.next();
            assert_ended(client);
            permit.grant();
            let mut other = joined(stage.address);
            assert_alive(&mut other);
            assert_eq!(stage.io.of("/gate").socket_count(), 0);
        },
    );
}
