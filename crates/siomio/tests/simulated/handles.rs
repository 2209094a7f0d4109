//! One thread has one order, whatever mixture of handles it uses.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use siomio::{Ack, Server, Socket, SocketHandle};
use siomio_testkit::sim::{Actor, Lines, Plan, Policy, Random, Received, SimClient, World, seeds};

use crate::talk::SOON;

const CLIENTS: usize = 4;
/// Rounds that each client asks for.
const ROUNDS: u64 = 6;
/// Ways to reach a client, the acknowledgement aside.
const WAYS: usize = 6;

type Handles = Arc<Mutex<BTreeMap<u64, SocketHandle>>>;

/// On `go` from client `from`, the handler says numbers to everybody: itself by each of its handles, the others by those
/// that reach them. Everybody hears `["n",from,k]` with k = 0, 1, 2, … and who asked hears the acknowledgement among them.
fn server(shards: u8) -> Server {
    let server = Server::builder().shards(shards).build();
    let handles = Handles::default();
    server.on("hello", move |socket: &Socket, client: u64, ack: Ack| {
        handles.lock().unwrap().insert(client, socket.handle());
        socket.join("room");
        let handles = handles.clone();
        socket.data().insert((client, handles, 0_u64));
        ack.send(());
    });
    server.on("go", |socket: &Socket, round: u64, ack: Ack| {
        let Some((client, handles, mut next)) = socket.data().get::<(u64, Handles, u64)>() else {
            return;
        };
        let handles = handles.lock().unwrap().clone();
        let mut random = Random::new(client << 32 | round);
        let mut ways: Vec<usize> = (0..WAYS).collect();
        random.shuffle(&mut ways);
        let (mut ack, mut turn) = (Some(ack), random.below(WAYS));
        for way in ways {
            if turn == 0 {
                ack.take().into_iter().for_each(|ack| ack.send(next));
            }
            turn = turn.wrapping_sub(1);
            let number = (client, next);
            match way {
                // To oneself first or last, to the others each: every client gets each number once.
                0 => {
                    let _ = socket.emit("n", number);
                    let _ = socket.broadcast().emit("n", number);
                }
                1 => drop(socket.io().emit("n", number)),
                2 => drop(socket.namespace().to("room").emit("n", number)),
                3 => handles.values().for_each(|handle| drop(handle.emit("n", number))),
                4 => handles.values().for_each(|handle| {
                    let _ = socket.io().to(handle.id().to_string()).emit("n", number);
                }),
                _ => {
                    let _ = socket.handle().to("room").emit("n", number);
                    let _ = socket.handle().emit("n", number);
                }
            }
            next += 1;
        }
        ack.take().into_iter().for_each(|ack| ack.send(next));
        socket.data().update(|data: &mut (u64, Handles, u64)| data.2 = next);
    });
    server
}

struct Asker {
    client: SimClient,
    /// Everybody is there.
    may_ask: bool,
    asked: u64,
}

impl Actor for Asker {
    fn act(&mut self, world: &mut World) -> bool {
        let may_ask = self.may_ask && self.asked < ROUNDS;
        if may_ask && (world.random.one_in(6) || !self.client.act(world)) {
            self.client.emit_with_ack(1 + self.asked, &format!(r#"["go",{}]"#, self.asked));
            self.asked += 1;
            return true;
        }
        self.client.act(world)
    }
}

fn run(seed: u64, shards: u8) {
    let mut random = Random::new(seed ^ 0x4a4d);
    let mut world = World::new(seed, shards, server(shards));
    let mut askers: Vec<Asker> = (0..CLIENTS)
        .map(|number| {
            let plan = match random.below(3) {
                0 => Plan::Polling,
                1 => Plan::WebSocket,
                _ => Plan::Upgrade { after: random.below(50), failures: random.below(2) },
            };
            let mut client = SimClient::new(number, plan, Lines::new(Policy::KeepAlive(6)));
            client.emit_with_ack(0, &format!(r#"["hello",{number}]"#));
            Asker { client, may_ask: false, asked: 0 }
        })
        .collect();
    let all_hear = |askers: &[Asker], count: usize| {
        askers.iter().all(|asker| asker.client.received.len() >= count)
    };
    assert!(world.drive(&mut askers, SOON, |askers| all_hear(askers, 1)), "all are there");
    askers.iter_mut().for_each(|asker| asker.may_ask = true);
    let numbers = ROUNDS as usize * WAYS;
    let count = 1 + numbers * CLIENTS + ROUNDS as usize;
    let done = world.drive(&mut askers, SOON, |askers| all_hear(askers, count));
    for Asker { client, .. } in &askers {
        assert_eq!(client.closed(), None);
        check(client, &client.received[1..]);
    }
    assert!(done, "all was heard in time");
}

/// Each client's numbers come in order, and an acknowledgement behind as many of one's own as were said before it.
fn check(client: &SimClient, received: &[Received]) {
    let mut next = [0; CLIENTS];
    for event in received {
        match event.ack {
            Some(_) => {
                assert_eq!(event.json, format!("[{}]", next[client.number]), "{:?}", event.ack);
            }
            None => {
                let (_, from, number): (String, usize, u64) =
                    serde_json::from_str(&event.json).unwrap();
                assert_eq!(number, next[from], "client {} hears client {from}", client.number);
                next[from] += 1;
            }
        }
    }
}

#[test]
fn keep_one_order_on_one_shard() {
    seeds(100, |seed| run(seed, 1));
}

#[test]
fn keep_one_order_on_four_shards() {
    seeds(200, |seed| run(seed, 4));
}
