//! Shards over a simulated network.
//!
//! A [`World`] runs the very shards of a server, all on one thread, on a clock that stands still until it is told to move.
//! Bytes travel over [`Wire`]s that cut them anywhere and take their time; events come late, twice, or for connections that
//! are gone; where a test asks for it, calls fail as those of an operating system do. Every choice comes from one seed, so a failure can be replayed: it prints its seed and its trace.
//!
//! ```text
//!   SimClient ─ Lines ─ SimHttp ─┐                          ┌─ Shard 0
//!        └───── SimWs ───────────┴─ Wire ═ Link ═ SimStream ┼─ Shard 1      door: first line ► shard
//!                                                           └─ …
//! ```

mod client;
mod clock;
mod door;
mod drive;
mod fault;
mod http;
mod lines;
mod link;
mod random;
mod stream;
mod tear;
mod trace;
mod wire;
mod world;
mod ws;

pub use self::{
    client::{Plan, Received, SimClient, Welcome},
    clock::{Clock, SimEnvironment},
    drive::{Actor, seeds},
    http::SimHttp,
    lines::{Lines, Policy},
    link::End,
    random::Random,
    stream::SimStream,
    tear::Tear,
    trace::Trace,
    wire::Wire,
    world::World,
    ws::SimWs,
};
