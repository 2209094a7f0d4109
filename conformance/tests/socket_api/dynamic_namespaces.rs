//! Namespaces that are made when a client asks for them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use siomio::{ConnectError, Namespace, NamespaceDecision, Server, ServerBuilder, Socket, Value};
use siomio_testkit::PATIENCE;

use crate::{
    SHORT, Tell, assert_alive, assert_ended, client, connected, hang_up, join, joined,
    joined_on_both, on_both, served, served_with,
};

const INVALID: &str = "{\"message\":\"Invalid namespace\"}";

fn cleaning(builder: ServerBuilder) -> ServerBuilder {
    builder.cleanup_empty_child_namespaces(true)
}

#[test]
fn a_pattern_makes_what_fits_and_its_children_have_what_it_has() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on_new_namespace(move |child| told.say(format!("new {}", child.name())));
            let parent = server.of_pattern("/dynamic-{id}");
            let told = tell.clone();
            parent.use_middleware(move |_: &Socket, _: Value| {
                told.say("middleware".to_owned());
                Ok::<_, ConnectError>(())
            });
            parent.on_connect(move |socket| {
                let namespace = socket.namespace();
                tell.say(format!("{} {:?}", namespace.name(), namespace.param("id")));
            });
            parent.on("x", |socket: &Socket| {
                socket.emit("y", ());
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                let name = format!("/dynamic-{}", client.transport());
                for wrong in ["/dynamic-", "/dynamic-1/2", "/other-1", "/_0"] {
                    client.send(&[&format!("40{wrong}")]);
                    client.expect(&[&format!("44{wrong},{INVALID}")]);
                }
                join(&mut client, &name);
                stage.said.expect([
                    format!("new {name}"),
                    "middleware".to_owned(),
                    format!("{name} Some({:?})", client.transport()),
                ]);
                client.send(&[&format!("42{name},[\"x\"]")]);
                client.expect(&[&format!("42{name},[\"y\"]")]);
                // Whoever comes next finds it.
                let mut other = crate::client(stage.address);
                join(&mut other, &name);
                assert_eq!(stage.said.next(), "middleware");
                stage.said.next();
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn the_application_makes_children_of_patterns_and_never_asks_a_predicate() {
    served(
        |server, tell| {
            server.of_matching(move |_| {
                tell.say("asked");
                true
            });
            let parent = server.of_pattern("/p-{n}");
            parent.on_connect(|socket| {
                socket.emit("of-the-parent", ());
            });
            assert!(server.of("/p-1").param("n").is_some());
            assert!(server.of("/q-1").param("n").is_none());
            let children = parent.children();
            assert_eq!(children.iter().map(Namespace::name).collect::<Vec<_>>(), ["/p-1"]);
            assert!(server.of("/p-1").children().is_empty());
        },
        |stage| {
            let mut client = joined(stage.address);
            join(&mut client, "/p-1");
            client.expect(&["42/p-1,[\"of-the-parent\"]"]);
            join(&mut client, "/q-1");
            // Only what does not exist is asked for.
            stage.said.assert_silent();
            join(&mut client, "/anything");
            stage.said.expect(["asked"]);
        },
    );
}

#[test]
fn parents_are_asked_in_turn_and_the_first_that_wants_it_makes_it() {
    served(
        |server, tell| {
            server.of("/static");
            for (name, wants) in [("a", false), ("b", true), ("c", true)] {
                let told = tell.clone();
                let parent = server.of_matching(move |request| {
                    told.say(format!("{name} {}", request.name()));
                    wants && request.name() != "/none"
                });
                parent.on_connect(move |socket| {
                    socket.emit("made-by", name);
                });
            }
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let name = format!("/{}", client.transport());
                client.send(&[&format!("40{name}")]);
                connected(&mut client, &name);
                client.expect(&[&format!("42{name},[\"made-by\",\"b\"]")]);
                stage.said.expect(["a", "b"].map(|parent| format!("{parent} {name}")));
                client.send(&["40/none"]);
                client.expect(&[&format!("44/none,{INVALID}")]);
                stage.said.expect(["a /none", "b /none", "c /none"].map(str::to_owned));
                // What exists is nobody's question.
                client.send(&["40/static"]);
                connected(&mut client, "/static");
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn a_predicate_sees_who_asks_and_what_comes_along() {
    served(
        |server, tell| {
            server.of_matching(move |request| {
                let handshake = request.handshake();
                tell.say((
                    request.name().to_owned(),
                    request.auth::<Value>().map(|auth| format!("{auth:?}")).unwrap_or_default(),
                    handshake.query("transport").unwrap_or_default().into_owned(),
                    handshake.auth::<Value>().is_ok(),
                ));
                request.auth::<std::collections::HashMap<String, u8>>().is_ok()
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                let transport = client.transport();
                for (packet, name, auth, is_wanted) in [
                    ("40/x/é?a=b", "/x/é?a=b", Value::Object(Default::default()), true),
                    ("40/y,{\"a\":1}", "/y", Value::from([("a", 1)]), true),
                    ("40/z,{\"a\":\"1\"}", "/z", Value::from([("a", "1")]), false),
                ] {
                    let name = format!("{name}-{transport}");
                    let packet = packet.replacen(name.split('-').next().unwrap_or(""), &name, 1);
                    client.send(&[&packet]);
                    let answer = client.next();
                    let expected = if is_wanted { "40" } else { "44" };
                    assert!(answer.starts_with(&format!("{expected}{name},")), "{answer}");
                    let seen = (name, format!("{auth:?}"), transport.to_owned(), true);
                    stage.said.expect([seen]);
                }
            });
        },
    );
}

#[test]
fn a_predicate_that_panics_does_not_want_it() {
    served(
        |server, tell: Tell<String>| {
            server.engine().on_panic(move |panic| tell.say(panic.to_string()));
            server.of_matching(|_| panic!("on purpose"));
            server.of_deciding(|_, _decision| panic!("on purpose, too"));
            server.of_pattern("/p-{n}");
        },
        |stage| {
            let mut client = joined(stage.address);
            client.send(&["40/q-1"]);
            client.expect(&[&format!("44/q-1,{INVALID}")]);
            join(&mut client, "/p-1");
            for _ in 0..2 {
                stage.said.expect([
                    "of_matching panicked: on purpose".to_owned(),
                    "of_deciding panicked: on purpose, too".to_owned(),
                ]);
            }
        },
    );
}

#[test]
fn what_is_registered_with_a_parent_later_is_for_later_children() {
    served(
        |server, _: Tell<()>| drop(server.of_pattern("/p-{n}")),
        |stage| {
            let parent = stage.io.of_pattern("/q-{n}");
            parent.on("x", |socket: &Socket| {
                socket.emit("early", ());
            });
            let mut client = joined(stage.address);
            join(&mut client, "/q-1");
            parent.on("x", |socket: &Socket| {
                socket.emit("late", ());
            });
            join(&mut client, "/q-2");
            client.send(&["42/q-1,[\"x\"]", "42/q-2,[\"x\"]"]);
            client.expect(&["42/q-1,[\"early\"]", "42/q-2,[\"early\"]", "42/q-2,[\"late\"]"]);
        },
    );
}

#[test]
fn a_parent_speaks_to_all_of_its_children() {
    served(
        |server, _: Tell<()>| {
            server.of_pattern("/p-{n}");
            server.of("/other");
        },
        |stage| {
            // The same pattern again is another parent, which makes nothing because the first does.
            let second = stage.io.of_pattern("/p-{n}");
            let parent = stage.io.of_pattern("/game-{n}");
            let (mut one, mut two) = (joined(stage.address), joined(stage.address));
            join(&mut one, "/game-1");
            join(&mut two, "/game-2");
            join(&mut two, "/other");
            join(&mut two, "/p-1");
            parent.emit("news", 1);
            parent.everyone().emit("news", 2);
            parent.to("nobody").emit("news", 3);
            second.emit("news", 4);
            one.expect(&["42/game-1,[\"news\",1]", "42/game-1,[\"news\",2]"]);
            two.expect(&["42/game-2,[\"news\",1]", "42/game-2,[\"news\",2]"]);
            assert_eq!((parent.socket_count(), parent.sockets().len()), (2, 2));
            let found = parent.fetch_sockets().wait().expect("all shards answer");
            assert_eq!(found.len(), 2);
            parent.disconnect_sockets(false);
            one.expect(&["41/game-1,"]);
            two.expect(&["41/game-2,"]);
            assert_alive(&mut two);
        },
    );
}

#[test]
fn those_who_ask_at_once_end_up_in_the_same() {
    const ROUNDS: usize = 60;
    served(
        |server, tell| {
            server.on_new_namespace(move |child| tell.say(child.name().to_owned()));
            server.of_pattern("/at-once-{n}");
            // Decided later, on threads that are in no hurry to agree.
            server.of_deciding(|request, decision| {
                if request.name().starts_with("/later-") {
                    thread::spawn(move || decision.allow());
                }
            });
        },
        |stage| {
            let mut clients: Vec<_> = (0..4).map(|_| joined(stage.address)).collect();
            for round in 0..ROUNDS {
                let kind = if round % 2 == 0 { "at-once" } else { "later" };
                let name = format!("/{kind}-{round}");
                for client in &mut clients {
                    client.send(&[&format!("40{name}")]);
                }
                for client in &mut clients {
                    connected(client, &name);
                }
                stage.said.expect([name.clone()]);
                let namespace = stage.io.of(&name);
                assert_eq!(namespace.socket_count(), clients.len());
                namespace.emit("all", round);
                for client in &mut clients {
                    client.expect(&[&format!("42{name},[\"all\",{round}]")]);
                }
            }
            stage.said.assert_silent();
        },
    );
}

/// A parent whose decisions the test makes.
fn deciding(server: &Server, tell: Tell<String>) -> mpsc::Receiver<NamespaceDecision> {
    let (give, take) = mpsc::channel();
    server.of_deciding(move |request, decision| {
        tell.say(request.name().to_owned());
        let _ = give.send(decision);
    });
    take
}

type Decisions = Arc<Mutex<Option<mpsc::Receiver<NamespaceDecision>>>>;

/// Runs a test with a parent whose decisions it makes, and one behind it that wants what begins with `/b`.
fn decided(
    settings: impl Fn(ServerBuilder) -> ServerBuilder,
    test: impl Fn(&crate::Stage<String>, &dyn Fn() -> NamespaceDecision),
) {
    let place = Decisions::default();
    let made = place.clone();
    served_with(
        settings,
        move |server, tell| {
            *made.lock().expect("nobody panics") = Some(deciding(server, tell));
            server.of_pattern("/b{n}");
        },
        |stage| {
            let decisions = place.lock().expect("nobody panics").take().expect("made");
            let next = || decisions.recv_timeout(PATIENCE).expect("the parent is asked");
            test(stage, &next);
        },
    );
}

#[test]
fn a_decision_may_come_later_and_from_anywhere_and_nobody_else_waits() {
    decided(
        |builder| builder,
        |stage, next| {
            joined_on_both(stage.address, |mut client| {
                let (name, fits) =
                    (format!("/{}", client.transport()), format!("/b-{}", client.transport()));
                client.send(&[&format!("40{name}")]);
                let decision = next();
                // Meanwhile everything else goes on, for this client too.
                let mut other = joined(stage.address);
                other.send(&[&format!("40{fits}")]);
                next().refuse();
                connected(&mut other, &fits);
                client.send(&["41"]);
                join(&mut client, "/");
                thread::spawn(move || decision.allow());
                connected(&mut client, &name);
                stage.io.of(&name).emit("here", 1);
                client.expect(&[&format!("42{name},[\"here\",1]")]);
                client.send(&["40/never"]);
                next().refuse();
                client.expect(&[&format!("44/never,{INVALID}")]);
                stage.said.expect([name, fits.clone(), "/never".to_owned()]);
                // What exists is not asked for again.
                join(&mut client, &fits);
                stage.said.assert_silent();
            });
        },
    );
}

#[test]
fn a_decision_that_is_dropped_leaves_it_to_the_next_parent() {
    decided(
        |builder| builder,
        |stage, next| {
            let mut client = joined(stage.address);
            client.send(&["40/b1"]);
            drop(next());
            connected(&mut client, "/b1");
            client.send(&["40/c1"]);
            drop(next());
            client.expect(&[&format!("44/c1,{INVALID}")]);
        },
    );
}

#[test]
fn a_decision_that_comes_too_late_counts_for_nothing() {
    decided(
        |builder| builder.decision_timeout(SHORT),
        |stage, next| {
            joined_on_both(stage.address, |mut client| {
                let name = format!("/c-{}", client.transport());
                client.send(&[&format!("40{name}")]);
                let late = next();
                client.expect(&[&format!("44{name},{INVALID}")]);
                late.allow();
                assert_still(&mut client);
                // The next parent has been asked meanwhile.
                let fits = format!("/b-{}", client.transport());
                client.send(&[&format!("40{fits}")]);
                let late = next();
                connected(&mut client, &fits);
                late.refuse();
                assert_still(&mut client);
                client.send(&[&format!("40{name}")]);
                next().allow();
                connected(&mut client, &name);
            });
        },
    );

    /// Nothing has come of it: the next thing that is said is the answer to this.
    fn assert_still(client: &mut crate::common::Client) {
        client.send(&["41"]);
        join(client, "/");
    }
}

#[test]
fn who_asks_again_before_it_is_decided_breaks_a_rule() {
    decided(
        |builder| builder,
        |stage, next| {
            on_both(stage.address, |mut client| {
                client.send(&["40/c1"]);
                let decision = next();
                client.send(&["40/c1"]);
                assert_ended(client);
                // Nobody is there any more to be let in.
                decision.allow();
                let mut other = joined(stage.address);
                other.send(&["41"]);
                join(&mut other, "/");
                assert_eq!(stage.io.of_pattern("/unused-{n}").children().len(), 0);
            });
        },
    );
}

#[test]
fn who_leaves_before_it_is_decided_makes_nothing() {
    decided(
        |builder| builder,
        |stage, next| {
            on_both(stage.address, |mut client| {
                let name = format!("/c-{}", client.transport());
                client.send(&[&format!("40{name}")]);
                let decision = next();
                hang_up(client);
                crate::eventually(|| stage.io.engine().clients_count() == 0);
                decision.allow();
                let mut other = crate::client(stage.address);
                other.send(&[&format!("40{name}")]);
                // It is asked for as if nobody had.
                next().allow();
                connected(&mut other, &name);
                hang_up(other);
                crate::eventually(|| stage.io.engine().clients_count() == 0);
            });
        },
    );
}

#[test]
fn children_stay_unless_they_are_to_be_cleaned_up() {
    for clean in [false, true] {
        served_with(
            |builder| builder.cleanup_empty_child_namespaces(clean),
            |server, tell| {
                server.on_new_namespace(move |child| tell.say(child.name().to_owned()));
                let parent = server.of_pattern("/p-{n}");
                parent.use_middleware(|socket: &Socket, auth: Value| {
                    socket.join("room");
                    match auth.get("ok") {
                        Some(_) => Ok(()),
                        None => Err(ConnectError::new("no")),
                    }
                });
                server.of("/static");
            },
            |stage| {
                stage.said.expect(["/static".to_owned()]);
                joined_on_both(stage.address, |mut client| {
                    let name = format!("/p-{}", client.transport());
                    let mut is_new = true;
                    for end in ["refusal", "client", "server", "refusal"] {
                        let auth = if end == "refusal" { "{}" } else { "{\"ok\":1}" };
                        client.send(&[&format!("40{name},{auth}")]);
                        match end {
                            "refusal" => {
                                client.expect(&[&format!("44{name},{{\"message\":\"no\"}}")])
                            }
                            "client" => {
                                connected(&mut client, &name);
                                client.send(&[&format!("41{name},")]);
                                assert_alive(&mut client);
                            }
                            _ => {
                                connected(&mut client, &name);
                                stage.io.of(&name).disconnect_sockets(false);
                                client.expect(&[&format!("41{name},")]);
                            }
                        }
                        if is_new {
                            stage.said.expect([name.clone()]);
                        }
                        stage.said.assert_silent();
                        is_new = clean;
                    }
                    // What the application has named stays in any case.
                    join(&mut client, "/static");
                    client.send(&["41/static,"]);
                    join(&mut client, "/static");
                    stage.said.assert_silent();
                });
            },
        );
    }
}

#[test]
fn of_children_that_nobody_is_in_only_so_many_stay() {
    served_with(
        |builder| builder.max_empty_child_namespaces(3),
        |server, _: Tell<()>| drop(server.of("/static")),
        |stage| {
            // Those of all parents count together.
            let parents = [stage.io.of_pattern("/p-{n}"), stage.io.of_pattern("/q-{n}")];
            let children = || {
                let all = parents.iter().flat_map(Namespace::children);
                all.map(|child| child.name().to_owned()).collect::<BTreeSet<_>>()
            };
            let names = |all: &[&str]| all.iter().copied().map(str::to_owned).collect();
            let mut client = joined(stage.address);
            let mut visit = |name: &str| {
                join(&mut client, name);
                client.send(&[&format!("41{name},")]);
                assert_alive(&mut client);
            };
            let mut guest = joined(stage.address);
            join(&mut guest, "/q-0");
            for n in 1..=20 {
                visit(&format!("/p-{n}"));
                visit(&format!("/q-{n}"));
            }
            // The first have stayed, of those that came later none, and whoever is in one has it as long as they like.
            assert_eq!(children(), names(&["/p-1", "/p-2", "/q-0", "/q-1"]));
            stage.io.of("/q-0").emit("still", "here");
            guest.expect(&["42/q-0,[\"still\",\"here\"]"]);
            // What is there can be visited again, and then is one too many no more than before.
            visit("/p-1");
            visit("/static");
            assert_eq!(children(), names(&["/p-1", "/p-2", "/q-0", "/q-1"]));
            // Somebody is in one that had stayed: there is room for another, until they leave.
            join(&mut guest, "/p-2");
            visit("/q-7");
            assert_eq!(children(), names(&["/p-1", "/p-2", "/q-0", "/q-1", "/q-7"]));
            guest.send(&["41/p-2,"]);
            assert_alive(&mut guest);
            assert_eq!(children(), names(&["/p-1", "/q-0", "/q-1", "/q-7"]));
        },
    );
}

#[test]
fn a_child_that_nobody_may_join_does_not_stay_either() {
    served_with(
        |builder| builder.max_empty_child_namespaces(0),
        |server, tell| {
            server.on_new_namespace(move |child| tell.say(child.name().to_owned()));
        },
        |stage| {
            let parent = stage.io.of_matching(|_| true);
            parent.use_middleware(|_: &Socket, _: Value| Err(ConnectError::new("no")));
            joined_on_both(stage.address, |mut client| {
                for _ in 0..3 {
                    client.send(&["40/x"]);
                    client.expect(&["44/x,{\"message\":\"no\"}"]);
                    stage.said.expect(["/x".to_owned()]);
                    crate::eventually(|| parent.children().is_empty());
                }
            });
        },
    );
}

#[test]
fn a_child_goes_with_the_connection_of_its_last_socket() {
    served_with(
        cleaning,
        |server, tell| {
            let parent = server.of_pattern("/p-{n}");
            parent.on_disconnect(move |socket, _| {
                // It is still there while its last socket goes.
                tell.say(socket.namespace().rooms().len());
            });
        },
        |stage| {
            let parent = stage.io.of_pattern("/x-{n}");
            on_both(stage.address, |mut client| {
                join(&mut client, "/x-1");
                join(&mut client, "/p-1");
                assert_eq!(parent.children().len(), 1);
                hang_up(client);
                stage.said.next();
                let mut other = crate::client(stage.address);
                join(&mut other, "/x-2");
                crate::eventually(|| parent.children().iter().all(|child| child.name() != "/x-1"));
                other.send(&["41/x-2,"]);
                assert_alive(&mut other);
                assert!(parent.children().is_empty());
            });
        },
    );
}

#[test]
fn events_that_cross_the_end_of_a_child_are_ignored() {
    served_with(
        cleaning,
        |server, _: Tell<()>| {
            server.of_pattern("/p-{n}").on("bye", |socket: &Socket| socket.disconnect(false));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                join(&mut client, "/p-1");
                client.send(&["42/p-1,[\"bye\"]"]);
                client.expect(&["41/p-1,"]);
                client.send(&["42/p-1,[\"x\"]", "42/p-1,1[\"x\"]", "43/p-1,0[]", "41/p-1,"]);
                assert_alive(&mut client);
                // Also if it has a successor, whichever shard that is known to.
                let mut others: Vec<_> = (0..5).map(|_| crate::client(stage.address)).collect();
                for other in &mut others {
                    join(other, "/p-1");
                }
                client.send(&["42/p-1,[\"x\"]", "42/p-1,1[\"x\"]", "43/p-1,0[]", "41/p-1,"]);
                assert_alive(&mut client);
                join(&mut client, "/p-1");
                others.into_iter().for_each(hang_up);
                client.send(&["41/p-1,"]);
                crate::eventually(|| stage.io.of("/p-1").socket_count() == 0);
            });
        },
    );
}

#[test]
fn everybody_may_come_and_go_at_once() {
    const ROUNDS: usize = 150;
    let connects = Arc::new(AtomicUsize::new(0));
    let counted = connects.clone();
    served_with(
        cleaning,
        move |server, _: Tell<()>| {
            let connects = counted.clone();
            server.on_new_namespace(move |child| {
                let connects = connects.clone();
                child.on_connect(move |_| {
                    connects.fetch_add(1, Ordering::SeqCst);
                });
            });
            server.of_pattern("/p-{n}");
        },
        |stage| {
            connects.store(0, Ordering::SeqCst);
            let address = stage.address;
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    thread::spawn(move || {
                        let mut client = client(address);
                        for _ in 0..ROUNDS {
                            join(&mut client, "/p-1");
                            client.send(&["41/p-1,"]);
                        }
                        assert_alive(&mut client);
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("everybody is always let in");
            }
            assert_eq!(connects.load(Ordering::SeqCst), 4 * ROUNDS, "nobody was missed");
            assert_eq!(stage.io.of("/p-1").socket_count(), 0);
        },
    );
}
