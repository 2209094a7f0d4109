//! Three servers that act as one.

use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

use siomio::{Args, Binary, Data, Incomplete, RemoteSocket, Server, ServerBuilder, Socket};
use siomio_testkit::{PATIENCE, cluster::Cluster};

use crate::{Guest, LONG, Site, wait_until, who};

const PLACE: &str = r#"{"_placeholder":true,"num":0}"#;

/// Runs a test with three servers that are joined, of one shard each and then of four.
pub(crate) fn joined(handlers: impl Fn(usize, &Server), test: impl Fn(&Cluster, &[Site])) {
    for delay in [Duration::ZERO, Duration::from_millis(2)] {
        joined_with(delay, |_, builder| builder, &handlers, &test);
    }
}

/// The same with these settings, once everything has taken so long from server to server.
pub(crate) fn joined_with(
    delay: Duration,
    settings: impl Fn(usize, ServerBuilder) -> ServerBuilder,
    handlers: impl Fn(usize, &Server),
    test: impl Fn(&Cluster, &[Site]),
) {
    for shards in [1, 4] {
        println!("three servers with {shards} shards each, {delay:?} apart");
        let cluster = Cluster::with_delay(delay);
        let start = |place| {
            let builder = Server::builder().shards(shards).adapter(cluster.member());
            let server = settings(place, builder).build();
            handlers(place, &server);
            server.bind("127.0.0.1:0").expect("a free port").spawn().expect("a thread")
        };
        let running: Vec<_> = (0..3).map(start).collect();
        let site = |running: &siomio::Running| {
            let address = running.local_addrs()[0];
            Site { address, io: running.io(), shards }
        };
        let sites: Vec<_> = running.iter().map(site).collect();
        assert_eq!(sites[0].io.server_count(), 3);
        test(&cluster, &sites);
        for running in running {
            running.shutdown(Duration::from_millis(5)).expect("the server ran well");
        }
        for place in 0..3 {
            assert_eq!(cluster.life(place), (1, 1), "attached and closed");
        }
    }
}

/// Two guests of each server, on both transports: 0 and 1 of the first, 2 and 3 of the second, 4 and 5 of the third.
fn crowd(sites: &[Site]) -> Vec<Guest> {
    sites.iter().flat_map(|site| site.guests(2)).collect()
}

/// Who has heard exactly this of what this thread has sent through one server.
fn who_heard(site: &Site, packet: &str, guests: &mut [Guest]) -> Vec<usize> {
    who(packet, site.heard(guests))
}

#[test]
fn a_broadcast_reaches_those_it_means_on_all_servers_once() {
    joined(
        |_, _| {},
        |_, sites| {
            let mut guests = crowd(sites);
            for site in sites {
                site.io.emit("e", (1.0, "ü", [()]));
                let all = who_heard(site, "42[\"e\",1.0,\"ü\",[null]]", &mut guests);
                assert_eq!(all, [0, 1, 2, 3, 4, 5]);
                let one = &*guests[1].id;
                site.io.to(one).to(&*guests[4].id).sockets_join(["r", "s"]);
                site.io.to("r").to("s").emit("e", ());
                assert_eq!(who_heard(site, "42[\"e\"]", &mut guests), [1, 4]);
                site.io.except("r").except(&*guests[0].id).emit("e", ());
                assert_eq!(who_heard(site, "42[\"e\"]", &mut guests), [2, 3, 5]);
                site.io.to("s").sockets_leave(["r", "s"]);
                site.io.to(["r", "s"]).emit("e", ());
                assert_eq!(who_heard(site, "42[\"e\"]", &mut guests), [0; 0]);
            }
        },
    );
}

#[test]
fn a_socket_leaves_itself_out_and_attachments_get_through() {
    let handlers = |_, server: &Server| {
        server.on("tell", |socket: &Socket| {
            socket.broadcast().emit("data", Binary::from(vec![1, 2, 3]));
            socket.io().emit("mark", ());
        });
    };
    joined(handlers, |_, sites| {
        let mut guests = crowd(sites);
        for speaker in [0, 3] {
            guests[speaker].ask("[\"tell\"]");
            for (place, guest) in guests.iter_mut().enumerate() {
                let heard = guest.until("42[\"mark\"]");
                let whole = [format!("451-[\"data\",{PLACE}]"), "bAQID".to_owned()];
                let expected = if place == speaker { &[][..] } else { &whole };
                assert_eq!(heard, expected, "at place {place}");
            }
        }
    });
}

#[test]
fn what_is_local_stays_on_its_server() {
    joined(
        |_, _| {},
        |cluster, sites| {
            let mut guests = crowd(sites);
            sites[1].io.sockets_join("r");
            sites[1].io.local().emit("e", ());
            assert_eq!(who_heard(&sites[1], "42[\"e\"]", &mut guests), [2, 3]);
            sites[2].io.to("r").local().emit("e", ());
            assert_eq!(who_heard(&sites[2], "42[\"e\"]", &mut guests), [4, 5]);
            let before = cluster.published(0);
            let local = || sites[0].io.local();
            local().sockets_leave("r");
            assert_eq!(local().fetch_sockets().wait().unwrap().len(), 2);
            local().to("nobody's").disconnect_sockets(true);
            assert_eq!(local().to("r").emit_with_ack("e", (), LONG).wait().unwrap().len(), 0);
            assert_eq!(cluster.published(0), before, "nobody else is told");
            sites[0].io.to("r").emit("e", ());
            assert_eq!(who_heard(&sites[0], "42[\"e\"]", &mut guests), [2, 3, 4, 5]);
        },
    );
}

#[test]
fn what_one_thread_says_through_one_server_keeps_its_order_everywhere() {
    joined(
        |_, _| {},
        |_, sites| {
            let mut guests = crowd(sites);
            for n in 0..200 {
                sites[0].io.emit("e", n);
            }
            let expected: Vec<_> = (0..200).map(|n| format!("42[\"e\",{n}]")).collect();
            for heard in sites[0].heard(&mut guests) {
                assert_eq!(heard, expected);
            }
        },
    );
}

#[test]
fn many_are_disconnected_on_all_servers() {
    joined(
        |_, _| {},
        |_, sites| {
            let mut guests = crowd(sites);
            sites[0].io.to(&*guests[0].id).to(&*guests[2].id).sockets_join("bye");
            sites[0].io.to(&*guests[5].id).sockets_join("close");
            sites[0].io.to("bye").disconnect_sockets(false);
            sites[0].io.to("close").disconnect_sockets(true);
            guests[0].client.expect(&["41"]);
            guests[2].client.expect(&["41"]);
            let mut closed = guests.pop().unwrap();
            closed.client.expect(&["41"]);
            closed.client.expect_close();
            guests.remove(2);
            guests.remove(0);
            sites[0].io.emit("e", ());
            assert_eq!(who_heard(&sites[0], "42[\"e\"]", &mut guests), [0, 1, 2]);
        },
    );
}

#[test]
fn sockets_of_all_servers_are_found_and_can_be_reached() {
    let handlers = |place, server: &Server| {
        server.on_connect(move |socket| {
            let data: Data<'_> = socket.data();
            data.share(&("from", place)).unwrap();
        });
    };
    joined(handlers, |_, sites| {
        let mut guests = crowd(sites);
        sites[2].io.to(&*guests[0].id).sockets_join(["a", "b"]);
        assert_eq!(who_heard(&sites[2], "", &mut guests), [0; 0]);
        let found = sites[2].io.fetch_sockets().wait().unwrap();
        assert_eq!(found.len(), 6);
        let find = |guest: &Guest| -> &RemoteSocket {
            found.iter().find(|socket| **socket.id() == *guest.id).expect("everybody is there")
        };
        for (place, guest) in guests.iter().enumerate() {
            let data: (String, usize) = find(guest).data().unwrap();
            assert_eq!(data, ("from".to_owned(), place / 2));
            let transport = ["websocket", "polling"][place % 2];
            let handshake = find(guest).handshake();
            assert_eq!(handshake["query"]["transport"].as_str(), Some(transport));
        }
        let far = find(&guests[0]);
        assert_eq!(far.rooms().len(), 3);
        far.join("c");
        far.leave("a");
        sites[2].io.to("c").except("a").emit("e", ());
        assert_eq!(who_heard(&sites[2], "42[\"e\"]", &mut guests), [0]);
        far.emit("e", 1);
        assert_eq!(who_heard(&sites[2], "42[\"e\",1]", &mut guests), [0]);
        let replies = far.emit_with_ack("ready", (), LONG);
        let id = guests[0].asked("[\"ready\"]");
        guests[0].client.send(&[&format!("43{id}[5]")]);
        assert_eq!(replies.wait().unwrap()[0].json(), "5");
        far.disconnect(false);
        guests[0].client.expect(&["41"]);
        let some = sites[1].io.except(["a", "b"]).fetch_sockets().wait().unwrap();
        assert_eq!(some.len(), 5);
    });
}

/// Those who are asked answer with their places, or do not.
fn answer(guests: &mut [Guest], payload: &str, who: impl Fn(usize) -> bool) {
    for (place, guest) in guests.iter_mut().enumerate() {
        let id = guest.asked(payload);
        if who(place) {
            guest.client.send(&[&format!("43{id}[{place}]")]);
        }
    }
}

fn firsts(answers: &[Args]) -> Vec<usize> {
    let mut firsts: Vec<_> = answers.iter().map(|args| args.get(0).unwrap()).collect();
    firsts.sort_unstable();
    firsts
}

#[test]
fn all_servers_sockets_acknowledge() {
    joined(
        |_, _| {},
        |_, sites| {
            let mut guests = crowd(sites);
            for site in sites {
                let replies = site.io.emit_with_ack("ready", 1, LONG);
                answer(&mut guests, "[\"ready\",1]", |_| true);
                assert_eq!(firsts(&replies.wait().unwrap()), [0, 1, 2, 3, 4, 5]);
            }
            // Somebody leaves, on another server.
            let replies = sites[0].io.emit_with_ack("ready", (), LONG);
            answer(&mut guests, "[\"ready\"]", |place| place != 5);
            guests[5].client.send(&["41"]);
            let incomplete = replies.wait().unwrap_err();
            assert_eq!((firsts(&incomplete.answers), incomplete.missing), (vec![0, 1, 2, 3, 4], 1));
            guests.pop();
            // Somebody does not answer.
            let replies = sites[0].io.emit_with_ack("ready", (), Duration::from_millis(1500));
            answer(&mut guests, "[\"ready\"]", |place| place != 2);
            let incomplete = replies.wait().unwrap_err();
            assert_eq!((firsts(&incomplete.answers), incomplete.missing), (vec![0, 1, 3, 4], 1));
            // Nobody is there to answer.
            let replies = sites[0].io.to("nobody's").emit_with_ack("ready", (), LONG);
            assert_eq!(replies.wait().map(|answers| answers.len()), Ok(0));
            let replies = sites[0].io.emit_with_ack("ready", (), Duration::MAX);
            answer(&mut guests, "[\"ready\"]", |_| true);
            assert_eq!(firsts(&replies.wait().unwrap()), [0, 1, 2, 3, 4]);
        },
    );
}

#[test]
fn a_namespace_that_only_one_server_has_is_no_obstacle() {
    let handlers = |place, server: &Server| {
        if place == 0 {
            server.of("/rare");
        }
    };
    joined(handlers, |_, sites| {
        let mut guests = sites[0].guests_in("/rare", 2);
        let rare = sites[0].io.of("/rare");
        rare.emit("e", ());
        assert_eq!(who("42/rare,[\"e\"]", sites[0].heard_in("/rare", &mut guests)), [0, 1]);
        assert_eq!(rare.fetch_sockets().wait().unwrap().len(), 2);
        let replies = rare.emit_with_ack("ready", (), LONG);
        for guest in &mut guests {
            let packet = guest.client.next();
            let id = packet.strip_prefix("42/rare,").unwrap().strip_suffix("[\"ready\"]").unwrap();
            guest.client.send(&[&format!("43/rare,{id}[]")]);
        }
        assert_eq!(replies.wait().map(|answers| answers.len()), Ok(2));
        rare.disconnect_sockets(false);
        guests.iter_mut().for_each(|guest| guest.client.expect(&["41/rare,"]));
    });
}

#[test]
fn a_parents_children_are_reached_on_all_servers() {
    let parents = Mutex::new(Vec::new());
    let handlers = |_, server: &Server| {
        parents.lock().unwrap().push(server.of_pattern("/game-{id}"));
    };
    joined(handlers, |_, sites| {
        let parents = std::mem::take(&mut *parents.lock().unwrap());
        // One child everywhere, another one on the first server alone.
        let mut everywhere: Vec<_> = sites.iter().map(|site| site.guest_in("/game-1")).collect();
        let mut rare = sites[0].guests_in("/game-2", 2);
        parents[0].emit("e", ());
        let heard = sites[0].heard_in("/game-1", &mut everywhere);
        assert_eq!(who("42/game-1,[\"e\"]", heard), [0, 1, 2]);
        assert_eq!(who("42/game-2,[\"e\"]", sites[0].heard_in("/game-2", &mut rare)), [0, 1]);
        assert_eq!(parents[0].fetch_sockets().wait().unwrap().len(), 5);
    });
}

#[test]
fn a_server_that_says_nothing_is_missed_and_what_came_comes() {
    let settings = |_, builder: ServerBuilder| builder.answer_timeout(Duration::from_millis(300));
    joined_with(
        Duration::ZERO,
        settings,
        |_, _| {},
        |cluster, sites| {
            let mut guests = crowd(sites);
            cluster.haunt(1);
            assert_eq!(sites[0].io.server_count(), 4);
            let Incomplete { answers, missing, .. } =
                sites[0].io.fetch_sockets().wait().unwrap_err();
            assert_eq!((answers.len(), missing), (6, 1));
            let replies = sites[0].io.emit_with_ack("ready", (), Duration::from_millis(300));
            answer(&mut guests, "[\"ready\"]", |_| true);
            let incomplete = replies.wait().unwrap_err();
            assert_eq!((firsts(&incomplete.answers).len(), incomplete.missing), (6, 1));
            cluster.haunt(0);
            // And one that is there, but cannot be reached.
            cluster.cut_off(2);
            let Incomplete { answers, missing, .. } =
                sites[0].io.fetch_sockets().wait().unwrap_err();
            assert_eq!((answers.len(), missing), (4, 1));
            sites[0].io.emit("e", ());
            assert_eq!(who_heard(&sites[0], "42[\"e\"]", &mut guests[..4]), [0, 1, 2, 3]);
            let (tell, told) = mpsc::channel();
            sites[0].io.emit_with_ack("ready", (), Duration::from_millis(300)).on_reply(
                move |it| {
                    tell.send(it).unwrap();
                },
            );
            answer(&mut guests[..4], "[\"ready\"]", |_| true);
            let incomplete = told.recv_timeout(PATIENCE).unwrap().unwrap_err();
            assert_eq!((firsts(&incomplete.answers).len(), incomplete.missing), (4, 1));
        },
    );
}

#[test]
fn a_server_that_ends_is_counted_no_longer() {
    for shards in [1, 4] {
        let cluster = Cluster::default();
        let start = || {
            let server = Server::builder().shards(shards).adapter(cluster.member()).build();
            server.bind("127.0.0.1:0").unwrap().spawn().unwrap()
        };
        let (stays, goes) = (start(), start());
        assert_eq!(stays.io().server_count(), 2);
        let site = Site { address: goes.local_addrs()[0], io: goes.io(), shards };
        let guest = site.guest();
        goes.shutdown(Duration::from_millis(5)).unwrap();
        drop(guest);
        assert_eq!((stays.io().server_count(), cluster.life(1)), (1, (1, 1)));
        assert_eq!(stays.io().fetch_sockets().wait().unwrap().len(), 0);
        stays.shutdown(Duration::ZERO).unwrap();
    }
}

#[test]
fn with_recovery_each_server_stamps_what_reaches_its_clients() {
    let settings = |_, builder: ServerBuilder| builder.recovery(siomio::Recovery::new());
    joined_with(
        Duration::ZERO,
        settings,
        |_, _| {},
        |_, sites| {
            let mut guests: Vec<_> = sites.iter().map(Site::guest).collect();
            sites[0].io.emit("e", 1);
            sites[0].io.volatile().emit("v", 2);
            sites[0].io.emit("e", 3);
            for guest in &mut guests {
                let mut offsets = Vec::new();
                for number in [1, 3] {
                    let mut packet = guest.client.next();
                    if packet == "42[\"v\",2]" {
                        packet = guest.client.next();
                    }
                    let rest =
                        packet.strip_prefix(&format!("42[\"e\",{number},\"")).unwrap_or_default();
                    offsets.push(rest.strip_suffix("\"]").expect("an offset").to_owned());
                }
                assert_ne!(offsets[0], offsets[1]);
            }
        },
    );
}

#[test]
fn sockets_come_and_go_on_one_server_while_another_asks() {
    joined(
        |_, _| {},
        |_, sites| {
            std::thread::scope(|scope| {
                let going = scope.spawn(|| {
                    for _ in 0..10 {
                        let mut guests = sites[1].guests(2);
                        guests[0].client.send(&["41"]);
                    }
                });
                while !going.is_finished() {
                    let there = sites[0].io.fetch_sockets().wait().expect("everybody answers");
                    assert!(there.len() <= 20);
                    let replies = sites[2].io.emit_with_ack("ready", (), Duration::from_millis(5));
                    let answers = replies.wait().unwrap_or_else(|it| it.answers);
                    assert!(answers.is_empty());
                }
            });
            wait_until("all are counted", || sites[1].io.socket_count() <= 20);
        },
    );
}
