//! Events arrive once and in order, whatever the transport.

use siomio_testkit::sim::{Lines, Plan, Policy, Random, SimClient, Tear, World, seeds};

use crate::talk::{self, Talker, talk};

/// A world with some clients that follow such plans.
pub(crate) fn run(seed: u64, shards: u8, plan: impl Fn(&mut Random) -> Plan) -> World {
    let mut random = Random::new(seed ^ 0x0bde);
    let (server, heard) = talk::server(talk::builder(shards, &mut random));
    let tear = Tear::any(&mut random);
    talk::set_luggage(tear);
    let mut world = World::with_tear(seed, shards, server, tear);
    let policies = [Policy::Fresh, Policy::KeepAlive(6), Policy::Pipelined];
    let mut talkers: Vec<Talker> = (0..random.between(1, 4))
        .map(|number| {
            let lines = Lines::new(*random.pick(&policies));
            Talker::new(SimClient::new(number, plan(&mut random), lines))
        })
        .collect();
    talk(&mut world, &mut talkers, &heard);
    world
}

fn upgrade(random: &mut Random) -> Plan {
    let (after, failures) = (random.below(talk::EVENTS as usize), random.below(3));
    Plan::Upgrade { after, failures }
}

#[test]
fn on_websocket() {
    seeds(60, |seed| drop(run(seed, [1, 4][seed as usize % 2], |_| Plan::WebSocket)));
}

#[test]
fn on_polling() {
    seeds(100, |seed| drop(run(seed, [1, 4][seed as usize % 2], |_| Plan::Polling)));
}

#[test]
fn across_an_upgrade_that_begins_anywhere() {
    seeds(200, |seed| drop(run(seed, [1, 4][seed as usize % 2], upgrade)));
}

#[test]
fn with_all_kinds_of_clients_together() {
    let any = |random: &mut Random| match random.below(3) {
        0 => Plan::WebSocket,
        1 => Plan::Polling,
        _ => upgrade(random),
    };
    seeds(60, |seed| drop(run(seed, [1, 2, 4, 7][seed as usize % 4], any)));
}
