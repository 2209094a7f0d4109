//! Everything at once: clients that poll, upgrade, talk, listen to rooms, send attachments, misbehave, go in any way and come back, alone or
//! behind a proxy; and everything is checked that has to hold of all of them.
//!
//! - A socket is opened once and closed once, and nothing is heard of it before or after.
//! - What a client says is heard once, in order, and without gaps as long as its connection lasts.
//! - What goes to rooms arrives once, in order and without gaps, from when the client is in its rooms until it leaves for good: also over
//!   connections that were lost, if it comes back with its session, which it can.
//! - Whoever asks a client for an acknowledgement is told once what came of it.
//! - Attachments stay with their event, and come back as they were.
//! - What waits for clients stays within its limit.
//! - When all are gone, nothing is left of them.

mod ledger;
mod life;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use siomio::{Ack, Binary, Io, Recovery, Server, ServerBuilder, Socket};
use siomio_testkit::sim::{Lines, Policy, Random, Tear, World, seeds};

use self::{
    ledger::Ledger,
    life::{Life, Start},
};

pub(crate) const ROOMS: [&str; 3] = ["a", "b", "c"];
/// More than may happen between two looks, on any network.
const MAX_BUFFERED: usize = 256 * 1024;

fn builder(shards: u8, random: &mut Random) -> ServerBuilder {
    Server::builder()
        .shards(shards)
        .ping_interval(Duration::from_millis(random.between(50, 500) as u64))
        .ping_timeout(Duration::from_millis(random.between(2000, 4000) as u64))
        .max_buffered(MAX_BUFFERED)
        .recovery(Recovery::new())
}

fn server(builder: ServerBuilder, ledger: &Ledger) -> Server {
    let server = builder.build();
    let book = ledger.clone();
    server.on_connect(move |socket: &Socket| {
        book.open(&socket.id(), socket.is_recovered());
        if !socket.is_recovered() {
            let mut random = Random::new(socket.id().bytes().map(u64::from).sum());
            let mut rooms = ROOMS;
            random.shuffle(&mut rooms);
            let rooms = &rooms[..random.between(1, ROOMS.len())];
            socket.join(rooms);
            let _ = socket.emit("rooms", rooms.join(","));
        }
        assert!(socket.rooms().len() > 1, "its own and others");
    });
    let book = ledger.clone();
    server.on_disconnect(move |socket: &Socket, _| book.close(&socket.id()));
    let book = ledger.clone();
    server.on("say", move |socket: &Socket, first: u64, number: u64, ack: Ack| {
        book.hear(&socket.id(), first, number);
        ack.send(number);
    });
    server.on("mirror", |socket: &Socket, number: u64, cargo: Vec<Binary>| {
        let _ = socket.emit("mirrored", (number, cargo));
    });
    let book = ledger.clone();
    server.on("ask", move |socket: &Socket, is_patient: bool| {
        let (number, own) = (book.ask(), book.clone());
        let time = Duration::from_millis(if is_patient { 60_000 } else { 20 });
        let reply = socket.emit_with_ack("question", number, time);
        reply.on_reply(move |answer| own.answer(number, answer.ok()));
    });
    server.on("leave", |socket: &Socket| socket.disconnect(false));
    server.on("close", |socket: &Socket| socket.disconnect(true));
    server
}

/// Limits hold after every look at them.
fn check_limits(io: &Io, lives: &[Life]) {
    let metrics = io.metrics();
    // One connection more than clients for each client: some are lost, and the server has not heard of it.
    let most = (metrics.connections as usize).max(lives.len()) * 2 * MAX_BUFFERED;
    assert!(metrics.buffered_bytes as usize <= most, "{} bytes wait", metrics.buffered_bytes);
}

fn run(seed: u64, is_proxied: bool) {
    let mut random = Random::new(seed ^ 0x11f3);
    let shards = *random.pick(&[1, 2, 4]);
    let ledger = Ledger::default();
    let server = server(builder(shards, &mut random), &ledger);
    let io = server.io();
    let mut world = World::with_tear(seed, shards, server, Tear::any(&mut random));
    let count = random.between(2, 6);
    let shared = is_proxied.then(|| {
        let policy = [Policy::KeepAlive(4 * count), Policy::Pipelined];
        Lines::new(*random.pick(&policy))
    });
    let mut lives: Vec<Life> = (0..count)
        .map(|number| {
            let start = Start {
                number: number as u64,
                deeds: random.between(10, 60),
                lines: shared.clone(),
            };
            Life::new(start, random.fork(), io.clone(), ledger.clone())
        })
        .collect();
    while lives.iter().any(Life::has_plans) {
        world.drive(&mut lives, Duration::from_millis(40), |lives| {
            !lives.iter().any(Life::has_plans)
        });
        check_limits(&io, &lives);
    }
    let minute = Duration::from_secs(60);
    let is_settled = world.drive(&mut lives, minute, |lives| lives.iter().all(Life::is_settled));
    for life in &lives {
        life.check();
    }
    assert!(is_settled, "everything has arrived in time");
    RETURNS.fetch_add(lives.iter().map(|life| life.returns).sum(), Ordering::Relaxed);
    lives.iter_mut().for_each(Life::end);
    world.advance(10 * minute);
    ledger.check_closed();
    ledger.check_answered();
    assert_eq!(world.open_connections(), 0);
    for (population, remains) in world.population().into_iter().zip(world.remains()) {
        assert_eq!((population, remains), ([0; 5], [0; 4]));
    }
    assert_eq!(io.metrics().buffered_bytes, 0);
}

/// How many came back with their sessions, in the runs so far.
static RETURNS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn of_clients_that_come_as_they_are() {
    seeds(1000, |seed| run(seed, false));
    if std::env::var_os("SIM_SEED").is_none() {
        assert!(RETURNS.load(Ordering::Relaxed) > 1000, "many come back");
    }
}

#[test]
fn of_clients_behind_a_proxy() {
    seeds(500, |seed| run(seed, true));
}
