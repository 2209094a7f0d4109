//! What waits for those who read nothing stays within its limit after every step, and costs nobody else anything.

use siomio::{Overflow, Server, Socket};
use siomio_testkit::{
    sim::{Random, Tear, World, seeds},
    ws::Got,
};

use crate::join;

/// The longest text of an event, and what its frame and packet add at most.
const LONGEST: usize = 2000;
const AROUND: usize = 64;
const DEAF: usize = 3;

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0x11417);
    let shards = *random.pick(&[1, 2]);
    let max_buffered = random.between(4 * LONGEST, 12 * LONGEST);
    let stays = random.one_in(2);
    let server = Server::builder()
        .shards(shards)
        .high_water(max_buffered / 2)
        .max_buffered(max_buffered)
        .overflow(if stays { Overflow::DropNewest } else { Overflow::Disconnect })
        .build();
    server.on("say", |socket: &Socket, number: usize, text: String| {
        socket.namespace().emit("said", (number, text));
    });
    let io = server.io();
    let tear = Tear { window: 4 * LONGEST, ..Tear::any(&mut random) };
    let mut world = World::with_tear(seed, shards, server, tear);
    let _deaf: Vec<_> = (0..DEAF).map(|_| join(&mut world)).collect();
    let mut others = [join(&mut world), join(&mut world)];

    let most = (DEAF + others.len()) * (max_buffered + LONGEST + AROUND);
    for number in 0..60 {
        let text = "x".repeat(random.below(LONGEST));
        others[0].send(&format!("42[\"say\",{number},\"{text}\"]"));
        let wanted = Got::Text(format!("42[\"said\",{number},\"{text}\"]"));
        let mut missing = vec![0, 1];
        while !missing.is_empty() {
            missing.retain(|place: &usize| match others[*place].poll() {
                None => true,
                Some(got) => {
                    assert!(got == wanted, "{got:?} in place of {number}");
                    false
                }
            });
            if !missing.is_empty() {
                assert!(world.step(), "{number} does not come");
            }
            let waits = io.metrics().buffered_bytes as usize;
            assert!(waits <= most, "{waits} bytes wait, and {most} may");
        }
    }
    world.run_until_quiet();
    let left = io.metrics().total.sockets as usize;
    assert_eq!(left, others.len() + if stays { DEAF } else { 0 }, "too much waits for the deaf");
}

#[test]
fn of_what_waits_hold_after_every_step() {
    seeds(60, run);
}
