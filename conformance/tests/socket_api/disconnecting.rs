//! How sockets end, and for which reasons.

use siomio::{DisconnectReason, Socket};
use siomio_testkit::ws::Got;

use crate::{
    SHORT, Tell, assert_alive, assert_ended, client,
    common::{Client, heartbeat},
    hang_up, join, joined, joined_on_both, on_both, served, served_with,
};

/// Tells of every end in `/` and `/a`, with the name of the namespace.
fn tell_of_ends(server: &siomio::Server, tell: &Tell<(String, &'static str)>) {
    for name in ["/", "/a"] {
        let tell = tell.clone();
        server.of(name).on_disconnect(move |socket, reason| {
            tell.say((socket.namespace().name().to_owned(), reason.as_str()));
        });
    }
    server.on("bye", |socket: &Socket| socket.disconnect(false));
    server.on("bye-all", |socket: &Socket| socket.disconnect(true));
}

fn of_main(reason: &'static str) -> [(String, &'static str); 1] {
    [("/".to_owned(), reason)]
}

fn of_both(reason: &'static str) -> [(String, &'static str); 2] {
    [("/".to_owned(), reason), ("/a".to_owned(), reason)]
}

#[test]
fn the_server_ends_one_socket_or_all_of_a_client() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            joined_on_both(stage.address, |mut client| {
                join(&mut client, "/a");
                client.send(&["42[\"bye\"]"]);
                client.expect(&["41"]);
                stage.said.expect(of_main("server namespace disconnect"));
                join(&mut client, "/");
                stage.io.of("/a").disconnect_sockets(false);
                client.expect(&["41/a,"]);
                stage.said.expect([("/a".to_owned(), "server namespace disconnect")]);
                join(&mut client, "/a");
                client.send(&["42[\"bye-all\"]"]);
                client.expect(&["41", "41/a,"]);
                stage.said.expect(of_both("server namespace disconnect"));
                assert_ended(client);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn the_client_leaves_one_namespace_or_goes_altogether() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                join(&mut client, "/a");
                client.send(&["41"]);
                stage.said.expect(of_main("client namespace disconnect"));
                assert_alive(&mut client);
                join(&mut client, "/");
                hang_up(client);
                let mut ends = [stage.said.next(), stage.said.next()];
                ends.sort();
                assert_eq!(ends, of_both("transport close"));
            });
            // A close frame is an end like any other.
            let mut client = joined(stage.address);
            if let Client::WebSocket { ws, .. } = &mut client {
                ws.close(Some(1000));
            }
            stage.said.expect(of_main("transport close"));
        },
    );
}

#[test]
fn a_heartbeat_that_is_missed_is_a_ping_timeout() {
    served_with(
        heartbeat(50, 50),
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            on_both(stage.address, |mut client| {
                client.send(&["40"]);
                let mut packet = client.next();
                if packet == "2" {
                    packet = client.next();
                }
                assert!(packet.starts_with("40{"), "{packet}");
                stage.said.expect(of_main("ping timeout"));
            });
        },
    );
}

#[test]
fn a_transport_that_fails_is_a_transport_error() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            let Client::WebSocket { ws, .. } = joined(stage.address) else { unreachable!() };
            let mut ws = ws;
            // A frame that nobody understands.
            ws.raw(&[0xf1, 0x80, 0, 0, 0, 0]);
            stage.said.expect(of_main("transport error"));
            let mut client = Client::polling(stage.address, crate::PATH);
            join(&mut client, "/");
            let Client::Polling { session, .. } = client else { unreachable!() };
            // Two GETs at once.
            let _first = session.start_get();
            assert_eq!(session.get().status, 400);
            stage.said.expect(of_main("transport error"));
            let mut client = joined(stage.address);
            client.send(&["2"]);
            stage.said.expect(of_main("transport error"));
        },
    );
}

#[test]
fn a_packet_that_is_none_is_a_parse_error() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            joined_on_both(stage.address, |mut client| {
                join(&mut client, "/a");
                client.send(&["x"]);
                stage.said.expect(of_both("parse error"));
            });
        },
    );
}

#[test]
fn a_violation_is_a_forced_close() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            for packet in ["40", "42/nowhere,[\"x\"]", "44{}", "4", "42{}", "42[\"connect\"]", "47"]
            {
                let mut client = joined(stage.address);
                join(&mut client, "/a");
                client.send(&[packet]);
                stage.said.expect(of_both("forced close"));
                assert_ended(client);
                // A GET that waits takes the farewell at once.
                let mut client = Client::polling(stage.address, crate::PATH);
                join(&mut client, "/");
                let Client::Polling { session, .. } = client else { unreachable!() };
                let mut http = session.start_get();
                http.request("POST", &session.target, &[], packet.as_bytes());
                assert_eq!(http.response().text(), "1");
                assert_eq!(http.response().text(), "ok");
                stage.said.expect(of_main("forced close"));
            }
            stage.said.assert_silent();
        },
    );
}

#[test]
fn without_a_get_that_waits_the_client_goes_before_the_connection() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            let mut client = Client::polling(stage.address, crate::PATH);
            join(&mut client, "/");
            client.send(&["42/nowhere,[\"x\"]"]);
            stage.said.expect(of_main("forced server close"));
            client.expect_close();
        },
    );
}

#[test]
fn who_joins_nothing_in_time_is_closed_and_who_leaves_everything_later_is_not() {
    served_with(
        |builder| builder.connect_timeout(SHORT),
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            let mut leaves = joined(stage.address);
            leaves.send(&["41"]);
            stage.said.expect(of_main("client namespace disconnect"));
            on_both(stage.address, assert_ended);
            assert_alive(&mut leaves);
            stage.said.assert_silent();
        },
    );
}

#[test]
fn disconnecting_comes_before_disconnect_with_everything_still_there() {
    served(
        |server, tell| {
            let see = |what: &'static str, tell: &Tell<String>| {
                let tell = tell.clone();
                move |socket: &Socket, reason: DisconnectReason| {
                    assert!(!socket.is_connected());
                    assert!(!socket.emit("too late", ()).is_queued());
                    assert!(!socket.join("too late"));
                    let number = socket.data().get::<u8>();
                    let rooms: Vec<_> =
                        socket.rooms()[1..].iter().map(ToString::to_string).collect();
                    let auth = socket.handshake().query("EIO").is_some();
                    tell.say(format!("{what} {reason} {rooms:?} {number:?} {auth}"));
                }
            };
            server.on_disconnect(see("disconnect", &tell));
            server.on_disconnecting(see("disconnecting", &tell));
            server.on_connect(move |socket| {
                socket.join(["a", "b"]);
                socket.data().insert(7_u8);
                socket.on_disconnect(see("own disconnect", &tell));
                socket.on_disconnecting(see("own disconnecting", &tell));
            });
            server.on("bye", |socket: &Socket| {
                socket.disconnect(false);
                assert!(socket.rooms().is_empty(), "all handlers have run");
                assert!(socket.id().is_empty());
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                for (packet, reason) in [
                    (Some("42[\"bye\"]"), "server namespace disconnect"),
                    (Some("41"), "client namespace disconnect"),
                    (None, "transport close"),
                ] {
                    let id = join(&mut client, "/");
                    match packet {
                        Some(packet) => client.send(&[packet]),
                        None => match &mut client {
                            Client::WebSocket { ws, .. } => ws.close(None),
                            Client::Polling { session, .. } => session.send(&["1"]),
                        },
                    }
                    let steps =
                        ["disconnecting", "own disconnecting", "disconnect", "own disconnect"];
                    let seen = "[\"a\", \"b\"] Some(7) true";
                    stage.said.expect(steps.map(|step| format!("{step} {reason} {seen}")));
                    if reason.starts_with("server") {
                        client.expect(&["41"]);
                    }
                    crate::eventually(|| {
                        stage.io.socket_count() == 0 && stage.io.sockets_in(&id).is_empty()
                    });
                }
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn what_crosses_the_servers_farewell_is_ignored_and_coming_back_works() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"bye\"]"]);
                client.expect(&["41"]);
                client.send(&["42[\"x\"]", "421[\"x\"]", "430[]", "41", "42[\"bye\"]"]);
                assert_alive(&mut client);
                join(&mut client, "/");
                client.send(&["42[\"bye\"]"]);
                client.expect(&["41"]);
                stage.said.expect(of_main("server namespace disconnect"));
                stage.said.expect(of_main("server namespace disconnect"));
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn what_follows_the_clients_own_farewell_closes_the_connection() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            for packet in ["42[\"x\"]", "43[]", "41"] {
                joined_on_both(stage.address, |mut client| {
                    client.send(&["41"]);
                    assert_alive(&mut client);
                    client.send(&[packet]);
                    assert_ended(client);
                    stage.said.expect(of_main("client namespace disconnect"));
                });
            }
        },
    );
}

#[test]
fn a_handle_disconnects_too_and_does_nothing_later() {
    served(
        |server, tell| {
            server.on_connect(move |socket| tell.say(socket.handle()));
        },
        |stage| {
            for close in [false, true] {
                joined_on_both(stage.address, |mut client| {
                    let handle = stage.said.next();
                    handle.disconnect(close);
                    handle.disconnect(close);
                    client.expect(&["41"]);
                    if close {
                        return assert_ended(client);
                    }
                    handle.emit("late", ());
                    handle.join("late");
                    handle.disconnect(true);
                    assert_alive(&mut client);
                    assert!(handle.rooms().is_empty());
                    assert!(stage.io.rooms().is_empty());
                });
            }
        },
    );
}

#[test]
fn a_panic_in_a_handler_of_the_end_does_not_keep_the_others_from_running() {
    served(
        |server, tell| {
            server.on_disconnecting(|_, _| panic!("on purpose"));
            let told = tell.clone();
            server.on_disconnect(move |_, _| told.say("disconnect".to_owned()));
            server.on_error(move |_, error| tell.say(error.to_string()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["41"]);
                stage.said.expect([
                    "the handler of \"disconnecting\" panicked: on purpose".to_owned(),
                    "disconnect".to_owned(),
                ]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn a_websocket_hears_one_farewell_for_each_namespace_and_then_the_close_frame() {
    served(
        |server, tell| tell_of_ends(server, &tell),
        |stage| {
            let mut client = client(stage.address);
            join(&mut client, "/a");
            join(&mut client, "/");
            client.send(&["42[\"bye-all\"]"]);
            let Client::WebSocket { mut ws, .. } = client else { unreachable!() };
            assert_eq!((ws.text(), ws.text()), ("41/a,".to_owned(), "41".to_owned()));
            assert_eq!(ws.next(), Got::Close(None));
        },
    );
}
