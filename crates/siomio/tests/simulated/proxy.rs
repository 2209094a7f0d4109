//! A proxy: the requests of several clients come over a few connections, in any mixture.

use std::time::Duration;

use siomio_testkit::sim::{Lines, Plan, Policy, Random, SimClient, Tear, World, seeds};

use crate::talk::{self, Talker, talk};

const CLIENTS: usize = 5;

fn run(seed: u64, policy: Policy, plan: impl Fn(&mut Random) -> Plan) {
    let mut random = Random::new(seed ^ 0x9804);
    let tear = Tear::any(&mut random);
    talk::set_luggage(tear);
    let interval = Duration::from_millis(random.between(10, 100) as u64);
    let builder = siomio::Server::builder().shards(4).ping_interval(interval);
    let (server, heard) = talk::server(builder);
    let mut world = World::with_tear(seed, 4, server, tear);
    let lines = Lines::new(policy);
    let client = |number| {
        Talker::new(SimClient::new(number, plan(&mut random), lines.clone()).with_entrance())
    };
    let mut talkers: Vec<Talker> = (0..CLIENTS).map(client).collect();
    talk(&mut world, &mut talkers, &heard);
    let homes = world.population().iter().filter(|[_, sessions, ..]| *sessions > 0).count();
    assert!(homes > 1, "the sessions live on several shards");
}

/// Every GET may wait for long, so it takes one connection more than there are clients for a POST to get through.
#[test]
fn that_keeps_connections_alive() {
    seeds(80, |seed| run(seed, Policy::KeepAlive(CLIENTS + 1), |_| Plan::Polling));
}

/// A GET waits for the one in front of it to be answered, which a heartbeat does at the latest.
#[test]
fn that_pipelines() {
    seeds(80, |seed| run(seed, Policy::Pipelined, |_| Plan::Polling));
}

#[test]
fn whose_clients_leave_it_for_websockets() {
    let plan = |random: &mut Random| match random.below(2) {
        0 => Plan::Polling,
        _ => {
            Plan::Upgrade { after: random.below(talk::EVENTS as usize), failures: random.below(2) }
        }
    };
    seeds(60, |seed| {
        let policy = [Policy::KeepAlive(CLIENTS + 1), Policy::Pipelined][seed as usize % 2];
        run(seed, policy, plan);
    });
}
