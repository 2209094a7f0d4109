//! Calls of the operating system that fail, with any error and at any point of a connection's life: it costs the client whose connection it
//! was, at most, and its end is told of once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use siomio::{DisconnectReason, Namespace, Server, Socket};
use siomio_testkit::sim::{
    Actor, End, Lines, Plan, Policy, Random, SimClient, SimHttp, Tear, World, seeds,
};

use crate::talk::{self, EVENTS, Talker, so_far};

/// How often each socket has come, and why it went.
type Books = Arc<Mutex<BTreeMap<String, (u32, Vec<DisconnectReason>)>>>;

/// A client, and whether calls on its connections may fail.
struct Guest {
    talker: Talker,
    is_unlucky: bool,
}

impl Actor for Guest {
    fn act(&mut self, world: &mut World) -> bool {
        world.fail_one_in(if self.is_unlucky { 2 } else { 0 });
        let busy = self.talker.act(world);
        world.fail_one_in(0);
        busy
    }
}

fn keep_books(server: &Server) -> Books {
    let (books, main): (Books, &Namespace) = (Books::default(), server);
    let log = books.clone();
    main.on_connect(move |socket: &Socket| {
        log.lock().unwrap().entry(socket.id().to_string()).or_default().0 += 1;
    });
    let log = books.clone();
    main.on_disconnect(move |socket: &Socket, reason| {
        log.lock().unwrap().entry(socket.id().to_string()).or_default().1.push(reason);
    });
    books
}

fn guests(random: &mut Random) -> Vec<Guest> {
    let policies = [Policy::Fresh, Policy::KeepAlive(6), Policy::Pipelined];
    let guest = |number| {
        let plan = match random.below(4) {
            0 => Plan::Polling,
            1 => Plan::WebSocket,
            _ => Plan::Upgrade { after: random.below(EVENTS as usize), failures: random.below(2) },
        };
        let lines = Lines::new(*random.pick(&policies));
        let talker = Talker::new(SimClient::new(number, plan, lines));
        Guest { talker, is_unlucky: number % 2 == 1 }
    };
    (0..6).map(guest).collect()
}

/// Requests that are no client's: heads and bodies on their way, and answers of pages, pipelined.
const REQUESTS: [&str; 4] = [
    "GET /page HTTP/1.1\r\nHost: s\r\n\r\nGET /page HTTP/1.1\r\nHost: s\r\n\r\n",
    "POST /page HTTP/1.1\r\nHost: s\r\nContent-Length: 5000\r\n\r\n",
    "GET /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: s\r\n\r\n",
    "nonsense\r\n\r\n",
];

/// How many clients were cut off, of all that could be.
static CUT_OFF: AtomicUsize = AtomicUsize::new(0);

/// How many sessions that polled have ended with a poll, and not because nobody came any more.
static TOLD_AT_ONCE: AtomicUsize = AtomicUsize::new(0);

/// Longer than any deadline takes, and what follows it.
const EVERY_DEADLINE: Duration = Duration::from_secs(400);

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0xfa17);
    let shards = *random.pick(&[1, 4]);
    let (server, heard) = talk::server(talk::builder(shards, &mut random));
    let books = keep_books(&server);
    server.http(|_, response| response.text("x".repeat(3000)));
    let io = server.io();
    let tear = Tear::any(&mut random);
    talk::set_luggage(tear);
    let mut world = World::with_tear(seed, shards, server, tear);
    let mut guests = guests(&mut random);
    world.fail_one_in(1);
    let torsos: Vec<SimHttp> = (0..random.below(6))
        .map(|_| {
            let torso = SimHttp::connect(&mut world);
            torso.send(random.pick(&REQUESTS).as_bytes());
            torso
        })
        .collect();
    world.fail_one_in(0);

    let is_through = |guest: &Guest| {
        let all_heard = || so_far(&guest.talker.client, &heard).1.len() as u64 == EVENTS;
        let closed = guest.talker.client.closed();
        (guest.talker.is_done() && all_heard()) || (guest.is_unlucky && closed.is_some())
    };
    let done = world.drive(&mut guests, talk::SOON, |guests| guests.iter().all(is_through));
    let all: Vec<u64> = (0..EVENTS).collect();
    for Guest { talker, is_unlucky } in &guests {
        let (client, number) = (&talker.client, talker.client.number);
        let (received, heard) = so_far(client, &heard);
        if client.closed().is_some() && *is_unlucky {
            CUT_OFF.fetch_add(1, Ordering::Relaxed);
            assert!(all.starts_with(&received), "client {number} received {received:?}");
            assert!(all.starts_with(&heard), "the server heard {heard:?} of client {number}");
        } else {
            assert_eq!(client.closed(), None, "client {number}");
            assert_eq!(received, all, "client {number} received");
            assert_eq!(heard, all, "the server heard of client {number}");
        }
    }
    assert!(done, "in time");
    world.run_until_quiet();
    assert_eq!(world.failed_connections(), 0, "they are closed at once");
    for client in guests.iter().map(|guest| &guest.talker.client).filter(|it| it.closed().is_some())
    {
        let books = books.lock().unwrap();
        let reasons = client.id().map_or(&[][..], |id| &books[id].1);
        if client.plan() == Plan::WebSocket && client.id().is_some() {
            assert_eq!(reasons, [DisconnectReason::TransportError], "client {}", client.number);
        } else if client.plan() == Plan::Polling && !reasons.is_empty() {
            TOLD_AT_ONCE.fetch_add(1, Ordering::Relaxed);
        }
    }

    guests.iter_mut().for_each(|guest| guest.talker.client.hang_up(End::Fin));
    drop(torsos);
    world.advance(EVERY_DEADLINE);
    for (population, remains) in world.population().into_iter().zip(world.remains()) {
        assert_eq!(population, [0; 5], "connections, sessions, clients, sockets, raw WebSockets");
        assert_eq!(remains, [0; 4], "lookups, sessions, values, and who has moved");
    }
    assert_eq!(world.open_connections(), 0);
    let metrics = io.metrics();
    assert_eq!((metrics.panics, metrics.connections, metrics.buffered_bytes), (0, 0, 0));
    assert_eq!(metrics.violations, 0, "a fault is not the client's");
    for (id, (came, reasons)) in &*books.lock().unwrap() {
        assert_eq!((*came, reasons.len()), (1, 1), "{id} came and went: {reasons:?}");
        let is_sensible = matches!(
            reasons[0],
            DisconnectReason::TransportError
                | DisconnectReason::TransportClose
                | DisconnectReason::PingTimeout
        );
        assert!(is_sensible, "{id}: {reasons:?}");
    }
}

#[test]
fn that_were_only_interrupted_cost_nothing() {
    seeds(60, |seed| {
        let mut random = Random::new(seed ^ 0xe117);
        let shards = *random.pick(&[1, 4]);
        let (server, heard) = talk::server(talk::builder(shards, &mut random));
        let tear = Tear::any(&mut random);
        talk::set_luggage(tear);
        let mut world = World::with_tear(seed, shards, server, tear);
        world.interrupt_all();
        let mut talkers: Vec<_> =
            guests(&mut random).into_iter().map(|guest| guest.talker).collect();
        talk::talk(&mut world, &mut talkers, &heard);
    });
}

#[test]
fn cost_nobody_else_anything_and_leave_nothing() {
    seeds(300, run);
    assert!(CUT_OFF.load(Ordering::Relaxed) > 0, "somebody suffers");
    assert!(TOLD_AT_ONCE.load(Ordering::Relaxed) > 0, "a poll that fails is noticed");
}
