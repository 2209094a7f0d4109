//! Who asks to be let in waits for parents and for middlewares, which decide at any moment or never: everybody is answered once,
//! and in time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{NamespaceDecision, Permit, Server, ServerBuilder, Value};
use siomio_testkit::sim::{Random, SimHttp, World, seeds};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const SEPARATOR: char = '\u{1e}';
/// Alarms may be a little late, never early, and the network takes its time.
const LATE: Duration = Duration::from_millis(500);
/// What a decision may take, by default.
const MINUTE: Duration = Duration::from_secs(60);

/// Something that is to be decided.
enum Case {
    Namespace(NamespaceDecision),
    Socket(Permit),
}

/// What is to be decided, in the order it came.
type Desk = Arc<Mutex<Vec<Case>>>;

/// A server whose clients need no heartbeat, and may take their time to join.
fn patient(shards: u8) -> ServerBuilder {
    let long = Duration::from_secs(1_000_000);
    let builder = Server::builder().shards(shards).ping_interval(long).connect_timeout(long);
    // Nor do their connections end by themselves.
    builder.keep_alive_timeout(long)
}

/// A client on long-polling: one connection for what it says, and one for what it hears.
struct Guest {
    posts: SimHttp,
    gets: SimHttp,
    target: String,
    heard: Vec<String>,
}

impl Guest {
    fn open(world: &mut World) -> Self {
        let (posts, mut gets) = (SimHttp::connect(world), SimHttp::connect(world));
        gets.request("GET", POLLING, &[], b"");
        world.run_until_quiet();
        let opened = gets.poll().expect("an answer");
        let open: serde_json::Value =
            serde_json::from_str(&opened.text()[1..]).expect("a handshake");
        let target = format!("{POLLING}&sid={}", open["sid"].as_str().expect("an id"));
        gets.request("GET", &target, &[], b"");
        Self { posts, gets, target, heard: Vec::new() }
    }

    fn say(&self, packet: &str) {
        self.posts.request("POST", &self.target, &[], packet.as_bytes());
    }

    /// Takes what has arrived, and asks for more.
    fn listen(&mut self) {
        while self.posts.poll().is_some() {}
        while let Some(response) = self.gets.poll() {
            assert_eq!(response.status, 200, "{response:?}");
            self.heard.extend(response.text().split(SEPARATOR).map(str::to_owned));
            self.gets.request("GET", &self.target, &[], b"");
        }
    }

    /// Lets everything happen that can before time passes; then it must have heard this.
    fn expect(&mut self, world: &mut World, packets: &[&str]) {
        world.run_until_quiet();
        self.listen();
        assert_eq!(std::mem::take(&mut self.heard), packets);
    }
}

fn take(desk: &Desk) -> Vec<Case> {
    std::mem::take(&mut *desk.lock().unwrap())
}

fn one(desk: &Desk) -> Case {
    let mut cases = take(desk);
    assert_eq!(cases.len(), 1, "exactly one is asked");
    cases.remove(0)
}

#[test]
fn each_parent_has_a_minute() {
    seeds(20, |seed| {
        let shards = *Random::new(seed ^ 0xe27).pick(&[1, 4]);
        let server = patient(shards).build();
        let desks = [Desk::default(), Desk::default()];
        for desk in desks.clone() {
            server.of_deciding(move |_, decision| {
                desk.lock().unwrap().push(Case::Namespace(decision));
            });
        }
        let mut world = World::new(seed, shards, server);
        let mut guest = Guest::open(&mut world);
        guest.say("40/x");
        guest.expect(&mut world, &[]);
        let first = one(&desks[0]);
        world.advance(MINUTE - LATE);
        assert!(take(&desks[1]).is_empty());
        world.advance(2 * LATE);
        let second = one(&desks[1]);
        // The first is too late, and the second has its own minute.
        let Case::Namespace(first) = first else { unreachable!() };
        first.allow();
        world.advance(MINUTE - 3 * LATE);
        guest.expect(&mut world, &[]);
        world.advance(3 * LATE);
        guest.expect(&mut world, &["44/x,{\"message\":\"Invalid namespace\"}"]);
        let Case::Namespace(second) = second else { unreachable!() };
        second.allow();
        guest.expect(&mut world, &[]);
    });
}

#[test]
fn each_middleware_has_a_minute() {
    seeds(20, |seed| {
        let shards = *Random::new(seed ^ 0xe28).pick(&[1, 4]);
        let server = patient(shards).build();
        let desks = [Desk::default(), Desk::default()];
        for desk in desks.clone() {
            server.use_middleware_later(move |_, _: Value, permit| {
                desk.lock().unwrap().push(Case::Socket(permit));
            });
        }
        server.on_connect(|_| panic!("nobody is let in"));
        let mut world = World::new(seed, shards, server);
        let mut guest = Guest::open(&mut world);
        guest.say("40");
        guest.expect(&mut world, &[]);
        world.advance(MINUTE - LATE);
        let Case::Socket(first) = one(&desks[0]) else { unreachable!() };
        first.grant();
        guest.expect(&mut world, &[]);
        let second = one(&desks[1]);
        world.advance(MINUTE - LATE);
        guest.expect(&mut world, &[]);
        world.advance(2 * LATE);
        guest.expect(&mut world, &["44{\"message\":\"timeout\"}"]);
        let Case::Socket(second) = second else { unreachable!() };
        second.grant();
        guest.expect(&mut world, &[]);
    });
}

/// What a client is to a namespace, as far as it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Waiting,
    Inside,
}

/// Names that nobody has made, that two parents want, and that one does.
const NAMES: [&str; 4] = ["/p-1", "/p-2", "/x", "/y"];

fn crowded(random: &mut Random, shards: u8, desk: &Desk) -> Server {
    let server = patient(shards).cleanup_empty_child_namespaces(random.one_in(2)).build();
    let queue = desk.clone();
    let parents = [
        server.of_deciding(move |_, decision| {
            queue.lock().unwrap().push(Case::Namespace(decision));
        }),
        server.of_pattern("/p-{n}"),
    ];
    for parent in parents {
        for _ in 0..2 {
            let queue = desk.clone();
            parent.use_middleware_later(move |socket, auth: Value, permit| {
                socket.join("asked");
                match auth.get("at-once") {
                    Some(_) => permit.grant(),
                    None => queue.lock().unwrap().push(Case::Socket(permit)),
                }
            });
        }
        parent.on_connect(|socket| assert!(socket.is_connected()));
    }
    server
}

fn decide(random: &mut Random, case: Case) {
    match (case, random.below(4)) {
        (Case::Namespace(decision), 0) => decision.refuse(),
        (Case::Socket(permit), 0) => permit.refuse("no"),
        // To drop it is to refuse it.
        (_, 1) => {}
        (Case::Namespace(decision), _) => decision.allow(),
        (Case::Socket(permit), _) => permit.grant(),
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0xe29);
    let shards = *random.pick(&[1, 1, 3]);
    let desk = Desk::default();
    let server = crowded(&mut random, shards, &desk);
    let io = server.io();
    let mut world = World::new(seed, shards, server);
    let mut guests: Vec<_> = (0..4).map(|_| Guest::open(&mut world)).collect();
    let mut places: Vec<_> =
        guests.iter().map(|_| BTreeMap::from(NAMES.map(|name| (name, Place::Outside)))).collect();
    let rounds = random.between(20, 120);
    for round in 0..2 * rounds {
        let is_over = round >= rounds;
        let (who, name) = (random.below(guests.len()), *random.pick(&NAMES));
        let place = places[who].get_mut(name).unwrap();
        match *place {
            Place::Outside if !is_over => {
                let auth = *random.pick(&["", ",{}", ",{\"at-once\":1}"]);
                guests[who].say(&format!("40{name}{auth}"));
                *place = Place::Waiting;
            }
            Place::Inside if random.one_in(3) => {
                guests[who].say(&format!("41{name},"));
                *place = Place::Outside;
            }
            Place::Inside => guests[who].say(&format!("42{name},[\"nobody listens\"]")),
            _ => {}
        }
        if random.one_in(10) {
            io.of(NAMES[random.below(2)]).disconnect_sockets(false);
        }
        let case = {
            let mut cases = desk.lock().unwrap();
            let place = random.below(cases.len().max(1));
            (place < cases.len() && (is_over || random.one_in(2))).then(|| cases.remove(place))
        };
        if let Some(case) = case {
            decide(&mut random, case);
        }
        for _ in 0..random.below(30) {
            world.step();
        }
        if is_over {
            // What nobody has decided is refused in time.
            world.advance(if random.one_in(4) { 2 * MINUTE } else { LATE });
        }
        for (guest, places) in guests.iter_mut().zip(&mut places) {
            guest.listen();
            for packet in std::mem::take(&mut guest.heard) {
                let (kind, rest) = packet.split_at(2);
                let name = rest.split(',').next().unwrap();
                let place = places.get_mut(name).unwrap_or_else(|| panic!("{packet}"));
                let next = match (kind, *place) {
                    ("40", Place::Waiting) => Place::Inside,
                    ("44", Place::Waiting) => Place::Outside,
                    ("41", Place::Inside) => Place::Outside,
                    // The farewells have crossed, and it may have asked anew since.
                    ("41", same) => same,
                    wrong => panic!("{packet}: {wrong:?}"),
                };
                *place = next;
            }
        }
    }
    drop(take(&desk));
    world.advance(10 * MINUTE);
    for (guest, places) in guests.iter_mut().zip(&places) {
        guest.listen();
        let waits = places.values().filter(|place| **place == Place::Waiting).count();
        let answers = guest.heard.iter().filter(|packet| !packet.starts_with("41")).count();
        assert_eq!(answers, waits, "everybody is answered once: {:?} {places:?}", guest.heard);
    }
    for guest in &mut guests {
        guest.say("1");
    }
    world.advance(MINUTE);
    let [sessions, clients, sockets] =
        [1, 2, 3].map(|what| world.population().iter().map(|counts| counts[what]).sum::<usize>());
    assert_eq!((sessions, clients, sockets), (0, 0, 0));
    for name in NAMES {
        let namespace = io.of(name);
        assert_eq!((namespace.socket_count(), namespace.rooms()), (0, vec![]));
    }
}

#[test]
fn everybody_is_answered_once_whatever_is_decided_and_when() {
    seeds(200, run);
}
