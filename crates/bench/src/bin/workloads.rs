//! Fixed work for counting instructions: `workloads NAME TIMES`. See `crates/bench/instructions`.

use std::env;

use siomio_bench::{
    http,
    memory::World,
    subject::{Handlers, server},
    wire::Exchange,
};

/// What there is, for `workloads list`.
const NAMES: [&str; 10] = [
    "echo-16",
    "echo-16-alone",
    "echo-1024",
    "string-1024",
    "object-1024",
    "binary-1024",
    "ack-16",
    "broadcast-64",
    "join",
    "polling-16",
];

fn main() {
    let mut args = env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let times = args.next().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    match &*name {
        "echo-16" => exchange(Handlers::Args, &Exchange::echo(16), 8, times),
        "echo-16-alone" => exchange(Handlers::Args, &Exchange::echo(16), 1, times),
        "echo-1024" => exchange(Handlers::Args, &Exchange::echo(1024), 8, times),
        "string-1024" => exchange(Handlers::String, &Exchange::echo(1024), 8, times),
        "object-1024" => exchange(Handlers::Struct, &Exchange::object(1024), 8, times),
        "binary-1024" => exchange(Handlers::Args, &Exchange::binary(1024), 8, times),
        "ack-16" => exchange(Handlers::Args, &Exchange::ack(16), 8, times),
        "broadcast-64" => broadcast(times),
        "join" => join(times),
        "polling-16" => polling(times),
        _ => NAMES.iter().for_each(|name| println!("{name}")),
    }
}

/// So many exchanges, with so many in a turn on each of 16 connections.
fn exchange(handlers: Handlers, exchange: &Exchange, in_flight: usize, times: usize) {
    const CLIENTS: usize = 16;
    let mut world = World::new(&server(1, handlers));
    let clients: Vec<_> = (0..CLIENTS).map(|_| world.join()).collect();
    let before = world.received(0);
    let request = exchange.request.repeat(in_flight);
    let turns = times / (CLIENTS * in_flight);
    for _ in 0..turns {
        clients.iter().for_each(|client| world.say(*client, &request));
        world.turn();
    }
    let received = world.received(0) - before;
    assert_eq!(received, turns * in_flight * exchange.reply.len(), "everything was answered");
}

/// So many deliveries, to 100 clients.
fn broadcast(times: usize) {
    const CLIENTS: usize = 100;
    let (exchange, mut world) = (Exchange::broadcast(64), World::new(&server(1, Handlers::Args)));
    let clients: Vec<_> = (0..CLIENTS).map(|_| world.join()).collect();
    let before = world.received(clients[1]);
    for _ in 0..times / CLIENTS {
        world.say(clients[0], &exchange.request);
        world.turn();
    }
    let received = world.received(clients[1]) - before;
    assert_eq!(received, times / CLIENTS * exchange.reply.len());
}

/// So many clients come and join.
fn join(times: usize) {
    let mut world = World::new(&server(1, Handlers::Args));
    for _ in 0..times {
        let client = world.join();
        assert!(world.received(client) > 200, "it was let in");
        world.leave(client);
    }
}

/// So many exchanges on long-polling, a GET and a POST each, with one in a turn for each of 16 clients.
fn polling(times: usize) {
    const CLIENTS: usize = 16;
    let mut world = World::new(&server(1, Handlers::Args));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (gets, posts, target) = world.join_by_polling();
            let post = http::post(&target, "42[\"message\",\"sixteen letters.\"]");
            (gets, posts, http::get(&target), post)
        })
        .collect();
    for _ in 0..times / CLIENTS {
        for (gets, posts, get, post) in &clients {
            world.say(*gets, get);
            world.say(*posts, post);
        }
        world.turn();
    }
    for (gets, posts, ..) in &clients {
        assert!(world.heard(*gets).ends_with(b"\r\n\r\n42[\"message-back\",\"sixteen letters.\"]"));
        assert!(world.heard(*posts).ends_with(b"ok"));
    }
}
