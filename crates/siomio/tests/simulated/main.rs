//! Whole servers on a simulated network: the very shards that run on real sockets, with every byte, event and turn in an
//! order that a seed chooses.
//!
//! A failure prints its seed and what happened last. `SIM_SEED=7 cargo test -p siomio --test simulated order` runs one seed,
//! `SIM_TRACE=1` shows the whole trace, and `SIM_TIMES=100` runs a hundred times as many seeds.

mod adoption;
mod binary;
mod books;
mod clockwork;
mod deadlines;
mod decisions;
mod entrances;
mod fairness;
mod faults;
mod flood;
mod handles;
mod hostile;
mod limits;
mod lives;
mod order;
mod pipeline;
mod proxy;
mod raw;
mod replay;
mod returns;
mod sessions;
mod talk;
mod upgrade;

use siomio_testkit::sim::{SimWs, World};

/// A client on WebSocket that has joined the main namespace, and has read all that came of it.
fn join(world: &mut World) -> SimWs {
    let mut client = SimWs::connect(world, "/socket.io/?EIO=4&transport=websocket");
    world.run_until_quiet();
    client.send("40");
    world.run_until_quiet();
    while client.poll().is_some() {}
    client
}
