//! A binary event and its attachments stay together, whoever else sends at the same time.

use siomio::{Binary, Io, Server, Socket};
use siomio_testkit::sim::{
    Actor, Lines, Plan, Policy, Random, Received, SimClient, Tear, World, seeds,
};

use crate::talk::SOON;

const CLIENTS: usize = 4;
/// Broadcasts that each client asks for, and as many that come from outside of all shards.
const SHOUTS: u64 = 5;

/// What a broadcast carries follows from who sends it and its number.
fn cargo(from: u64, number: u64, largest: usize) -> Vec<Vec<u8>> {
    let mut random = Random::new(from << 32 | number);
    let sizes =
        [0, 1, 125, 126, 600, 4095, 4096, 9000, 70_000].map(|size: usize| size.min(largest));
    (0..random.below(4)).map(|_| vec![random.number() as u8; *random.pick(&sizes)]).collect()
}

fn shout(io: &Io, from: u64, number: u64, largest: usize) {
    let cargo: Vec<Binary> = cargo(from, number, largest).into_iter().map(Binary::from).collect();
    let _ = io.emit("b", (from, number, cargo));
}

fn server(shards: u8, largest: usize) -> Server {
    let server = Server::builder().shards(shards).build();
    server.on("shout", move |socket: &Socket, from: u64, number: u64| {
        // Other packets in between, to one and to all.
        let _ = socket.emit("alone", (Binary::from(vec![1; 10]), Binary::from(vec![2; 200])));
        shout(&socket.io(), from, number, largest);
        let _ = socket.broadcast().emit("text", number);
    });
    server
}

struct Shouter {
    client: SimClient,
    /// Everybody is there.
    may_shout: bool,
    shouted: [u64; 2],
    outside: Io,
    largest: usize,
}

impl Actor for Shouter {
    fn act(&mut self, world: &mut World) -> bool {
        let side = if self.shouted[0] < SHOUTS { world.random.below(2) } else { 1 };
        let may_shout = self.may_shout && self.shouted[side] < SHOUTS;
        if may_shout && (world.random.one_in(6) || !self.client.act(world)) {
            let (from, number) = (self.client.number as u64, self.shouted[side]);
            self.shouted[side] += 1;
            if side == 0 {
                self.client.emit(&format!(r#"["shout",{from},{number}]"#));
            } else {
                // No shard has its turn: it is as if another thread did it.
                shout(&self.outside, from + CLIENTS as u64, number, self.largest);
            }
            return true;
        }
        self.client.act(world)
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0xb1);
    let (shards, tear) = (*random.pick(&[1, 4]), Tear::any(&mut random));
    let largest = match tear.throughput() {
        0..20 => 130,
        20..800 => 4096,
        _ => usize::MAX,
    };
    let server = server(shards, largest);
    let outside = server.io();
    let mut world = World::with_tear(seed, shards, server, tear);
    let mut shouters: Vec<Shouter> = (0..CLIENTS)
        .map(|number| {
            let plan = match random.below(3) {
                0 => Plan::Polling,
                1 => Plan::WebSocket,
                _ => Plan::Upgrade { after: random.below(60), failures: random.below(2) },
            };
            let client = SimClient::new(number, plan, Lines::new(Policy::KeepAlive(6)));
            Shouter { client, may_shout: false, shouted: [0; 2], outside: outside.clone(), largest }
        })
        .collect();
    let all = |shouters: &[Shouter], is: fn(&Shouter) -> bool| shouters.iter().all(is);
    assert!(
        world.drive(&mut shouters, SOON, |shouters| all(shouters, |one| one.client.id().is_some()))
    );
    shouters.iter_mut().for_each(|shouter| shouter.may_shout = true);
    let done = world.drive(&mut shouters, SOON, |shouters| {
        all(shouters, |one| {
            let shouts =
                one.client.received.iter().filter(|event| event.json.starts_with(r#"["b""#));
            shouts.count() as u64 == 2 * SHOUTS * CLIENTS as u64
        })
    });
    for Shouter { client, .. } in &shouters {
        assert_eq!(client.closed(), None);
        check(client, largest);
    }
    assert!(done, "all was heard in time");
}

/// The client itself has made sure that nothing comes between an event and its attachments.
fn check(client: &SimClient, largest: usize) {
    let mut next = [0; 2 * CLIENTS];
    for Received { json, attachments, .. } in &client.received {
        if json.starts_with(r#"["alone""#) {
            assert_eq!(*attachments, [vec![1; 10], vec![2; 200]]);
        } else if json.starts_with(r#"["text""#) {
            assert!(attachments.is_empty());
        } else {
            let (_, from, number, places): (String, usize, u64, Vec<serde::de::IgnoredAny>) =
                serde_json::from_str(json).unwrap();
            assert_eq!(number, next[from], "client {} hears {from}", client.number);
            next[from] += 1;
            assert_eq!(places.len(), attachments.len());
            assert!(*attachments == cargo(from as u64, number, largest), "{from} {number}");
        }
    }
}

#[test]
fn attachments_stay_with_their_events() {
    seeds(60, run);
}
