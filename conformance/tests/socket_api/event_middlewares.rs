//! Who may refuse events, or change them.

use siomio::{Ack, HandlerError, Socket};

use crate::{Tell, assert_alive, join, joined_on_both, served};

#[test]
fn they_are_asked_in_turn_those_of_the_namespace_first_until_one_refuses() {
    served(
        |server, tell| {
            for name in ["first", "second"] {
                let tell = tell.clone();
                server.use_event(move |_, event| {
                    tell.say(format!("{name} {}", event.name()));
                    if event.name() == name { Err(format!("by {name}")) } else { Ok(()) }
                });
            }
            let told = tell.clone();
            server.on_connect(move |socket| {
                let tell = told.clone();
                socket.use_event(move |_, event| {
                    tell.say(format!("own {}", event.name()));
                    if event.name() == "own" { Err("by own".to_owned()) } else { Ok(()) }
                });
            });
            for name in ["first", "second", "own", "x"] {
                let tell = tell.clone();
                server.on(name, move |_: &Socket| tell.say(format!("handled {name}")));
            }
            server.on_error(move |_, error| match error {
                HandlerError::Refused { event, reason } => {
                    tell.say(format!("refused {event} {reason}"));
                }
                other => panic!("{other}"),
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                for (event, seen) in [
                    ("first", &["first first", "refused first by first"][..]),
                    ("second", &["first second", "second second", "refused second by second"]),
                    ("own", &["first own", "second own", "own own", "refused own by own"]),
                    ("x", &["first x", "second x", "own x", "handled x"]),
                ] {
                    client.send(&[&format!("42[\"{event}\"]")]);
                    stage.said.expect(seen.iter().map(|it| (*it).to_owned()));
                }
                assert_alive(&mut client);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn a_refusal_is_not_heard_by_the_client_and_answers_nothing() {
    served(
        |server, _: Tell<()>| {
            server.use_event(|_, event| match event.name() {
                "x" => Err("no".to_owned()),
                _ => Ok(()),
            });
            for name in ["x", "y"] {
                server.on(name, |_: &Socket, ack: Ack| ack.send("done"));
            }
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["421[\"x\"]", "422[\"y\"]"]);
                client.expect(&["432[\"done\"]"]);
            });
        },
    );
}

#[test]
fn they_may_change_name_and_arguments() {
    served(
        |server, tell| {
            server.use_event(|_, event| {
                if event.name() == "old" {
                    event.rename("new");
                }
                if event.name() == "new" {
                    let first: u32 = event.args().get(0).unwrap_or(0);
                    event.replace_args((first + 1, "added")).expect("it can be serialised");
                }
                Ok(())
            });
            // Whoever comes behind sees what was made of it.
            let told = tell.clone();
            server.use_event(move |_, event| {
                told.say(format!("{} [{}]", event.name(), event.args().json()));
                Ok(())
            });
            server.on("old", |_: &Socket| panic!("there is no such event"));
            server.on("new", |_: &Socket, n: u32, text: String, ack: Ack| ack.send((n, text)));
            server.on_connect(|socket| {
                socket.on("new", |socket: &Socket, n: u32| {
                    socket.emit("seen", n);
                });
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["427[\"old\",1]"]);
                client.expect(&["437[2,\"added\"]", "42[\"seen\",2]"]);
                client.send(&["428[\"new\",10,[]]"]);
                client.expect(&["438[11,\"added\"]", "42[\"seen\",11]"]);
                let seen = ["new [2,\"added\"]", "new [11,\"added\"]"];
                stage.said.expect(seen.map(str::to_owned));
            });
        },
    );
}

#[test]
fn one_that_disconnects_or_panics_lets_nothing_through() {
    served(
        |server, tell| {
            server.use_event(|socket, event| {
                match event.name() {
                    "disconnect me" => socket.disconnect(false),
                    "panic" => panic!("on purpose"),
                    _ => {}
                }
                Ok(())
            });
            for name in ["disconnect me", "panic"] {
                server.on(name, |_: &Socket| panic!("it should not come so far"));
            }
            server.on_error(move |_, error| tell.say(error.to_string()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"disconnect me\"]"]);
                client.expect(&["41"]);
                join(&mut client, "/");
                client.send(&["42[\"panic\"]"]);
                client.expect(&["41"]);
                stage.said.expect(["the handler of \"panic\" panicked: on purpose".to_owned()]);
                assert_alive(&mut client);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn acknowledgements_and_the_protocols_own_events_are_not_asked_about() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.use_event(move |_, event| {
                told.say(event.name().to_owned());
                Ok(())
            });
            server.on_connect(move |socket| {
                let tell = tell.clone();
                socket.emit_with_ack("ask", (), siomio_testkit::PATIENCE).on_reply(move |answer| {
                    tell.say(format!("{:?}", answer.map(|args| args.len())));
                });
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let packet = client.next();
                let id = packet.trim_start_matches("42").trim_end_matches("[\"ask\"]");
                client.send(&[&format!("43{id}[1,2]"), "41"]);
                assert_alive(&mut client);
                stage.said.expect(["Ok(2)".to_owned()]);
                stage.said.assert_silent();
            });
        },
    );
}
