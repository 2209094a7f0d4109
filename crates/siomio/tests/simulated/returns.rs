//! Clients lose their connections and come back, on other shards and to namespaces that come and go, and are let in again or not: what
//! is told of rooms fits together, and nothing is left of anybody in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use siomio::{Namespace, Permit, Recovery, RoomEvent, Server, Socket, Value};
use siomio_testkit::{
    sim::{Random, SimWs, World, seeds},
    ws::Got,
};

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";
const MINUTE: Duration = Duration::from_secs(60);
const NAMES: [&str; 3] = ["/", "/room-1", "/room-2"];

/// Who waits for a middleware.
type Desk = Arc<Mutex<Vec<Permit>>>;
/// What was told of rooms, by namespace.
type Told = Arc<Mutex<Vec<(String, RoomEvent)>>>;

/// What a client knows of its session in a namespace.
#[derive(Clone, Debug)]
struct Session {
    sid: String,
    pid: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Waiting,
    Inside,
}

#[derive(Debug, Default)]
struct Guest {
    connection: Option<SimWs>,
    places: BTreeMap<&'static str, Place>,
    /// Of whatever it was in last.
    sessions: BTreeMap<&'static str, Session>,
    recovered: usize,
}

impl Guest {
    fn open(world: &mut World) -> Self {
        let connection = Some(SimWs::connect(world, TARGET));
        Self { connection, ..Self::default() }
    }

    fn place(&self, name: &str) -> Place {
        self.places.get(name).copied().unwrap_or(Place::Outside)
    }

    fn say(&self, packet: &str) {
        if let Some(connection) = self.connection.as_ref().filter(|it| it.is_open()) {
            connection.send(packet);
        }
    }

    /// The connection is lost; the server hears of it, or not.
    fn lose(&mut self, is_told: bool) {
        let Some(connection) = self.connection.take() else { return };
        if is_told {
            connection.wire().reset();
        }
        self.places.clear();
    }

    fn ask(&mut self, name: &'static str, comes_back: bool) {
        let head = if name == "/" { "40".to_owned() } else { format!("40{name},") };
        let session = self.sessions.get(name).filter(|_| comes_back);
        let auth = session.map(|it| format!("{{\"pid\":\"{}\"}}", it.pid)).unwrap_or_default();
        self.say(&format!("{head}{auth}"));
        self.places.insert(name, Place::Waiting);
    }

    fn listen(&mut self) {
        while let Some(got) = self.connection.as_mut().and_then(SimWs::poll) {
            match got {
                Got::Text(packet) => self.hear(&packet),
                Got::Close(_) | Got::End => {
                    self.connection = None;
                    self.places.clear();
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn hear(&mut self, packet: &str) {
        if packet == "2" {
            return self.say("3");
        }
        let Some(rest) = packet.strip_prefix('4') else { return };
        let (kind, rest) = rest.split_at(1);
        let (name, data) = match rest.split_once(',').filter(|_| rest.starts_with('/')) {
            Some((name, data)) => (name, data),
            None => ("/", rest),
        };
        let name = *NAMES.iter().find(|own| **own == name).expect(packet);
        match (kind, self.place(name)) {
            ("0", Place::Waiting) => {
                let data: serde_json::Value = serde_json::from_str(data).expect(packet);
                let text = |key: &str| data[key].as_str().expect(key).to_owned();
                let (sid, pid) = (text("sid"), text("pid"));
                let known =
                    self.sessions.insert(name, Session { sid: sid.clone(), pid: pid.clone() });
                if let Some(known) = known.filter(|known| known.pid == pid) {
                    assert_eq!(known.sid, sid);
                    self.recovered += 1;
                }
                self.places.insert(name, Place::Inside);
            }
            ("4", Place::Waiting) => drop(self.places.insert(name, Place::Outside)),
            ("1", Place::Inside) => drop(self.places.insert(name, Place::Outside)),
            // They have crossed what it asked for since.
            ("1", _) => {}
            wrong => panic!("{packet}: {wrong:?}"),
        }
    }
}

fn keeper(random: &mut Random, shards: u8, desk: &Desk, told: &Told) -> (Server, Namespace) {
    let recovery =
        Recovery::new().skip_middlewares(random.one_in(4)).max_sessions(random.between(2, 20));
    let server = Server::builder()
        .shards(shards)
        .connect_timeout(Duration::from_secs(1_000_000))
        .cleanup_empty_child_namespaces(true)
        .recovery(recovery)
        .build();
    let parent = server.of_pattern("/room-{n}");
    let watches = random.one_in(2);
    for namespace in [&*server, &parent] {
        let queue = desk.clone();
        namespace.use_middleware_later(move |socket, _: Value, permit| {
            socket.join("asked");
            queue.lock().unwrap().push(permit);
        });
        namespace.on_connect(|socket: &Socket| {
            socket.data().insert(Arc::new(()));
            socket.join(["lobby", "hall"]);
        });
        let told = told.clone();
        if watches {
            namespace.on_room_event(move |event| {
                told.lock().unwrap().push((event.namespace().name().to_owned(), event.clone()));
            });
        }
    }
    (server, parent)
}

/// Goes through what was told of rooms, which has to make sense.
#[derive(Default)]
struct Book(BTreeMap<(String, String), BTreeSet<String>>);

impl Book {
    fn read(&mut self, name: String, event: RoomEvent) {
        let key = |room: &str| (name.clone(), room.to_owned());
        match &event {
            RoomEvent::Created { room, .. } => {
                assert!(self.0.insert(key(room), BTreeSet::new()).is_none(), "{event:?}");
            }
            RoomEvent::Joined { room, id, .. } => {
                let members = self.0.get_mut(&key(room)).unwrap_or_else(|| panic!("{event:?}"));
                assert!(members.insert(id.to_string()), "{event:?}");
            }
            RoomEvent::Left { room, id, .. } => {
                let members = self.0.get_mut(&key(room)).unwrap_or_else(|| panic!("{event:?}"));
                assert!(members.remove(&**id), "{event:?}");
            }
            RoomEvent::Deleted { room, .. } => {
                let members = self.0.remove(&key(room)).unwrap_or_else(|| panic!("{event:?}"));
                assert!(members.is_empty(), "{event:?}: {members:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0x4e7);
    let shards = *random.pick(&[1, 2, 3]);
    let (desk, told, mut book) = (Desk::default(), Told::default(), Book::default());
    let (server, parent) = keeper(&mut random, shards, &desk, &told);
    let (io, metrics) = (server.of("/"), server.io());
    let mut world = World::new(seed, shards, server);
    let mut guests: Vec<_> = (0..4).map(|_| Guest::open(&mut world)).collect();
    for _ in 0..random.between(40, 200) {
        let who = random.below(guests.len());
        let guest = &mut guests[who];
        let name = *random.pick(&NAMES);
        match (guest.connection.is_some(), guest.place(name)) {
            (false, _) => guest.connection = Some(SimWs::connect(&mut world, TARGET)),
            (true, _) if random.one_in(4) => guest.lose(!random.one_in(3)),
            (true, Place::Outside) => {
                let is_open = guest.connection.as_ref().is_some_and(SimWs::is_open);
                let comes_back = !random.one_in(6);
                if is_open {
                    guest.ask(name, comes_back);
                }
            }
            (true, Place::Inside) if random.one_in(8) => {
                guest.say(&if name == "/" { "41".to_owned() } else { format!("41{name},") });
                guest.places.insert(name, Place::Outside);
            }
            _ => {}
        }
        if random.one_in(20) {
            let who = if random.one_in(2) { &io } else { &parent };
            who.disconnect_sockets(random.one_in(2));
        }
        let permit = {
            let mut waiting = desk.lock().unwrap();
            let place = random.below(waiting.len().max(1));
            (place < waiting.len() && random.one_in(2)).then(|| waiting.remove(place))
        };
        if let Some(permit) = permit {
            if random.one_in(3) { permit.refuse("no") } else { permit.grant() }
        }
        if random.one_in(25) {
            world.advance(MINUTE / 4 * random.below(12) as u32);
        }
        for _ in 0..random.below(40) {
            world.step();
        }
        guests.iter_mut().for_each(Guest::listen);
        for (name, event) in std::mem::take(&mut *told.lock().unwrap()) {
            book.read(name, event);
        }
    }
    drop(std::mem::take(&mut *desk.lock().unwrap()));
    guests.iter_mut().for_each(|guest| guest.lose(true));
    world.advance(10 * MINUTE);
    for (name, event) in std::mem::take(&mut *told.lock().unwrap()) {
        book.read(name, event);
    }
    assert!(book.0.is_empty(), "{:?}", book.0);
    for population in world.population() {
        assert_eq!(population, [0; 5]);
    }
    for remains in world.remains() {
        assert_eq!(remains, [0; 4], "lookups, sessions, values, and who has moved");
    }
    assert_eq!(metrics.metrics().namespaces, 1, "the children are gone");
    RECOVERED.fetch_add(guests.iter().map(|guest| guest.recovered).sum(), Ordering::Relaxed);
}

static RECOVERED: AtomicUsize = AtomicUsize::new(0);

#[test]
fn nothing_is_left_of_those_who_come_back_or_try_to() {
    seeds(300, run);
    assert!(RECOVERED.load(Ordering::Relaxed) > 0, "somebody does");
}

/// A server with the pattern `/room-{n}`, whose middlewares say what the desk says.
fn asked(shards: u8, desk: &Desk) -> Server {
    let server =
        Server::builder().shards(shards).recovery(Recovery::new().skip_middlewares(false)).build();
    let queue = desk.clone();
    server.use_middleware_later(move |_, _: Value, permit| queue.lock().unwrap().push(permit));
    server
}

#[test]
fn who_is_refused_keeps_the_session_and_may_try_again() {
    seeds(20, |seed| {
        let shards = *Random::new(seed).pick(&[1, 3]);
        let desk = Desk::default();
        let server = asked(shards, &desk);
        server.on_connect(|socket: &Socket| {
            socket.join("lobby");
        });
        let mut world = World::new(seed, shards, server);
        let mut first = None;
        for answer in [true, false, false, true] {
            let mut guest = Guest::open(&mut world);
            world.run_until_quiet();
            guest.listen();
            guest.sessions.extend(first.clone().map(|session| ("/", session)));
            guest.ask("/", true);
            world.run_until_quiet();
            let permit = desk.lock().unwrap().pop().expect("it is asked");
            if answer {
                permit.grant()
            } else {
                permit.refuse("no")
            }
            world.run_until_quiet();
            guest.listen();
            let expected = if answer { Place::Inside } else { Place::Outside };
            assert_eq!(guest.place("/"), expected);
            assert_eq!(guest.recovered, usize::from(answer && first.is_some()));
            first = guest.sessions.get("/").cloned();
            guest.lose(true);
            world.run_until_quiet();
        }
    });
}

#[test]
fn the_rooms_of_a_session_are_told_of_when_it_comes_back() {
    seeds(20, |seed| {
        let shards = *Random::new(seed).pick(&[1, 3]);
        let desk = Desk::default();
        let server = asked(shards, &desk);
        server.on_connect(|socket: &Socket| {
            if !socket.is_recovered() {
                socket.join("lobby");
            }
        });
        let told = Told::default();
        let tell = told.clone();
        let main: &Namespace = &server;
        main.on_room_event(move |event| tell.lock().unwrap().push((String::new(), event.clone())));
        let words = |told: &Told| {
            let all = std::mem::take(&mut *told.lock().unwrap());
            let word = |(_, event): (_, RoomEvent)| match event {
                RoomEvent::Created { room, .. } if *room == *"lobby" => Some("created"),
                RoomEvent::Joined { room, .. } if *room == *"lobby" => Some("joined"),
                RoomEvent::Left { room, .. } if *room == *"lobby" => Some("left"),
                RoomEvent::Deleted { room, .. } if *room == *"lobby" => Some("deleted"),
                _ => None,
            };
            all.into_iter().filter_map(word).collect::<Vec<_>>()
        };
        let mut world = World::new(seed, shards, server);
        let mut session = None;
        for round in 0..4 {
            let mut guest = Guest::open(&mut world);
            world.run_until_quiet();
            guest.listen();
            guest.sessions.extend(session.clone().map(|session| ("/", session)));
            guest.ask("/", true);
            world.run_until_quiet();
            // Before the middleware has decided it is in its rooms already.
            assert_eq!(words(&told), if round == 0 { &[][..] } else { &["created", "joined"] });
            desk.lock().unwrap().pop().expect("it is asked").grant();
            world.run_until_quiet();
            assert_eq!(words(&told), if round == 0 { &["created", "joined"][..] } else { &[] });
            guest.listen();
            session = guest.sessions.get("/").cloned();
            guest.lose(true);
            world.run_until_quiet();
            assert_eq!(words(&told), ["left", "deleted"]);
        }
    });
}

#[test]
fn nothing_is_kept_for_a_client_that_went_while_a_parent_thought() {
    let server = Server::builder().build();
    let decisions = Arc::new(Mutex::new(Vec::new()));
    let queue = decisions.clone();
    server.of_deciding(move |_, decision| queue.lock().unwrap().push(decision));
    let mut world = World::new(1, 1, server);
    let mut guest = Guest::open(&mut world);
    world.run_until_quiet();
    guest.listen();
    guest.ask("/room-1", false);
    world.run_until_quiet();
    assert_eq!(world.remains()[0][0], 1);
    guest.lose(true);
    world.run_until_quiet();
    assert_eq!(world.remains()[0][0], 0);
    // It comes too late, and makes nothing.
    decisions.lock().unwrap().drain(..).for_each(siomio::NamespaceDecision::allow);
    world.run_until_quiet();
    assert_eq!(world.population(), [[0; 5]]);
}
