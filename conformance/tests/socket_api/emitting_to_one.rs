//! What is sent to one client, and from where.

use std::{sync::mpsc, thread};

use siomio::{Binary, Dropped, EncodeError, Sent, Socket};
use siomio_testkit::{PATIENCE, http::Http};

use crate::{Tell, assert_alive, connected, join, joined, joined_on_both, on_both, served};

#[test]
fn a_tuple_is_the_arguments_and_everything_else_is_one() {
    served(
        |server, tell| {
            server.on("go", move |socket: &Socket| {
                let handle = socket.handle();
                tell.say(
                    [
                        socket.emit("e", ()),
                        socket.emit("e", 1),
                        socket.emit("e", ("a", 2, [true])),
                        socket.emit("e", vec![1, 2]),
                        socket.emit("e", ((1, 2),)),
                        socket.emit("e", None::<u8>),
                        socket.emit("é \"quoted\"", Binary(vec![1, 2, 3].into())),
                        socket.send("plain"),
                        handle.emit("handle", 1),
                        handle.send(()),
                        handle.emit_volatile("volatile", ()),
                        socket.compress(false).emit("compress", ()),
                        socket.volatile().send(7),
                    ]
                    .iter()
                    .filter(|sent| sent.is_queued())
                    .count(),
                );
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"go\"]"]);
                client.expect(&[
                    "42[\"e\"]",
                    "42[\"e\",1]",
                    "42[\"e\",\"a\",2,[true]]",
                    "42[\"e\",[1,2]]",
                    "42[\"e\",[1,2]]",
                    "42[\"e\",null]",
                    "451-[\"é \\\"quoted\\\"\",{\"_placeholder\":true,\"num\":0}]",
                    "bAQID",
                    "42[\"message\",\"plain\"]",
                    "42[\"handle\",1]",
                    "42[\"message\"]",
                    "42[\"compress\"]",
                ]);
                // What is volatile does not wait behind all that.
                assert_eq!(stage.said.next(), 11);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn reserved_names_cannot_be_sent_by_any_of_them() {
    const NAMES: [&str; 6] = [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ];
    served(
        |server, tell| {
            server.on("go", move |socket: &Socket| {
                for name in NAMES {
                    let namespace = socket.namespace();
                    for sent in [
                        socket.emit(name, 1),
                        socket.handle().emit(name, 1),
                        socket.volatile().emit(name, 1),
                        namespace.emit(name, 1),
                        namespace.to("room").emit(name, 1),
                        socket.broadcast().emit(name, 1),
                    ] {
                        let is_right = matches!(
                            sent,
                            Sent::Dropped(Dropped::Encode(EncodeError::ReservedName { .. }))
                        );
                        tell.say((is_right, format!("{sent:?}")));
                    }
                }
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"go\"]"]);
                for _ in 0..6 * NAMES.len() {
                    let (is_right, sent) = stage.said.next();
                    assert!(is_right, "{sent}");
                }
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn any_thread_may_send_and_keeps_its_order() {
    served(
        |server, tell| {
            server.on_connect(move |socket| tell.say(socket.handle()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let handle = stage.said.next();
                let (io, to) = (stage.io.clone(), handle.clone());
                thread::spawn(move || {
                    // Whatever one thread uses.
                    for n in (0..90).step_by(3) {
                        assert!(to.emit("n", n).is_queued());
                        assert!(io.to(to.id()).emit("n", n + 1).is_queued());
                        assert!(io.of("/").emit("n", n + 2).is_queued());
                    }
                })
                .join()
                .expect("no panic");
                for n in 0..90 {
                    client.expect(&[&format!("42[\"n\",{n}]")]);
                }
                client.send(&["41"]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn a_page_may_send_to_whoever_is_there() {
    served(
        |server, _: Tell<()>| {
            let io = server.io();
            server.http(move |request, response| {
                let to = request.query("to").unwrap_or_default().into_owned();
                io.to(to).emit("from-the-page", request.path());
                response.text("sent");
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                let id = join(&mut client, "/");
                let mut other = joined(stage.address);
                let response = Http::connect(stage.address).get(&format!("/page?to={id}"));
                assert_eq!(response.text(), "sent");
                client.expect(&["42[\"from-the-page\",\"/page\"]"]);
                assert_alive(&mut other);
            });
        },
    );
}

#[test]
fn sending_before_anybody_is_there_reaches_nobody() {
    served(
        |server, _: Tell<()>| {
            // Before it runs, and before the namespace has anybody.
            assert_eq!(server.emit("early", 1), Sent::Queued);
            assert_eq!(server.to("room").emit("early", 1), Sent::Queued);
            assert_eq!(server.of("/a").emit("early", 1), Sent::Queued);
            server.disconnect_sockets(true);
            server.sockets_join("room");
        },
        |stage| {
            stage.io.emit("still early", 1);
            stage.io.of("/a").send(1);
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                join(&mut client, "/a");
                assert_alive(&mut client);
                assert!(stage.io.rooms().is_empty());
            });
        },
    );
}

#[test]
fn an_id_is_a_room_for_everybody_but_in_its_own_namespace_only() {
    served(
        |server, _: Tell<()>| {
            server.of("/a");
            server.on("whisper", |socket: &Socket, to: String, text: String| {
                socket.to(to).emit("whispered", text);
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                let id = join(&mut client, "/");
                let own = join(&mut client, "/a");
                let mut other = joined(stage.address);
                other.send(&[&format!("42[\"whisper\",\"{id}\",\"psst\"]")]);
                client.expect(&["42[\"whispered\",\"psst\"]"]);
                other.send(&[&format!("42[\"whisper\",\"{own}\",\"psst\"]")]);
                assert_alive(&mut other);
                stage.io.to(&own).emit("wrong", ());
                stage.io.of("/a").to(&id).emit("wrong", ());
                stage.io.of("/a").to(&own).emit("right", ());
                client.expect(&["42/a,[\"right\"]"]);
                // Nobody talks to themselves.
                client.send(&[&format!("42[\"whisper\",\"{id}\",\"me\"]")]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn what_cannot_be_serialised_is_not_sent() {
    struct Broken;
    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("on purpose"))
        }
    }
    served(
        |server, tell| {
            server.on("go", move |socket: &Socket| {
                for sent in [
                    socket.emit("x", (1, Broken)),
                    socket.handle().emit("x", Broken),
                    socket.namespace().emit("x", Broken),
                ] {
                    tell.say(matches!(sent, Sent::Dropped(Dropped::Encode(_))));
                }
                socket.emit("y", 1);
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"go\"]"]);
                stage.said.expect([true; 3]);
                client.expect(&["42[\"y\",1]"]);
            });
        },
    );
}

#[test]
fn nothing_is_sent_to_a_socket_that_is_gone() {
    let (give, take) = mpsc::channel();
    served(
        |server, tell| {
            let give = give.clone();
            server.on("bye", move |socket: &Socket| {
                let _ = give.send(socket.handle());
                socket.disconnect(false);
                tell.say((socket.emit("late", 1), socket.handle().emit("late", 2)));
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"bye\"]"]);
                client.expect(&["41"]);
                let dropped = || Sent::Dropped(Dropped::Disconnected);
                stage.said.expect([(dropped(), dropped())]);
                let handle = take.recv_timeout(PATIENCE).expect("a handle");
                client.send(&["40"]);
                connected(&mut client, "/");
                // It is somebody else now.
                assert_eq!(handle.emit("late", 3), Sent::Queued, "nobody knows that here");
                assert_alive(&mut client);
            });
        },
    );
}
