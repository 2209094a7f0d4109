//! Events that are a lot of work keep nobody waiting but those who sent them.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{Server, Socket};
use siomio_testkit::{
    sim::{Clock, SimWs, Tear, World, seeds},
    ws::Got,
};

use crate::join;

/// A network with room for much.
const WIDE: Tear = Tear { delivery: usize::MAX, window: 1 << 24, ..Tear::NONE };

thread_local! {
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Is busy for so long; the world's clock is that of the thread.
fn work(time: Duration) {
    CLOCK.with_borrow(|clock| {
        let clock = clock.as_ref().expect("a world");
        clock.set(clock.now() + time);
    });
}

fn world(seed: u64, shards: u8, server: Server) -> World {
    let world = World::with_tear(seed, shards, server, WIDE);
    CLOCK.set(Some(world.clock()));
    world
}

fn heard(client: &mut SimWs) -> impl Iterator<Item = String> + '_ {
    std::iter::from_fn(|| client.poll()).filter_map(|got| match got {
        Got::Text(text) => Some(text),
        _ => None,
    })
}

#[test]
fn what_takes_long_is_worked_on_in_parts() {
    seeds(20, in_parts);
}

fn in_parts(seed: u64) {
    const MANY: usize = 2000;
    let server = Server::builder().shards(1).build();
    let done = Arc::new(Mutex::new(Vec::new()));
    let log = done.clone();
    server.on("work", move |_: &Socket, number: usize| {
        work(Duration::from_millis(1));
        log.lock().unwrap().push(number);
    });
    server.on("ask", |socket: &Socket| {
        socket.emit("answer", ());
    });
    let mut world = world(seed, 1, server);
    let (busy, mut lone) = (join(&mut world), join(&mut world));
    (0..MANY).for_each(|number| busy.send(&format!("42[\"work\",{number}]")));
    lone.send("42[\"ask\"]");
    while !heard(&mut lone).any(|text| text == "42[\"answer\"]") {
        assert!(world.step(), "it is answered");
    }
    // Both may be read in either order, and all that has come of one is read at once.
    let so_far = done.lock().unwrap().len();
    assert!(so_far <= MANY / 4, "{so_far} were worked on first");
    world.advance(Duration::from_secs(1));
    assert!(done.lock().unwrap().iter().copied().eq(0..MANY), "all of it, in order");
}

#[test]
fn what_is_passed_on_waits_with_the_one_who_brings_it_and_not_elsewhere() {
    seeds(3, where_it_comes_from);
}

fn where_it_comes_from(seed: u64) {
    const MANY: usize = 20_000;
    let server = Server::builder().shards(2).build();
    server.on("join", |socket: &Socket| {
        socket.join("members");
        // Whatever is sent to one of these takes its time.
        socket.on_any_outgoing(|_, _| work(Duration::from_micros(100)));
    });
    server.on("tell", |socket: &Socket, number: usize| {
        socket.to("members").emit("told", number);
    });
    server.on("ask", |socket: &Socket| {
        socket.emit("answer", ());
    });
    let io = server.io();
    let mut world = world(seed, 2, server);
    let (busy, mut member) = (join(&mut world), join(&mut world));
    let (mut beside, mut lone) = (join(&mut world), join(&mut world));
    let sockets = io.metrics().shards.iter().map(|shard| shard.sockets).collect::<Vec<_>>();
    assert_eq!(sockets, [2, 2], "busy and beside here, member and lone there");
    member.send("42[\"join\"]");
    world.run_until_quiet();

    (0..MANY).for_each(|number| busy.send(&format!("42[\"tell\",{number}]")));
    let (mut told, mut most) = (Vec::new(), 0);
    let mut asked = [None; 2];
    let end = world.now() + Duration::from_secs(10);
    while told.len() < MANY {
        for (client, asked) in [&mut beside, &mut lone].into_iter().zip(&mut asked) {
            let since = *asked.get_or_insert_with(|| {
                client.send("42[\"ask\"]");
                world.now()
            });
            let waits = world.now() - since;
            assert!(waits < Duration::from_millis(200), "somebody is kept waiting for {waits:?}");
            if heard(client).any(|text| text == "42[\"answer\"]") {
                *asked = None;
            }
        }
        if !world.step() {
            assert!(world.tick(end), "only {} of them have come", told.len());
        }
        most = most.max(io.metrics().shards.iter().map(|shard| shard.mailbox_depth).max().unwrap());
        told.extend(heard(&mut member));
    }
    assert!(most <= 4200, "{most} letters were waiting");
    let wanted = (0..MANY).map(|number| format!("42[\"told\",{number}]"));
    assert!(told.into_iter().eq(wanted), "each once and in order");
}

#[test]
fn mail_that_comes_while_there_is_more_than_gets_done_is_not_left_lying() {
    const BATCHES: usize = 10;
    const BATCH: usize = 50;
    let server = Server::builder().shards(1).build();
    let handle = Arc::new(Mutex::new(None));
    let slot = handle.clone();
    server.on_connect(move |socket: &Socket| *slot.lock().unwrap() = Some(socket.handle()));
    let mut world = world(1, 1, server);
    let _member = join(&mut world);
    let handle = handle.lock().unwrap().take().expect("it has joined");
    let done = Arc::new(Mutex::new(Vec::new()));
    for batch in 0..BATCHES {
        // From outside of the shard, as other threads do; and nothing goes over the network.
        for number in 0..BATCH {
            let log = done.clone();
            handle.run(move |_| {
                work(Duration::from_millis(1));
                log.lock().unwrap().push(batch * BATCH + number);
            });
        }
        world.step();
    }
    // No time passes but what the work takes.
    world.run_until_quiet();
    assert!(done.lock().unwrap().iter().copied().eq(0..BATCHES * BATCH), "each once and in order");
}
