//! Limits on what one client may do.

use siomio::Socket;

use crate::{Tell, assert_alive, assert_ended, connected, join, on_both, served_with};

#[test]
fn a_client_joins_so_many_namespaces_and_no_more() {
    served_with(
        |builder| builder.max_namespaces(2),
        |server, _: Tell<()>| {
            for name in ["/a", "/b", "/c"] {
                server.of(name).on("bye", |socket: &Socket| socket.disconnect(false));
            }
        },
        |stage| {
            on_both(stage.address, |mut client| {
                for name in ["/a", "/b"] {
                    join(&mut client, name);
                }
                // One that it leaves makes room for another, and what does not exist takes none.
                client.send(&["41/a,"]);
                assert_alive(&mut client);
                join(&mut client, "/c");
                // It may come back where it was sent away, as often as it likes.
                for _ in 0..3 {
                    client.send(&["42/b,[\"bye\"]"]);
                    client.expect(&["41/b,"]);
                    join(&mut client, "/b");
                }
                client.send(&["40/a"]);
                assert_ended(client);
                assert_eq!(stage.io.of("/a").socket_count(), 0);
            });
        },
    );
}

#[test]
fn names_of_children_that_have_ended_take_no_place() {
    served_with(
        |builder| builder.max_namespaces(3).cleanup_empty_child_namespaces(true),
        |server, _: Tell<()>| {
            server.of_pattern("/p-{n}").on("bye", |socket: &Socket| socket.disconnect(false));
        },
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                for n in 0..20 {
                    let name = format!("/p-{n}");
                    client.send(&[&format!("40{name}")]);
                    connected(&mut client, &name);
                    client.send(&[&format!("42{name},[\"bye\"]")]);
                    client.expect(&[&format!("41{name},")]);
                }
                client.send(&["42/p-19,[\"crosses\"]"]);
                join(&mut client, "/p-1");
                join(&mut client, "/p-2");
                client.send(&["40/p-3"]);
                assert_ended(client);
            });
        },
    );
}

#[test]
fn who_comes_and_goes_over_and_over_in_one_piece_is_served_within_the_limit() {
    served_with(
        |builder| builder.max_namespaces(3),
        |server, _: Tell<()>| drop(server.of_pattern("/p-{n}")),
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                // The same namespace over and over, and one after another.
                for again in [true, false] {
                    let name = |n| if again { "/p-0".to_owned() } else { format!("/p-{n}") };
                    let packets: Vec<_> = (0..50)
                        .flat_map(|n| [format!("40{}", name(n)), format!("41{},", name(n))])
                        .collect();
                    client.send(&packets.iter().map(String::as_str).collect::<Vec<_>>());
                    for n in 0..50 {
                        connected(&mut client, &name(n));
                    }
                }
                // What it leaves makes room for others, and then none for itself.
                for name in ["/p-1", "/p-2"] {
                    join(&mut client, name);
                }
                let leave = ["41/p-1,", "41/p-2,"];
                client.send(&[&leave[..], &["40/p-3", "40/p-4", "40/p-1"]].concat());
                crate::eventually(|| stage.io.of("/").socket_count() == 0);
            });
        },
    );
}

#[test]
fn what_is_sent_along_to_a_namespace_has_a_limit() {
    served_with(
        |builder| builder.max_auth(100),
        |server, _: Tell<()>| drop(server.of("/a")),
        |stage| {
            on_both(stage.address, |mut client| {
                for name in ["/a", "/nowhere"] {
                    client.send(&[&format!("40{name},{{\"token\":\"{}\"}}", "x".repeat(89))]);
                    let refusal = "{\"message\":\"too much auth data\"}";
                    client.expect(&[&format!("44{name},{refusal}")]);
                }
                // A byte less, and again after a refusal.
                client.send(&[&format!("40/a,{{\"token\":\"{}\"}}", "x".repeat(88))]);
                connected(&mut client, "/a");
            });
        },
    );
}

#[test]
fn a_name_that_is_too_long_makes_no_namespace() {
    served_with(
        |builder| builder,
        |server, _: Tell<()>| {
            server.of_pattern("/p-{n}");
            server.of(&format!("/{}", "x".repeat(5_000)));
        },
        |stage| {
            on_both(stage.address, |mut client| {
                // A child would keep it, and one client could make a thousand.
                let name = format!("/p-{}", "x".repeat(4_094));
                client.send(&[&format!("40{name}")]);
                client.expect(&[&format!("44{name},{{\"message\":\"Invalid namespace\"}}")]);
                client.send(&[&format!("40{}", &name[..4_096])]);
                connected(&mut client, &name[..4_096]);
                // What the application has made has the name that it was given.
                join(&mut client, &format!("/{}", "x".repeat(5_000)));
            });
        },
    );
}
