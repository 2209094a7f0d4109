//! Running the shards on threads of the operating system.

mod door;
mod event_loop;
mod listen;
mod listeners;
mod os;

use std::{
    io,
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use self::{door::Door, event_loop::EventLoop};
use crate::{Io, shared::Shared};

pub(crate) use self::listen::bind;

/// Connections on their way to a shard.
type Arrivals = Arc<[Mutex<Vec<crate::shard::Adopted<os::Connection>>>]>;

/// Runs a server until it is closed: on this thread alone, or with one thread for each shard and this one accepting.
pub(crate) fn run(shared: &Arc<Shared>, listeners: Vec<TcpListener>) -> io::Result<()> {
    if !shared.start() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "this server runs, or has run, already",
        ));
    }
    let shards = shared.shards();
    let arrivals: Arrivals = (0..shards).map(|_| Mutex::default()).collect();
    let io = Io::new(shared.clone());
    if shards == 1 {
        return EventLoop::new(&io, 0, arrivals, listeners)?.run();
    }
    let door = Door::new(&io, arrivals.clone(), listeners)?;
    let threads: Vec<_> = (0..shards)
        .map(|index| {
            let (io, arrivals) = (io.clone(), arrivals.clone());
            let run = move || EventLoop::new(&io, index, arrivals, Vec::new())?.run();
            thread::Builder::new().name(format!("siomio-{index}")).spawn(run)
        })
        .collect::<Result<_, _>>()?;
    let outcome = door.run();
    let outcomes = threads.into_iter().map(|thread| {
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread of a shard panicked")))
    });
    // Wait for all, then tell the first that failed.
    outcomes.collect::<Vec<_>>().into_iter().fold(outcome, Result::and)
}
