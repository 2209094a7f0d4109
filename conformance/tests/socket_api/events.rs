//! Events of clients, and their handlers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use siomio::{Ack, Args, HandlerError, Namespace, Server, Socket, SocketHandle};

use crate::{
    Tell, assert_alive, assert_ended, common::Client, join, joined, joined_on_both, on_both, served,
};

#[test]
fn names_that_mean_something_elsewhere_are_names_like_any_other() {
    const NAMES: [&str; 7] =
        ["error", "message", "connection", "__proto__", "constructor", "", "no such event"];
    served(
        |server, tell| {
            for name in NAMES {
                let tell = tell.clone();
                server
                    .on(name, move |_: &Socket, text: String| tell.say(format!("{name}: {text}")));
            }
            server.on_error(|_, error| panic!("{error}"));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                for name in NAMES {
                    client.send(&[&format!("42[\"{name}\",\"boo\"]")]);
                    stage.said.expect([format!("{name}: boo")]);
                }
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn an_event_named_error_without_a_handler_does_no_harm() {
    served(
        |server, tell| {
            server.on_error(move |_, error| tell.say(error.clone()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"error\",\"boo\"]", "42[\"error\"]", "421[\"error\"]"]);
                assert_alive(&mut client);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn a_number_is_a_name() {
    served(
        |server, tell| {
            server.on("42", move |_: &Socket, text: String| tell.say(text));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[42,\"as a number\"]", "42[\"42\",\"as text\"]"]);
                stage.said.expect(["as a number", "as text"].map(str::to_owned));
            });
        },
    );
}

#[test]
fn reserved_names_cannot_be_listened_to() {
    served(
        |server, tell| {
            let panics = |register: &dyn Fn(&Namespace)| {
                catch_unwind(AssertUnwindSafe(|| register(server))).is_err()
            };
            for name in siomio_packet_reserved() {
                assert!(panics(&|namespace| drop(namespace.on(name, |_: &Socket| {}))));
                assert!(panics(&|namespace| {
                    namespace.on_blocking(name, |_: &SocketHandle| {});
                }));
            }
            assert!(!panics(&|namespace| drop(namespace.on("connection", |_: &Socket| {}))));
            server.on_connect(move |socket| {
                let panics =
                    |register: &dyn Fn()| catch_unwind(AssertUnwindSafe(register)).is_err();
                for name in siomio_packet_reserved() {
                    tell.say([
                        panics(&|| drop(socket.on(name, |_: &Socket| {}))),
                        panics(&|| drop(socket.once(name, |_: &Socket| {}))),
                        panics(&|| drop(socket.on_blocking(name, |_: &SocketHandle| {}))),
                    ]);
                }
            });
        },
        |stage| {
            let mut client = joined(stage.address);
            for _ in siomio_packet_reserved() {
                stage.said.expect([[true; 3]]);
            }
            assert_alive(&mut client);
        },
    );
}

/// The names of the protocol's own events.
fn siomio_packet_reserved() -> [&'static str; 6] {
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
}

#[test]
fn handlers_run_in_the_order_they_were_registered_those_of_the_namespace_first() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on_connect(move |socket| {
                for name in ["socket 1", "socket 2"] {
                    let tell = told.clone();
                    socket.on("x", move |_: &Socket| tell.say(name));
                }
            });
            for name in ["namespace 1", "namespace 2"] {
                let tell = tell.clone();
                server.on("x", move |_: &Socket| tell.say(name));
            }
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"x\"]"]);
                stage.said.expect(["namespace 1", "namespace 2", "socket 1", "socket 2"]);
            });
        },
    );
}

#[test]
fn events_are_handled_in_the_order_they_were_sent() {
    served(
        |server, tell| {
            for name in ["a", "b"] {
                let tell = tell.clone();
                server.on(name, move |_: &Socket, n: u32| tell.say(n));
            }
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let packets: Vec<_> = (0..200)
                    .map(|n| format!("42[\"{}\",{n}]", if n % 3 == 0 { "a" } else { "b" }))
                    .collect();
                let packets: Vec<_> = packets.iter().map(String::as_str).collect();
                packets.chunks(17).for_each(|chunk| client.send(chunk));
                stage.said.expect(0..200);
            });
        },
    );
}

#[test]
fn what_comes_together_with_a_farewell_is_handled_before_it() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on("x", move |_: &Socket| told.say("x"));
            server.on_disconnect(move |_, reason| tell.say(reason.as_str()));
        },
        |stage| {
            for (end, reason) in [
                ("41", "client namespace disconnect"),
                ("9", "parse error"),
                ("42{}", "forced close"),
            ] {
                joined_on_both(stage.address, |mut client| {
                    let packets = ["42[\"x\"]", "42[\"x\"]", end, "42[\"x\"]"];
                    match &mut client {
                        Client::WebSocket { ws, .. } => ws.send_all(packets),
                        Client::Polling { .. } => client.send(&packets),
                    }
                    stage.said.expect(["x", "x"]);
                    let said = stage.said.next();
                    assert!(said == reason || said == "forced server close", "{said}");
                    stage.said.assert_silent();
                });
            }
        },
    );
}

#[test]
fn arguments_that_do_not_fit_are_reported_and_nothing_else_happens() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on("add", |socket: &Socket, a: i32, b: i32| {
                socket.emit("sum", a + b);
            });
            server
                .on("add", move |_: &Socket, args: Args| told.say(format!("{} given", args.len())));
            server.on_error(move |_, error| match error {
                HandlerError::Argument { event, .. } => tell.say(format!("bad {event}")),
                other => panic!("{other}"),
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"add\",1,\"2\"]", "42[\"add\"]", "42[\"add\",1,2]"]);
                stage.said.expect(
                    ["bad add", "2 given", "bad add", "0 given", "2 given"].map(str::to_owned),
                );
                client.expect(&["42[\"sum\",3]"]);
            });
        },
    );
}

#[test]
fn a_panic_costs_its_socket_and_the_handlers_behind_it() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on("x", |_: &Socket| panic!("on purpose"));
            server.on("x", |_: &Socket| unreachable!("the socket is gone"));
            server.on_error(move |_, error| told.say(error.to_string()));
            server.on_disconnect(move |_, reason| tell.say(reason.to_string()));
            server.of("/other");
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                join(&mut client, "/other");
                client.send(&["42[\"x\"]", "42[\"x\"]"]);
                client.expect(&["41"]);
                stage.said.expect([
                    "the handler of \"x\" panicked: on purpose".to_owned(),
                    "server namespace disconnect".to_owned(),
                ]);
                assert_alive(&mut client);
                join(&mut client, "/");
                client.send(&["41"]);
                stage.said.next();
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn packets_for_a_namespace_that_was_not_joined_close_the_connection() {
    served(
        |server: &Server, _: Tell<()>| drop(server.of("/other")),
        |stage| {
            for packet in ["42/other,[\"x\"]", "41/other,", "43/other,0[]", "42[\"x\"]", "44{}"] {
                on_both(stage.address, |mut client| {
                    if packet == "44{}" {
                        join(&mut client, "/");
                    }
                    client.send(&[packet]);
                    assert_ended(client);
                });
            }
        },
    );
}

#[test]
fn closures_take_what_they_name_and_an_acknowledgement_last() {
    served(
        |server, tell| {
            server.on("x", move |_: &Socket, a: Option<u8>, rest: Args, ack: Ack| {
                tell.say((a, rest.len(), ack.is_wanted()));
                ack.send((a, rest.len()));
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"x\"]", "427[\"x\",1]", "428[\"x\",1,\"2\",[3]]"]);
                stage.said.expect([(None, 0, false), (Some(1), 0, true), (Some(1), 2, true)]);
                client.expect(&["437[1,0]", "438[1,2]"]);
            });
        },
    );
}
