//! Namespaces that the application names.

use std::thread;

use siomio::{ConnectError, Socket, Value};

use crate::{assert_alive, client, connected, join, joined, joined_on_both, on_both, served};

#[test]
fn names_get_their_slash_and_the_empty_one_is_the_main_one() {
    served(
        |_, _: crate::Tell<()>| {},
        |stage| {
            let io = &stage.io;
            assert_eq!(
                [io.of("x").name(), io.of("/x").name(), io.of("").name()],
                ["/x", "/x", "/"]
            );
            assert_eq!(io.of("x"), io.of("/x"));
            assert_eq!(io.of("/"), io.of(""));
            assert_ne!(io.of("/x"), io.of("/x/"));
            assert_eq!(io.name(), "/", "the server stands for its main namespace");
            let io = io.clone();
            let other = thread::spawn(move || io.of("/x")).join().expect("no panic");
            assert_eq!(other, stage.io.of("/x"), "from whichever thread it is asked for");
        },
    );
}

#[test]
fn handlers_of_the_main_namespace_are_for_that_one_alone() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on_connect(move |socket| told.say(socket.namespace().name().to_owned()));
            server.of("/custom").on_connect(move |_| tell.say("custom".to_owned()));
        },
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/custom");
                stage.said.expect(["custom".to_owned()]);
                join(&mut client, "/");
                stage.said.expect(["/".to_owned()]);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn who_is_connected_is_counted_and_named() {
    served(
        |server, tell| {
            let gate = server.of("/gate");
            gate.use_middleware(move |socket: &Socket, _: Value| {
                let namespace = socket.namespace();
                tell.say((namespace.socket_count(), namespace.sockets_in(&socket.id()).len()));
                socket.join("lobby");
                Ok::<_, ConnectError>(())
            });
        },
        |stage| {
            let gate = stage.io.of("/gate");
            assert_eq!((gate.socket_count(), gate.sockets()), (0, vec![]));
            let mut clients = [client(stage.address), client(stage.address), client(stage.address)];
            let mut ids = Vec::new();
            for (place, client) in clients.iter_mut().enumerate() {
                ids.push(join(client, "/gate"));
                assert_eq!(stage.said.next(), (place, 0), "nobody counts before they are let in");
            }
            let mut found: Vec<_> = gate.sockets().iter().map(ToString::to_string).collect();
            found.sort();
            ids.sort();
            assert_eq!((found, gate.socket_count()), (ids.clone(), 3));
            assert_eq!(gate.sockets_in(&ids[0]).len(), 1);
            assert_eq!(gate.sockets_in("lobby").len(), 3);
            assert_eq!(stage.io.socket_count(), 0, "elsewhere there is nobody");
            clients[0].send(&["41/gate,"]);
            assert_alive(&mut clients[0]);
            assert_eq!(gate.socket_count(), 2);
        },
    );
}

#[test]
fn namespaces_and_handlers_may_come_while_the_server_runs() {
    served(
        |_, _: crate::Tell<()>| {},
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let name = format!("/late-{}", client.transport());
                client.send(&[&format!("40{name}")]);
                client.expect(&[&format!("44{name},{{\"message\":\"Invalid namespace\"}}")]);
                let late = stage.io.of(&name);
                join(&mut client, &name);
                late.on("what", |socket: &Socket| {
                    socket.emit("that", ());
                });
                client.send(&[&format!("42{name},[\"what\"]")]);
                client.expect(&[&format!("42{name},[\"that\"]")]);
                late.off("what");
                client.send(&[&format!("42{name},[\"what\"]")]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn new_namespaces_are_announced_once() {
    served(
        |server, tell| {
            server.on_new_namespace(move |namespace| tell.say(namespace.name().to_owned()));
            server.of("/before");
        },
        |stage| {
            stage.said.expect(["/before".to_owned()]);
            stage.io.of("/before");
            stage.io.of("after");
            stage.io.of("/");
            stage.said.expect(["/after".to_owned()]);
            let mut client = joined(stage.address);
            join(&mut client, "/after");
            stage.said.assert_silent();
        },
    );
}

#[test]
fn nobody_enters_a_new_namespace_before_its_announcement_is_over() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    served(
        |server, tell| {
            let wait = wait.clone();
            server.of_pattern("/new-{n}");
            server.on_new_namespace(move |namespace| {
                tell.say(());
                let go = wait.lock().expect("nobody panics");
                go.recv_timeout(siomio_testkit::PATIENCE).expect("the test goes on");
                namespace.on_connect(|socket| {
                    socket.emit("welcome", ());
                });
            });
        },
        |stage| {
            let mut clients: Vec<_> = (0..8).map(|_| client(stage.address)).collect();
            clients[0].send(&["40/new-1"]);
            stage.said.next();
            // Those on other shards are answered as far as they can be; that of the hook stands still.
            let mut packets = vec![vec![]; clients.len()];
            for (client, packets) in clients.iter_mut().zip(&mut packets).skip(1) {
                client.send(&["40/new-1", "40/nobody"]);
                packets.extend(crate::hears_soon(client));
            }
            go.send(()).expect("the hook waits");
            packets[0].push("44/nobody,".to_owned());
            for (client, mut packets) in clients.iter_mut().zip(packets) {
                while packets.len() < 3 {
                    packets.push(client.next());
                }
                packets.retain(|packet| !packet.starts_with("44/nobody,"));
                assert!(packets[0].starts_with("40/new-1,{"), "{packets:?}");
                assert_eq!(packets[1], "42/new-1,[\"welcome\"]");
            }
            stage.said.assert_silent();
            assert_eq!(stage.io.of("/new-1").socket_count(), 8);
        },
    );
}

#[test]
fn the_same_event_is_another_in_every_namespace() {
    served(
        |server, tell| {
            for name in ["/", "/a"] {
                let tell = tell.clone();
                server.of(name).on("x", move |socket: &Socket, n: u32| {
                    tell.say((socket.namespace().name().to_owned(), n));
                });
            }
        },
        |stage| {
            let mut client = joined(stage.address);
            client.send(&["40/a"]);
            connected(&mut client, "/a");
            client.send(&["42/a,[\"x\",1]", "42[\"x\",2]"]);
            stage.said.expect([("/a".to_owned(), 1), ("/".to_owned(), 2)]);
        },
    );
}
