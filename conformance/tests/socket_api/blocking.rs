//! Handlers that may block.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use siomio::{Ack, Server, ServerBuilder, Socket, SocketHandle};
use siomio_testkit::{PATIENCE, http::Http};

use crate::{
    SHORT, Stage, Tell, assert_alive, client,
    common::{Client, heartbeat},
    hang_up, join, joined, joined_on_both, served, served_with,
};

/// Lets blocking handlers go on, one at a time.
#[derive(Clone)]
struct Valve {
    open: mpsc::Sender<()>,
    wait: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Valve {
    fn new() -> Self {
        let (open, wait) = mpsc::channel();
        Self { open, wait: Arc::new(Mutex::new(wait)) }
    }

    /// Blocks until the test lets one through.
    fn block(&self) {
        let wait = self.wait.lock().expect("nobody panics with it");
        wait.recv_timeout(PATIENCE).expect("the test goes on");
    }

    fn open(&self, times: usize) {
        (0..times).for_each(|_| self.open.send(()).expect("somebody waits"));
    }
}

/// Runs a test with a server that has a handler `block`, which waits for the test, and a few others that do not.
fn valved(
    settings: impl Fn(ServerBuilder) -> ServerBuilder,
    test: impl Fn(&Stage<String>, &Valve),
) {
    let valve = Valve::new();
    served_with(settings, |server, tell| serve(server, &tell, &valve), |stage| test(stage, &valve));
}

fn serve(server: &Server, tell: &Tell<String>, valve: &Valve) {
    for name in ["/", "/a"] {
        let namespace = server.of(name);
        let (told, valve) = (tell.clone(), valve.clone());
        namespace.on_blocking("block", move |_: &SocketHandle, n: u32, ack: Ack| {
            told.say(format!("block {n}"));
            valve.block();
            ack.send(n);
        });
        let told = tell.clone();
        namespace.on("x", move |_: &Socket, n: u32, ack: Ack| {
            told.say(format!("x {n}"));
            ack.send(n);
        });
        let told = tell.clone();
        namespace.on_disconnect(move |socket, reason| {
            // How it came, its rooms and its data are still there.
            let rooms = socket.rooms().len();
            let is_known = socket.handshake().query("EIO").is_some();
            told.say(format!("{reason} {rooms} {is_known}"));
        });
        let told = tell.clone();
        namespace.on_error(move |_, error| told.say(error.to_string()));
    }
    server.on("bye", |socket: &Socket| socket.disconnect(false));
    server.on("ask", |socket: &Socket| {
        let handle = socket.handle();
        socket.emit_with_ack("asked", (), PATIENCE).on_reply(move |_| drop(handle.send("thanks")));
    });
}

fn said(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn they_run_on_threads_of_their_own_and_keep_nobody_else_waiting() {
    valved(
        |builder| builder,
        |stage, valve| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["421[\"block\",1]"]);
                stage.said.expect(said(&["block 1"]));
                stage.io.emit("all", ());
                client.expect(&["42[\"all\"]"]);
                let mut others: Vec<_> = (0..4).map(|_| joined(stage.address)).collect();
                for other in &mut others {
                    other.send(&["422[\"x\",2]"]);
                    other.expect(&["432[2]"]);
                    stage.said.expect(said(&["x 2"]));
                }
                valve.open(1);
                client.expect(&["431[1]"]);
                others.into_iter().for_each(hang_up);
                for _ in 0..4 {
                    stage.said.expect(said(&["transport close 1 true"]));
                }
            });
        },
    );
}

#[test]
fn events_of_a_socket_wait_behind_them_in_their_order() {
    valved(
        |builder| builder,
        |stage, valve| {
            joined_on_both(stage.address, |mut client| {
                join(&mut client, "/a");
                client.send(&[
                    "421[\"block\",1]",
                    "422[\"x\",2]",
                    "423[\"block\",3]",
                    "42[\"x\",4]",
                ]);
                stage.said.expect(said(&["block 1"]));
                // Only those of the same socket.
                client.send(&["42/a,5[\"x\",5]"]);
                client.expect(&["43/a,5[5]"]);
                stage.said.expect(said(&["x 5"]));
                stage.said.assert_silent();
                valve.open(1);
                client.expect(&["431[1]", "432[2]"]);
                stage.said.expect(said(&["x 2", "block 3"]));
                stage.said.assert_silent();
                valve.open(1);
                client.expect(&["433[3]"]);
                stage.said.expect(said(&["x 4"]));
                assert_alive(&mut client);
                hang_up(client);
                let reason = "transport close 1 true";
                stage.said.expect(said(&[reason, reason]));
            });
        },
    );
}

#[test]
fn acknowledgements_and_heartbeats_do_not_wait() {
    valved(heartbeat(50, 1_000), |stage, valve| {
        let mut client = client(stage.address);
        client.send(&["40"]);
        let mut packets = Vec::new();
        let Client::WebSocket { ws, .. } = &mut client else { unreachable!() };
        while packets.is_empty() {
            packets.push(ws.message());
        }
        assert!(packets[0].starts_with("40{"));
        ws.send("42[\"ask\"]");
        let asked = ws.message();
        let id = asked.trim_start_matches("42").trim_end_matches("[\"asked\"]").to_owned();
        ws.send("42[\"block\",1]");
        stage.said.expect(said(&["block 1"]));
        ws.send(&format!("43{id}[]"));
        assert_eq!(ws.message(), "42[\"message\",\"thanks\"]");
        // It lives on for longer than without pongs.
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(1_500) {
            assert_eq!(ws.text(), "2");
            ws.send("3");
        }
        stage.said.assert_silent();
        valve.open(1);
    });
}

#[test]
fn the_handlers_of_the_end_run_last() {
    valved(
        |builder| builder,
        |stage, valve| {
            for (end, reason) in [
                ("41", "client namespace disconnect 1 true"),
                ("hang up", "transport close 1 true"),
                ("violation", "forced"),
            ] {
                joined_on_both(stage.address, |mut client| {
                    client.send(&["42[\"block\",1]", "42[\"x\",2]", "42[\"block\",3]"]);
                    stage.said.expect(said(&["block 1"]));
                    let id = stage.io.sockets()[0].clone();
                    let mut client = Some(client);
                    match end {
                        "41" => client.as_mut().expect("here").send(&["41"]),
                        "hang up" => client.take().into_iter().for_each(hang_up),
                        _ => client.as_mut().expect("here").send(&["42{}"]),
                    }
                    crate::eventually(|| stage.io.socket_count() == 0);
                    assert!(stage.io.sockets_in(&id).is_empty(), "nothing reaches it any more");
                    stage.said.assert_silent();
                    valve.open(1);
                    // What the client sent before it went is handled.
                    stage.said.expect(said(&["x 2", "block 3"]));
                    valve.open(1);
                    let last = stage.said.next();
                    assert!(last.starts_with(reason) && last.ends_with(" 1 true"), "{last}");
                });
            }
        },
    );
}

#[test]
fn what_waits_is_forgotten_when_the_server_disconnects_the_socket() {
    valved(
        |builder| builder,
        |stage, valve| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["42[\"block\",1]", "42[\"x\",2]", "42[\"x\",3]"]);
                stage.said.expect(said(&["block 1"]));
                stage.io.disconnect_sockets(false);
                client.expect(&["41"]);
                // It may come back, and is somebody else.
                join(&mut client, "/");
                client.send(&["424[\"x\",4]"]);
                client.expect(&["434[4]"]);
                stage.said.expect(said(&["x 4"]));
                valve.open(1);
                stage.said.expect(said(&["server namespace disconnect 1 true"]));
                assert_alive(&mut client);
                stage.said.assert_silent();
                client.send(&["41"]);
                stage.said.expect(said(&["client namespace disconnect 1 true"]));
            });
        },
    );
}

#[test]
fn handlers_of_both_kinds_run_in_their_order() {
    served(
        |server, tell| {
            let say = |what: &'static str| {
                let tell = tell.clone();
                move || tell.say(format!("{what} {}", thread::current().name().unwrap_or("")))
            };
            let (one, two, three, four) = (say("1"), say("2"), say("3"), say("4"));
            server.on("x", move |_: &Socket| one());
            server.on_blocking("x", move |socket: &SocketHandle| {
                two();
                socket.emit("two", ());
            });
            server.on("x", move |socket: &Socket, n: Option<u32>| {
                three();
                socket.emit("three", n);
            });
            server.on_connect(move |socket| {
                let four = four.clone();
                socket.on_blocking("x", move |socket: &SocketHandle, n: Option<u32>, ack: Ack| {
                    four();
                    ack.send(n);
                    socket.emit("four", ());
                });
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["427[\"x\",5]", "42[\"y\"]"]);
                client.expect(&["42[\"two\"]", "42[\"three\",5]", "437[5]", "42[\"four\"]"]);
                for n in 1..=4 {
                    let said = stage.said.next();
                    assert!(said.starts_with(&n.to_string()), "{said}");
                    assert_eq!(said.contains("siomio-blocking"), n % 2 == 0, "{said}");
                }
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn a_panic_costs_its_socket_the_events_that_wait_and_no_thread() {
    served_with(
        |builder| builder.blocking_threads(1),
        |server, tell| {
            server.on_blocking("panic", |_: &SocketHandle| panic!("on purpose"));
            let told = tell.clone();
            server.on("panic", move |_: &Socket| told.say("the next handler".to_owned()));
            let told = tell.clone();
            server.on_blocking("x", move |_: &SocketHandle, n: u32| told.say(format!("x {n}")));
            let told = tell.clone();
            server.on_error(move |_, error| told.say(error.to_string()));
            server.on_disconnect(move |_, reason| tell.say(reason.to_string()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let mut other = joined(stage.address);
                client.send(&["42[\"panic\"]", "42[\"x\",1]"]);
                client.expect(&["41"]);
                stage.said.expect(said(&[
                    "the handler of \"panic\" panicked: on purpose",
                    "server namespace disconnect",
                ]));
                other.send(&["42[\"x\",2]", "42[\"x\"]"]);
                stage.said.expect(said(&["x 2"]));
                let error = stage.said.next();
                assert!(error.contains("\"x\""), "an argument that does not fit: {error}");
                assert_alive(&mut client);
                hang_up(other);
                stage.said.expect(said(&["transport close"]));
            });
        },
    );
}

#[test]
fn one_that_disconnects_its_socket_is_the_last_of_its_event() {
    served(
        |server, tell| {
            server.on_blocking("x", |socket: &SocketHandle| socket.disconnect(false));
            let told = tell.clone();
            server.on("x", move |_: &Socket| told.say("the next handler".to_owned()));
            // In an event that has waited, too.
            server.on_blocking("y", |_: &SocketHandle| {});
            server.on("z", |socket: &Socket| socket.disconnect(false));
            let told = tell.clone();
            server.on("z", move |_: &Socket| told.say("the next handler".to_owned()));
            server.on_disconnect(move |_, reason| tell.say(reason.to_string()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                for packets in
                    [&["42[\"x\"]", "42[\"z\"]"][..], &["42[\"y\"]", "42[\"z\"]", "42[\"z\"]"]]
                {
                    client.send(packets);
                    client.expect(&["41"]);
                    stage.said.expect(said(&["server namespace disconnect"]));
                    join(&mut client, "/");
                }
                assert_alive(&mut client);
                stage.said.assert_silent();
                client.send(&["41"]);
                stage.said.next();
            });
        },
    );
}

#[test]
fn what_a_client_sends_while_too_much_waits_is_not_read_and_not_lost() {
    const MANY: u32 = 300;
    let settings = |builder| heartbeat(100, 900)(builder).max_waiting_events(4);
    valved(settings, |stage, valve| {
        // On a WebSocket: what is not read fills the connection, until the client cannot send any more.
        let mut client = hasty(stage);
        let Client::WebSocket { ws, .. } = &mut client else { unreachable!() };
        ws.send("42[\"block\",0]");
        stage.said.expect(said(&["block 0"]));
        let mut sender = ws.sender();
        let padding = "x".repeat(40_000);
        let sending = thread::spawn(move || {
            for n in 1..=MANY {
                sender.send(&format!("42[\"x\",{n},\"{padding}\"]"));
            }
        });
        // Twice as long as a heartbeat may be missed.
        thread::sleep(Duration::from_millis(2_000));
        assert!(!sending.is_finished(), "12 MB are more than the system takes");
        assert_eq!(stage.io.socket_count(), 1);
        stage.said.assert_silent();
        valve.open(1);
        for n in 1..=MANY {
            assert_eq!(stage.said.next(), format!("x {n}"));
        }
        sending.join().expect("everything was taken in the end");
    });
}

#[test]
fn a_post_waits_while_too_much_waits_and_is_not_lost() {
    let settings = |builder| heartbeat(50, 100)(builder).max_waiting_events(2);
    valved(settings, |stage, valve| {
        let mut client = Client::polling(stage.address, crate::PATH);
        client.send(&["40"]);
        let Client::Polling { session, .. } = client else { unreachable!() };
        session.send(&["42[\"block\",0]", "42[\"x\",1]", "42[\"x\",2]", "42[\"x\",3]"]);
        stage.said.expect(said(&["block 0"]));
        let mut post = Http::connect(stage.address);
        post.request("POST", &session.target, &[], b"42[\"x\",4]");
        // Several times as long as a heartbeat may be missed.
        assert!(post.is_quiet_for(Duration::from_millis(600)));
        assert_eq!(stage.io.socket_count(), 1);
        valve.open(1);
        assert_eq!(post.response().text(), "ok");
        stage.said.expect(said(&["x 1", "x 2", "x 3", "x 4"]));
        // From here on the heartbeat counts again.
        stage.said.expect(said(&["ping timeout 1 true"]));
    });
}

#[test]
fn all_that_waits_for_one_client_counts_together() {
    valved(
        |builder| builder.max_waiting_events(4),
        |stage, valve| {
            let mut client = joined(stage.address);
            // One that leaves and comes back has not got rid of what waits.
            for n in 0..4 {
                client.send(&[&format!("42[\"block\",{n}]")]);
                stage.said.expect([format!("block {n}")]);
                client.send(&["41"]);
                if n < 3 {
                    join(&mut client, "/");
                }
            }
            crate::eventually(|| stage.io.socket_count() == 0);
            client.send(&["40/nobody"]);
            assert_eq!(crate::hears_soon(&mut client), None, "nothing more is read");
            valve.open(2);
            client.expect(&["44/nobody,{\"message\":\"Invalid namespace\"}"]);
            valve.open(2);
            for _ in 0..4 {
                stage.said.expect(said(&["client namespace disconnect 1 true"]));
            }
            // Two sockets of one client together, too.
            join(&mut client, "/");
            join(&mut client, "/a");
            let Client::WebSocket { ws, .. } = &mut client else { unreachable!() };
            let waiting = ["42[\"x\",1]", "42/a,[\"x\",2]", "42[\"x\",3]", "42/a,[\"x\",4]"];
            ws.send_all([&["42[\"block\",8]", "42/a,[\"block\",9]"][..], &waiting].concat());
            let mut blocked = [stage.said.next(), stage.said.next()];
            blocked.sort();
            assert_eq!(blocked, ["block 8", "block 9"]);
            client.send(&["40/nobody"]);
            assert_eq!(crate::hears_soon(&mut client), None, "nothing more is read");
            valve.open(2);
            client.expect(&["44/nobody,{\"message\":\"Invalid namespace\"}"]);
        },
    );
}

/// A WebSocket client in the main namespace of a server that pings soon.
fn hasty(stage: &Stage<String>) -> Client {
    let mut client = client(stage.address);
    client.send(&["40"]);
    let Client::WebSocket { ws, .. } = &mut client else { unreachable!() };
    assert!(ws.message().starts_with("40{"));
    client
}

#[test]
fn who_overloads_the_server_for_too_long_is_sent_away() {
    let settings = |builder: ServerBuilder| builder.max_waiting_events(2).stall_timeout(SHORT);
    valved(settings, |stage, valve| {
        joined_on_both(stage.address, |mut client| {
            client.send(&["42[\"block\",0]", "42[\"x\",1]", "42[\"x\",2]"]);
            stage.said.expect(said(&["block 0"]));
            match client {
                Client::WebSocket { mut ws, .. } => drop(ws.closing()),
                Client::Polling { session, .. } => {
                    let mut post = Http::connect(stage.address);
                    post.request("POST", &session.target, &[], b"42[\"x\",3]");
                    assert_eq!(post.response().status, 400);
                }
            }
            assert_eq!(stage.io.socket_count(), 0);
            valve.open(1);
            // What was taken is handled nevertheless.
            stage.said.expect(said(&["x 1", "x 2", "overloaded 1 true"]));
        });
    });
}

#[test]
fn who_comes_further_has_all_the_time_again() {
    let settings = |builder: ServerBuilder| builder.max_waiting_events(4).stall_timeout(10 * SHORT);
    valved(settings, |stage, valve| {
        let mut client = joined(stage.address);
        let packets: Vec<_> = (0..15).map(|n| format!("42[\"block\",{n}]")).collect();
        let Client::WebSocket { ws, .. } = &mut client else { unreachable!() };
        ws.send_all(&packets);
        let since = Instant::now();
        for n in 0..15 {
            stage.said.expect([format!("block {n}")]);
            thread::sleep(SHORT);
            valve.open(1);
        }
        assert!(since.elapsed() > 15 * SHORT);
        assert_alive(&mut client);
    });
}

/// How many packets the server has received.
fn received(stage: &Stage<String>) -> u64 {
    stage.io.metrics().total.packets_received
}

#[test]
fn a_large_event_counts_as_several() {
    valved(
        |builder| builder.max_waiting_events(4),
        |stage, valve| {
            for (bytes, is_held) in [(40_000, false), (50_000, true)] {
                let mut client = joined(stage.address);
                client.send(&["42[\"block\",0]"]);
                stage.said.expect(said(&["block 0"]));
                let before = received(stage);
                client.send(&[&format!("42[\"x\",1,\"{}\"]", "x".repeat(bytes))]);
                crate::eventually(|| received(stage) == before + 1);
                client.send(&["40/nobody"]);
                let refusal = "44/nobody,{\"message\":\"Invalid namespace\"}";
                if is_held {
                    assert_eq!(crate::hears_soon(&mut client), None, "nothing more is read");
                    valve.open(1);
                    client.expect(&[refusal]);
                } else {
                    client.expect(&[refusal]);
                    valve.open(1);
                }
                stage.said.expect(said(&["x 1"]));
                client.send(&["41"]);
                stage.said.expect(said(&["client namespace disconnect 1 true"]));
            }
        },
    );
}

#[test]
fn of_clients_that_are_gone_only_so_much_waits() {
    // Sixteen times three, on each shard: twenty-four clients with two each.
    valved(
        |builder| builder.max_waiting_events(3).blocking_threads(1),
        |stage, valve| {
            let clients = 25;
            for _ in 0..clients {
                let mut client = joined(stage.address);
                let before = received(stage);
                client.send(&["42[\"block\",0]", "42[\"x\",1]", "42[\"x\",2]"]);
                crate::eventually(|| received(stage) == before + 3);
                drop(client);
                crate::eventually(|| stage.io.engine().clients_count() == 0);
            }
            valve.open(clients);
            let mut heard = [0, 0, 0];
            while heard[2] < clients {
                let words = stage.said.next();
                heard[["block", "x", "transport"]
                    .iter()
                    .position(|it| words.starts_with(it))
                    .expect(&words)] += 1;
            }
            let metrics = stage.io.metrics();
            // With several shards no shard may have had so many.
            let lost = metrics.total.events_lost as usize;
            assert!(lost == 2 || lost == 0 && metrics.shards.len() > 1, "{lost}");
            assert_eq!(heard, [clients, 2 * clients - lost, clients]);
        },
    );
}
