//! An upgrade needs no help: nothing has to be said, and no time to pass, for it to come about.

use std::time::Duration;

use siomio::{Ack, Server, Socket};
use siomio_testkit::sim::{Lines, Plan, Policy, Random, SimClient, World, seeds};

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0x0195);
    let shards = *random.pick(&[1, 4]);
    let server = Server::builder().shards(shards).build();
    server.on("echo", |_: &Socket, number: u64, ack: Ack| ack.send(number));
    let mut world = World::new(seed, shards, server);
    let policies = [Policy::Fresh, Policy::KeepAlive(6), Policy::Pipelined];
    let mut clients: Vec<SimClient> = (0..random.between(1, 4))
        .map(|number| {
            let plan = Plan::Upgrade { after: 0, failures: random.below(3) };
            SimClient::new(number, plan, Lines::new(*random.pick(&policies)))
        })
        .collect();
    // Far less than any heartbeat or timeout takes.
    let soon = Duration::from_secs(2);
    let done =
        world.drive(&mut clients, soon, |clients| clients.iter().all(SimClient::is_on_websocket));
    assert!(done, "all have upgraded");
    clients.iter_mut().for_each(|client| client.emit_with_ack(1, r#"["echo",7]"#));
    let done = world.drive(&mut clients, soon, |clients| {
        clients.iter().all(|client| client.received.iter().any(|event| event.json == "[7]"))
    });
    assert!(done, "all are heard and answered");
}

#[test]
fn comes_about_in_silence() {
    seeds(300, run);
}
