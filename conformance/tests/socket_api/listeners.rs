//! What a single socket listens to.

use siomio::{Event, Socket};

use crate::{Tell, assert_alive, join, joined, joined_on_both, served};

/// What of it a test wants to see.
fn shown(event: &Event<'_>) -> String {
    let json = event.args().json().to_owned();
    let wants = if event.wants_ack() { " and waits" } else { "" };
    format!("{} [{json}]{wants}", event.name())
}

#[test]
fn handlers_belong_to_their_socket() {
    served(
        |server, _: Tell<()>| {
            server.on("listen", |socket: &Socket| {
                socket.on("x", |socket: &Socket, n: u32| {
                    socket.emit("y", n);
                });
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let mut other = joined(stage.address);
                client.send(&["42[\"x\",1]", "42[\"listen\"]", "42[\"x\",2]", "42[\"x\",3]"]);
                client.expect(&["42[\"y\",2]", "42[\"y\",3]"]);
                other.send(&["42[\"x\",4]"]);
                assert_alive(&mut other);
                // Nor does its successor have them.
                client.send(&["41"]);
                join(&mut client, "/");
                client.send(&["42[\"x\",5]"]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn once_is_once() {
    served(
        |server, tell| {
            server.on_connect(move |socket| {
                let told = tell.clone();
                socket.once("x", move |socket: &Socket, n: u32| {
                    told.say(format!("once {n}"));
                    let told = told.clone();
                    // For the next time, not for this.
                    socket.once("x", move |_: &Socket, n: u32| told.say(format!("again {n}")));
                });
                let told = tell.clone();
                socket.on("x", move |_: &Socket, n: u32| told.say(format!("always {n}")));
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"x\",1]", "42[\"x\",2]", "42[\"x\",3]"]);
                stage.said.expect(
                    ["once 1", "always 1", "always 2", "again 2", "always 3"].map(str::to_owned),
                );
                assert_alive(&mut client);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn off_takes_back_those_of_the_socket_and_remove_listener_one() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on("x", move |_: &Socket| told.say("namespace"));
            server.on_connect(move |socket| {
                let say = |what| {
                    let tell = tell.clone();
                    move |_: &Socket| tell.say(what)
                };
                let first = socket.on("x", say("first"));
                let once = socket.once("x", say("once"));
                socket.on("x", say("second"));
                let tell = tell.clone();
                socket.on("remove", move |socket: &Socket| {
                    assert!(socket.remove_listener(first));
                    assert!(!socket.remove_listener(first), "it is gone");
                    assert!(socket.remove_listener(once));
                    tell.say("removed");
                });
                socket.on("off", |socket: &Socket| socket.off("x"));
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"remove\"]", "42[\"x\"]"]);
                stage.said.expect(["removed", "namespace", "second"]);
                client.send(&["42[\"off\"]", "42[\"x\"]"]);
                stage.said.expect(["namespace"]);
                client.send(&["41"]);
                join(&mut client, "/");
                client.send(&["42[\"x\"]", "42[\"x\"]"]);
                stage.said.expect(["namespace", "first", "once", "second"]);
                stage.said.expect(["namespace", "first", "second"]);
            });
        },
    );
}

#[test]
fn every_kind_of_listener_can_be_removed() {
    served(
        |server, tell| {
            server.on_connect(move |socket| {
                let told = || {
                    let tell = tell.clone();
                    move || tell.say("heard")
                };
                let (any, first, out, first_out) = (told(), told(), told(), told());
                let (ask, going, gone, drain) = (told(), told(), told(), told());
                let listeners = [
                    socket.on_any(move |_, _| any()),
                    socket.prepend_any(move |_, _| first()),
                    socket.on_any_outgoing(move |_, _| out()),
                    socket.prepend_any_outgoing(move |_, _| first_out()),
                    socket.use_event(move |_, _| {
                        ask();
                        Ok(())
                    }),
                    socket.on_disconnecting(move |_, _| going()),
                    socket.on_disconnect(move |_, _| gone()),
                    socket.on_drain(move |_| drain()),
                ];
                for listener in listeners {
                    assert!(socket.remove_listener(listener));
                    assert!(!socket.remove_listener(listener));
                }
                socket.emit("x", ());
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.expect(&["42[\"x\"]"]);
                client.send(&["42[\"x\"]", "41"]);
                assert_alive(&mut client);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn handlers_that_come_and_go_while_an_event_is_handled_do_not_concern_it() {
    served(
        |server, tell| {
            let (told, namespace) = (tell.clone(), (**server).clone());
            server.on("x", move |socket: &Socket, n: u32| {
                told.say(format!("namespace {n}"));
                if n == 1 {
                    let tell = told.clone();
                    namespace.on("x", move |_: &Socket, n: u32| tell.say(format!("late {n}")));
                    let tell = told.clone();
                    socket.on("x", move |_: &Socket, n: u32| tell.say(format!("later {n}")));
                    socket.off("y");
                }
            });
            let told = tell.clone();
            server.on_connect(move |socket| {
                let tell = told.clone();
                socket.on("y", move |socket: &Socket| {
                    tell.say("y".to_owned());
                    socket.off("y");
                });
                let tell = told.clone();
                socket.on("y", move |_: &Socket| tell.say("y, too".to_owned()));
            });
        },
        |stage| {
            let mut client = joined(stage.address);
            client.send(&["42[\"y\"]", "42[\"y\"]"]);
            stage.said.expect(["y", "y, too"].map(str::to_owned));
            client.send(&["42[\"x\",1]"]);
            stage.said.expect(["namespace 1".to_owned()]);
            client.send(&["42[\"x\",2]"]);
            stage.said.expect(["namespace 2", "late 2", "later 2"].map(str::to_owned));
        },
    );
}

#[test]
fn catch_alls_see_every_event_in_their_order_before_anybody_else() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on_any(move |_, event| told.say(format!("all: {}", shown(event))));
            let told = tell.clone();
            server.use_event(move |_, event| {
                told.say(format!("middleware: {}", event.name()));
                Ok(())
            });
            let told = tell.clone();
            server.on("x", move |_: &Socket| told.say("handler".to_owned()));
            server.on_connect(move |socket| {
                for (name, is_first) in [("b", false), ("c", false), ("a", true)] {
                    let tell = tell.clone();
                    let see = move |_: &Socket, event: &Event<'_>| {
                        tell.say(format!("{name}: {}", event.name()));
                    };
                    match is_first {
                        true => socket.prepend_any(see),
                        false => socket.on_any(see),
                    };
                }
                socket.on("off", |socket: &Socket| socket.off_any());
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["427[\"x\",1,{\"b\":[]}]"]);
                stage.said.expect(
                    [
                        "all: x [1,{\"b\":[]}] and waits",
                        "a: x",
                        "b: x",
                        "c: x",
                        "middleware: x",
                        "handler",
                    ]
                    .map(str::to_owned),
                );
                // Also what nobody handles; but neither acknowledgements nor the protocol's own.
                client.send(&["42[\"nobody\"]", "43999[1]"]);
                stage.said.expect(
                    ["all: nobody []", "a: nobody", "b: nobody", "c: nobody", "middleware: nobody"]
                        .map(str::to_owned),
                );
                client.send(&["42[\"off\"]", "42[\"z\"]"]);
                stage.said.expect(
                    ["all: off []", "a: off", "b: off", "c: off", "middleware: off", "all: z []"]
                        .map(str::to_owned),
                );
                stage.said.expect(["middleware: z".to_owned()]);
                client.send(&["41"]);
                assert_alive(&mut client);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn catch_alls_see_every_event_that_leaves_and_no_acknowledgement() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on_any_outgoing(move |_, event| told.say(format!("all: {}", shown(event))));
            server.on_connect(move |socket| {
                for (name, is_first) in [("b", false), ("c", false), ("a", true)] {
                    let tell = tell.clone();
                    let see = move |_: &Socket, event: &Event<'_>| {
                        tell.say(format!("{name}: {}", event.name()));
                    };
                    match is_first {
                        true => socket.prepend_any_outgoing(see),
                        false => socket.on_any_outgoing(see),
                    };
                }
            });
            server.on("off", |socket: &Socket, ack: siomio::Ack| {
                socket.off_any_outgoing();
                ack.send("done");
            });
            server.on("ask", |socket: &Socket| {
                socket.emit_with_ack("asked", 1, siomio_testkit::PATIENCE).on_reply(drop);
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let id = stage.io.sockets()[0].clone();
                let seen = |event: &str, args: &str, waits: &str| {
                    let all = format!("all: {event} [{args}]{waits}");
                    let own = ["a", "b", "c"].map(|name| format!("{name}: {event}"));
                    [vec![all], own.to_vec()].concat()
                };
                stage.io.emit("broadcast", (1, "x"));
                stage.said.expect(seen("broadcast", "1,\"x\"", ""));
                stage.io.to(&id).emit("direct", ());
                stage.said.expect(seen("direct", "", ""));
                client.send(&["42[\"ask\"]"]);
                stage.said.expect(seen("asked", "1", " and waits"));
                client.expect(&["42[\"broadcast\",1,\"x\"]", "42[\"direct\"]"]);
                let asked = client.next();
                assert!(asked.ends_with("[\"asked\",1]"), "{asked}");
                client.send(&["421[\"off\"]"]);
                client.expect(&["431[\"done\"]"]);
                stage.said.assert_silent();
                stage.io.emit("last", ());
                stage.said.expect(["all: last []".to_owned()]);
                client.expect(&["42[\"last\"]"]);
                client.send(&["41"]);
                assert_alive(&mut client);
                stage.io.emit("nobody", ());
                let mut other = joined(stage.address);
                stage.said.assert_silent();
                other.send(&["41"]);
                assert_alive(&mut other);
            });
        },
    );
}

#[test]
fn a_listener_given_to_a_socket_that_is_gone_hears_nothing() {
    served(
        |server, tell| {
            server.on("bye", move |socket: &Socket| {
                socket.disconnect(false);
                let told = tell.clone();
                let listener = socket.on("x", move |_: &Socket| told.say("heard"));
                socket.off("x");
                socket.remove_listener(listener);
                tell.say("survived");
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"bye\"]", "42[\"x\"]"]);
                client.expect(&["41"]);
                stage.said.expect(["survived"]);
                assert_alive(&mut client);
                stage.said.assert_silent();
            });
        },
    );
}
