use std::collections::BTreeMap;

use proptest::prelude::*;
use siomio_packet::DecodeError;

use super::*;
use crate::{AckToken, DisconnectReason, Due, Received, Style, Violation};

struct World {
    now: Instant,
    hub: Hub,
    main: NamespaceId,
    ids: u64,
}

impl World {
    #[allow(clippy::disallowed_methods, reason = "tests need some instant to start from")]
    fn new() -> Self {
        let mut hub = Hub::new(Config::default(), Rooms::shared(3), 3);
        let main = hub.declare("/");
        assert_eq!(hub.declare("/custom"), NamespaceId::from_bits(1));
        assert_eq!(hub.declare("/"), main, "declaring twice finds the first");
        Self { now: Instant::now(), hub, main, ids: 0 }
    }

    fn client(&mut self) -> ClientKey {
        self.hub.open_client(self.now, 100, Revision::V5)
    }

    /// Connects to the namespace that the packet asks for.
    fn connect(&mut self, client: ClientKey, packet: &str) -> SocketKey {
        let Ok(Received::Connect { namespace, .. }) = self.hub.handle_text(client, packet) else {
            panic!("{packet} is no CONNECT")
        };
        let socket = self.begin(client, namespace);
        assert!(self.hub.accept(self.now, socket, None).is_some());
        socket
    }

    fn begin(&mut self, client: ClientKey, namespace: NamespaceId) -> SocketKey {
        self.ids += 1;
        self.hub.begin_connect(client, namespace, format!("id{}", self.ids).into()).unwrap()
    }

    fn remove(&mut self, socket: SocketKey) -> Option<Departure> {
        self.hub.remove(self.now, socket, DisconnectReason::ClientNamespaceDisconnect)
    }

    fn tags(&self, to: &Selector) -> Vec<u64> {
        let mut tags = Vec::new();
        self.hub.select(self.main, to, &mut tags);
        tags
    }
}

#[test]
fn events_reach_the_socket_of_their_namespace() {
    let mut world = World::new();
    let client = world.client();
    let main = world.connect(client, "0");
    let custom = world.connect(client, "0/custom,{\"a\":1}");
    for (packet, expected) in [(r#"2["a",1]"#, main), (r#"2/custom,["a",1]"#, custom)] {
        let Ok(Received::Event { socket, id: None, data }) = world.hub.handle_text(client, packet)
        else {
            panic!("{packet}")
        };
        assert_eq!(socket, expected);
        let (name, args) = data.event().unwrap();
        assert_eq!((name.as_str(), args.json()), ("a", "1"));
    }
    assert_eq!(world.hub.sockets(client), [main, custom]);
    assert_ne!(world.hub.id(main), world.hub.id(custom));
    let names = [main, custom].map(|socket| world.hub.name_of(socket).map(|name| &**name));
    assert_eq!(names, [Some("/"), Some("/custom")]);
    world.hub.begin_disconnect(custom, false);
    world.remove(custom);
    assert_eq!(world.hub.name_of(custom), None);
}

#[test]
fn an_event_with_attachments_arrives_with_the_last_of_them() {
    let mut world = World::new();
    let client = world.client();
    let socket = world.connect(client, "0");
    let head = r#"52-7["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert!(matches!(world.hub.handle_text(client, head), Ok(Received::Nothing)));
    assert!(matches!(world.hub.handle_binary(client, vec![1].into()), Ok(Received::Nothing)));
    let Ok(Received::Event { socket: to, id: Some(7), data }) =
        world.hub.handle_binary(client, vec![2].into())
    else {
        panic!("the event is complete")
    };
    assert_eq!(to, socket);
    assert_eq!(data.attachments(), [[1].as_slice(), &[2]]);
}

#[test]
fn violations_close_the_connection() {
    let table: [(&[&str], &str, Violation); 8] = [
        (&[], r#"2["a"]"#, Violation::NotConnected),
        (&[], r#"2/nowhere,["a"]"#, Violation::NotConnected),
        (&["0"], r#"2/custom,["a"]"#, Violation::NotConnected),
        (&["0"], "41", Violation::UnexpectedKind),
        (&["0"], "0", Violation::ConnectedTwice),
        (&["0"], "1/custom,", Violation::NotConnected),
        (&["0"], "43", Violation::UnexpectedKind),
        (&["0"], r#"3/custom,1[]"#, Violation::NotConnected),
    ];
    for (before, packet, expected) in table {
        let packet = if packet.starts_with("4") { r#"4{"message":"x"}"# } else { packet };
        let mut world = World::new();
        let client = world.client();
        for connect in before {
            world.connect(client, connect);
        }
        assert_eq!(
            world.hub.handle_text(client, packet).unwrap_err(),
            expected,
            "{before:?} then {packet}"
        );
    }
    let mut world = World::new();
    let client = world.client();
    let error = world.hub.handle_text(client, "9").unwrap_err();
    assert!(matches!(error, Violation::Decode(DecodeError::UnknownType { .. })), "{error}");
}

#[test]
fn a_second_connect_while_the_first_is_decided_is_a_violation() {
    let mut world = World::new();
    let client = world.client();
    let main = world.main;
    let socket = world.begin(client, main);
    assert_eq!(world.hub.handle_text(client, "0").unwrap_err(), Violation::ConnectedTwice);
    assert_eq!(
        world.hub.handle_text(client, r#"2["early"]"#).unwrap_err(),
        Violation::NotConnected
    );
    assert!(world.hub.accept(world.now, socket, None).is_some());
    assert!(world.hub.accept(world.now, socket, None).is_none(), "once");
}

#[test]
fn unknown_namespaces_are_named() {
    let mut world = World::new();
    let client = world.client();
    let Ok(Received::UnknownNamespace { name, .. }) = world.hub.handle_text(client, "0/random")
    else {
        panic!()
    };
    assert_eq!(name, "/random");
}

#[test]
fn what_crosses_our_disconnect_is_ignored_and_what_follows_its_own_is_not() {
    let mut world = World::new();
    let client = world.client();
    let socket = world.connect(client, "0");
    assert!(world.hub.begin_disconnect(socket, false));
    assert!(!world.hub.begin_disconnect(socket, false), "once");
    world.remove(socket);
    assert!(matches!(world.hub.handle_text(client, r#"2["crossing"]"#), Ok(Received::Nothing)));
    assert!(matches!(world.hub.handle_text(client, "1"), Ok(Received::Nothing)));

    let socket = world.connect(client, "0");
    assert!(world.hub.begin_disconnect(socket, true));
    world.remove(socket);
    assert!(matches!(world.hub.handle_text(client, r#"2["together"]"#), Ok(Received::Nothing)));
    world.hub.end_batch();
    assert_eq!(world.hub.handle_text(client, r#"2["late"]"#).unwrap_err(), Violation::NotConnected);
}

#[test]
fn a_refused_socket_leaves_no_trace() {
    let mut world = World::new();
    let client = world.client();
    let main = world.main;
    let socket = world.begin(client, main);
    assert!(world.hub.join(socket, "secret"));
    assert_eq!(
        world.tags(&Selector::all().room("secret")),
        [] as [u64; 0],
        "nothing reaches it yet"
    );
    assert!(world.hub.refuse(socket));
    assert!(!world.hub.refuse(socket));
    assert_eq!(world.hub.len(), (1, 0));
    assert!(world.hub.rooms().names(main).is_empty());
    world.connect(client, "0");
}

#[test]
fn rooms_can_be_read_until_the_socket_is_removed() {
    let mut world = World::new();
    let client = world.client();
    let socket = world.connect(client, "0");
    world.hub.join(socket, "a");
    assert_eq!(world.tags(&Selector::all().room("a")), [100]);
    world.hub.begin_disconnect(socket, true);
    assert_eq!(world.hub.rooms_of(socket), ["id1".into(), "a".into()]);
    assert_eq!(world.tags(&Selector::all().room("a").room("id1")), [] as [u64; 0]);
    assert!(!world.hub.join(socket, "b"), "joining after a disconnect does nothing");
    world.remove(socket);
    assert!(world.hub.rooms_of(socket).is_empty());
}

#[test]
fn acks_are_numbered_per_namespace_and_answered_once() {
    let mut world = World::new();
    let client = world.client();
    let (main, custom) = (world.connect(client, "0"), world.connect(client, "0/custom"));
    let at = world.now + Duration::from_secs(1);
    assert_eq!(world.hub.expect_ack(main, AckToken(7), at), Some(0));
    assert_eq!(world.hub.expect_ack(main, AckToken(8), at), Some(1));
    assert_eq!(world.hub.expect_ack(custom, AckToken(9), at), Some(0));
    let Ok(Received::Ack { by, data, .. }) = world.hub.handle_text(client, "31[5]") else {
        panic!()
    };
    assert_eq!((by, data.args().json()), (Awaiter::One(AckToken(8)), "5"));
    for ignored in ["31[5]", "399[]", "3[1]", "3"] {
        assert!(
            matches!(world.hub.handle_text(client, ignored), Ok(Received::Nothing)),
            "{ignored}"
        );
    }
    assert_eq!(world.hub.handle_timeout(at), Some(Due::Ack(AckToken(7))));
    assert_eq!(world.hub.handle_timeout(at), Some(Due::Ack(AckToken(9))));
    assert_eq!(world.hub.handle_timeout(at), None);
    assert!(matches!(world.hub.handle_text(client, "30[]"), Ok(Received::Nothing)), "too late");
}

#[test]
fn a_departure_takes_its_acks_along() {
    let mut world = World::new();
    let client = world.client();
    let socket = world.connect(client, "0");
    let at = world.now + Duration::from_secs(1);
    world.hub.expect_ack(socket, AckToken(1), at);
    world.hub.expect_ack(socket, AckToken(2), at);
    world.hub.begin_disconnect(socket, false);
    assert_eq!(world.hub.expect_ack(socket, AckToken(3), at), None);
    let acks = [1, 2].map(|token| Awaiter::One(AckToken(token))).to_vec();
    assert_eq!(world.remove(socket), Some(Departure { acks, kept: None }));
    assert_eq!(world.hub.deadline(), None, "nothing is left behind");
}

#[test]
fn of_a_broadcast_that_is_answered_by_all_or_too_late_nothing_is_left() {
    for (answered, is_left) in [(3, false), (2, false), (1, false), (0, false), (2, true)] {
        let mut world = World::new();
        let clients: Vec<_> = (0..3).map(|_| world.client()).collect();
        let [main, custom] = ["0", "0/custom"].map(|packet| {
            clients.iter().map(|client| world.connect(*client, packet)).collect::<Vec<_>>()
        });
        let at = world.now + Duration::from_secs(1);
        // One request for two namespaces.
        let request = RequestId(5);
        world.hub.open_request(request, AckToken(1), Style::Whole, 2, at);
        let other = NamespaceId::from_bits(1);
        assert_eq!(world.hub.expect_acks(world.main, main, request, at), Some(0));
        assert_eq!(world.hub.expect_acks(other, custom.clone(), request, at), Some(0));
        for client in &clients[..answered] {
            for packet in ["30[]", "3/custom,0[]"] {
                let got = world.hub.handle_text(*client, packet);
                let is_ack = matches!(got, Ok(Received::Ack { by: Awaiter::Gathering(_), .. }));
                assert!(is_ack, "{packet}");
            }
        }
        if is_left {
            // Whoever leaves will not answer, and nobody else owes anything there.
            let left = world.remove(custom[2]).unwrap();
            assert_eq!(left.acks, [Awaiter::Gathering(request)]);
            assert_eq!(world.hub.gatherings.len(), 1);
        }
        while world.hub.handle_timeout(at).is_some() {}
        assert!(world.hub.gatherings.is_empty(), "{answered}");
        let owe = |(_, socket): (SocketKey, &Socket)| !socket.acks.is_empty();
        assert!(!world.hub.sockets.iter().any(owe), "{answered}");
        assert_eq!(world.hub.deadline(), None);
        for client in &clients {
            assert!(matches!(world.hub.handle_text(*client, "30[]"), Ok(Received::Nothing)));
        }
    }
}

#[test]
fn a_connection_that_joins_nothing_is_due_and_one_that_left_everything_is_not() {
    let mut world = World::new();
    let (idle, busy) = (world.client(), world.client());
    let socket = world.connect(busy, "0");
    world.hub.begin_disconnect(socket, true);
    world.remove(socket);
    let at = world.now + Duration::from_secs(45);
    assert_eq!(world.hub.deadline(), Some(at));
    assert_eq!(world.hub.handle_timeout(at - Duration::from_millis(1)), None);
    assert_eq!(world.hub.handle_timeout(at), Some(Due::Connect(100)));
    assert_eq!(world.hub.handle_timeout(at), None);
    world.hub.close_client(idle);
    assert_eq!(world.hub.len(), (1, 0));
}

proptest! {
    /// Clients that send anything at all never make a panic, and everything is returned when they go.
    #[test]
    fn any_messages_are_survived(
        messages in prop::collection::vec((0..3usize, prop_oneof![
            Just("0".to_owned()), Just("0/custom,{}".to_owned()), Just("1".to_owned()), Just("1/custom,".to_owned()),
            Just(r#"2["a",1]"#.to_owned()), Just(r#"51-["a",{"_placeholder":true,"num":0}]"#.to_owned()),
            Just("30[]".to_owned()), Just("\u{0}".to_owned()), "[0-6][/a-z,]{0,5}[0-9]{0,3}.{0,10}",
        ]), 0..60),
    ) {
        let mut world = World::new();
        let clients: Vec<_> = (0..3).map(|_| world.client()).collect();
        let mut expected: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, message) in messages {
            let client = clients[index];
            let received = if message == "\u{0}" {
                world.hub.handle_binary(client, vec![0].into())
            } else {
                world.hub.handle_text(client, &message)
            };
            match received {
                Ok(Received::Connect { namespace, .. }) => {
                    let socket = world.begin(client, namespace);
                    prop_assert!(world.hub.accept(world.now, socket, None).is_some());
                    world.hub.expect_ack(socket, AckToken(1), world.now);
                    world.hub.join(socket, "room");
                    *expected.entry(index).or_default() += 1;
                }
                Ok(Received::Disconnect { socket }) => {
                    prop_assert!(world.hub.begin_disconnect(socket, true));
                    prop_assert!(world.remove(socket).is_some());
                    *expected.entry(index).or_default() -= 1;
                }
                _ => {}
            }
            prop_assert_eq!(world.hub.len().1, expected.values().sum::<usize>());
        }
        for client in clients {
            for socket in world.hub.sockets(client) {
                world.hub.begin_disconnect(socket, false);
                world.remove(socket);
            }
            world.hub.close_client(client);
        }
        prop_assert_eq!(world.hub.len(), (0, 0));
        prop_assert_eq!(world.hub.deadline(), None);
        prop_assert!(world.hub.rooms().names(world.main).is_empty());
    }
}

#[test]
fn old_clients_name_namespaces_with_a_query() {
    let mut world = World::new();
    let client = world.hub.open_client(world.now, 7, Revision::V4);
    let main = world.begin(client, world.main);
    assert!(world.hub.accept(world.now, main, None).is_some());
    let packet = "0/custom?token=abc,";
    let Ok(Received::Connect { namespace, auth }) = world.hub.handle_text(client, packet) else {
        panic!("{packet} is no CONNECT")
    };
    assert_eq!((namespace, auth.json()), (NamespaceId::from_bits(1), r#"{"token":"abc"}"#));
    let custom = world.begin(client, namespace);
    assert!(world.hub.accept(world.now, custom, None).is_some());
    for (packet, expected) in [
        (r#"2["a"]"#, main),
        (r#"2/custom,["a"]"#, custom),
        (r#"2/custom?token=abc,["a"]"#, custom),
        (r#"2/?token=abc,["a"]"#, main),
    ] {
        let received = world.hub.handle_text(client, packet);
        assert!(
            matches!(received, Ok(Received::Event { socket, .. }) if socket == expected),
            "{packet}: {received:?}"
        );
    }
    let unknown = world.hub.handle_text(client, "0/nobody?token=abc");
    assert!(matches!(unknown, Ok(Received::UnknownNamespace { name, .. }) if name == "/nobody"));
    // It has joined the main namespace without having asked.
    let second = world.hub.handle_text(client, "0").map(drop);
    assert_eq!(second, Err(Violation::ConnectedTwice));
    let query = world.hub.handle_text(client, "0/?token=abc").map(drop);
    assert_eq!(query, Err(Violation::ConnectedTwice));
}

#[test]
fn a_query_is_part_of_the_name_for_clients_of_today() {
    let mut world = World::new();
    let client = world.client();
    let received = world.hub.handle_text(client, "0/custom?token=abc");
    assert!(
        matches!(received, Ok(Received::UnknownNamespace { name, .. }) if name == "/custom?token=abc")
    );
}

/// Disconnects a socket, as the server does.
fn disconnected(world: &mut World, socket: SocketKey) {
    assert!(world.hub.begin_disconnect(socket, false));
    assert!(world.remove(socket).is_some());
}

#[test]
fn who_asks_twice_for_a_namespace_that_is_looked_up_breaks_a_rule() {
    let mut world = World::new();
    let (client, other) = (world.client(), world.client());
    assert!(matches!(
        world.hub.handle_text(client, "0/dynamic"),
        Ok(Received::UnknownNamespace { .. })
    ));
    world.hub.begin_lookup(client, "/dynamic");
    let twice = world.hub.handle_text(client, "0/dynamic").map(drop);
    assert_eq!(twice, Err(Violation::ConnectedTwice));
    let early = world.hub.handle_text(client, r#"2/dynamic,["early"]"#).map(drop);
    assert_eq!(early, Err(Violation::NotConnected));
    // It is a matter of each connection and each name, also if somebody else has made the namespace meanwhile.
    assert!(world.hub.handle_text(client, "0/another").is_ok());
    assert!(world.hub.handle_text(other, "0/dynamic").is_ok());
    world.hub.declare("/dynamic");
    let twice = world.hub.handle_text(client, "0/dynamic").map(drop);
    assert_eq!(twice, Err(Violation::ConnectedTwice));
    assert!(world.hub.end_lookup(client, "/dynamic"));
    assert!(!world.hub.end_lookup(client, "/dynamic"), "once");
    assert!(matches!(world.hub.handle_text(client, "0/dynamic"), Ok(Received::Connect { .. })));
    world.hub.begin_lookup(other, "/x");
    world.hub.close_client(other);
    assert!(!world.hub.end_lookup(other, "/x"), "nobody is there to hear it");
}

#[test]
fn the_last_deadline_of_a_decision_counts() {
    let mut world = World::new();
    let client = world.client();
    let socket = world.begin(client, world.main);
    let [first, second] = [1, 2].map(|secs| world.now + Duration::from_secs(secs));
    world.hub.limit_decision(socket, first);
    assert_eq!(world.hub.deadline(), Some(first));
    // The next middleware has its own time.
    world.hub.limit_decision(socket, second);
    assert_eq!(world.hub.handle_timeout(first), None);
    assert_eq!(world.hub.handle_timeout(second), Some(Due::Decision(socket)));
    assert!(world.hub.refuse(socket));

    for accept in [true, false] {
        let socket = world.begin(client, world.main);
        world.hub.limit_decision(socket, second);
        if accept {
            assert!(world.hub.accept(world.now, socket, None).is_some());
            world.hub.limit_decision(socket, first);
            disconnected(&mut world, socket);
            assert_eq!(world.hub.deadline(), None);
        } else {
            assert!(world.hub.refuse(socket));
            assert_eq!(world.hub.deadline(), None);
        }
    }
}

#[test]
fn a_connection_has_to_do_with_so_many_namespaces_and_no_more() {
    let mut world = World::new();
    world.hub.config.max_namespaces = 2;
    let client = world.client();
    let main = world.connect(client, "0");
    world.hub.begin_lookup(client, "/looked-up");
    let one_more = world.hub.handle_text(client, "0/custom").map(drop);
    assert_eq!(one_more, Err(Violation::TooManyNamespaces), "what it has asked for counts");
    world.hub.end_lookup(client, "/looked-up");
    let custom = world.connect(client, "0/custom");
    let one_more = world.hub.handle_text(client, "0/third").map(drop);
    assert_eq!(one_more, Err(Violation::TooManyNamespaces));
    let twice = world.hub.handle_text(client, "0").map(drop);
    assert_eq!(twice, Err(Violation::ConnectedTwice), "that is no other namespace");

    // What it leaves takes no place, not even together with the next.
    assert!(world.hub.begin_disconnect(custom, true));
    world.remove(custom);
    world.hub.declare("/third");
    let third = world.connect(client, "0/third");
    assert!(matches!(world.hub.handle_text(client, r#"2/custom,["a"]"#), Ok(Received::Nothing)));
    assert!(world.hub.begin_disconnect(third, true));
    world.remove(third);
    world.hub.end_batch();
    let custom = world.connect(client, "0/custom");

    // Where the server has sent it away it may come back, and what crosses the farewell is still ignored.
    disconnected(&mut world, main);
    disconnected(&mut world, custom);
    assert!(matches!(world.hub.handle_text(client, r#"2["a"]"#), Ok(Received::Nothing)));
    world.connect(client, "0");
    let custom = world.connect(client, "0/custom");

    // A namespace that has ended takes no place.
    disconnected(&mut world, custom);
    let gone = world.hub.find("/custom").unwrap();
    world.hub.forget(gone);
    world.connect(client, "0/third");
}

#[test]
fn who_comes_and_goes_over_and_over_in_one_batch_is_kept_in_mind_for_few_places() {
    let mut world = World::new();
    world.hub.config.max_namespaces = 4;
    let client = world.client();
    world.connect(client, "0");
    for n in 0..100 {
        world.hub.declare(&format!("/r-{n}"));
        // Twice: what it has just left it may join again.
        for _ in 0..2 {
            let socket = world.connect(client, &format!("0/r-{n}"));
            assert!(world.hub.begin_disconnect(socket, true));
            world.remove(socket);
        }
        let late = format!("3/r-{n},0[]");
        assert!(matches!(world.hub.handle_text(client, &late), Ok(Received::Nothing)));
        let places = world.hub.clients.get(client).unwrap().memberships();
        assert!(places <= 8, "{places} after {n}");
        assert_eq!(world.hub.leaving.len(), 1, "it has to be told once that the batch is over");
    }
    world.hub.end_batch();
    assert_eq!(world.hub.clients.get(client).unwrap().memberships(), 1);
}

#[test]
fn who_comes_back_in_the_same_batch_needs_a_place_again() {
    let mut world = World::new();
    world.hub.config.max_namespaces = 2;
    let client = world.client();
    for name in ["/a", "/b", "/c"] {
        world.hub.declare(name);
    }
    let a = world.connect(client, "0/a");
    world.connect(client, "0/b");
    assert!(world.hub.begin_disconnect(a, true));
    world.remove(a);
    world.connect(client, "0/c");
    let one_more = world.hub.handle_text(client, "0/a").map(drop);
    assert_eq!(one_more, Err(Violation::TooManyNamespaces), "another has its place");
    assert_eq!(world.hub.sockets(client).len(), 2);
}

#[test]
fn what_crosses_the_end_of_a_namespace_is_ignored_also_if_it_has_a_successor() {
    let mut world = World::new();
    let mut arena = Arena::<()>::new();
    let ids: Vec<_> = (0..3).map(|_| arena.insert(())).collect();
    let first = NamespaceId::from_bits(ids[2].to_bits());
    world.hub.declare_as(first, "/dynamic");
    let (client, stranger) = (world.client(), world.client());
    let socket = world.connect(client, "0/dynamic");
    disconnected(&mut world, socket);
    world.hub.forget(first);
    let packets = [r#"2/dynamic,["a"]"#, "3/dynamic,0[]", "1/dynamic"];
    for packet in packets {
        assert!(matches!(world.hub.handle_text(client, packet), Ok(Received::Nothing)), "{packet}");
    }
    arena.remove(ids[2]);
    let second = NamespaceId::from_bits(arena.insert(()).to_bits());
    assert!(second != first && second.index() == first.index());
    world.hub.declare_as(second, "/dynamic");
    for packet in packets {
        assert!(matches!(world.hub.handle_text(client, packet), Ok(Received::Nothing)), "{packet}");
        let violation = world.hub.handle_text(stranger, packet).map(drop);
        assert_eq!(violation, Err(Violation::NotConnected), "{packet}");
    }
    let refusal = world.hub.handle_text(client, r#"4/dynamic,{"message":"x"}"#).map(drop);
    assert_eq!(refusal, Err(Violation::UnexpectedKind));
    let socket = world.connect(client, "0/dynamic");
    assert_eq!(world.hub.namespace_of(socket), Some(second));
    let received = world.hub.handle_text(client, packets[0]);
    assert!(matches!(received, Ok(Received::Event { socket: to, .. }) if to == socket));
}
