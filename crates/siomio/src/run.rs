//! Running the shards on threads of the operating system.

mod door;
mod event_loop;
mod listen;
mod listeners;
mod os;

use std::{
    io,
    net::TcpListener,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use self::{door::Door, event_loop::EventLoop};
use crate::{Io, shared::Shared, trace::log};

pub(crate) use self::listen::bind;

/// Connections on their way to a shard.
type Arrivals = Arc<[Mutex<Vec<crate::shard::Adopted<os::Connection>>>]>;

/// Runs a server until it is closed: on this thread alone, or with one thread for each shard and this one accepting.
pub(crate) fn run(shared: &Arc<Shared>, listeners: Vec<TcpListener>) -> io::Result<()> {
    for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
        log!(INFO, "siomio::server", "listens", address = address, shards = shared.shards());
    }
    let outcome = run_shards(shared, listeners);
    match &outcome {
        Ok(()) => log!(INFO, "siomio::server", "has ended"),
        Err(error) => log!(ERROR, "siomio::server", "has failed", error = error),
    }
    outcome
}

fn run_shards(shared: &Arc<Shared>, listeners: Vec<TcpListener>) -> io::Result<()> {
    if !shared.start() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "this server runs, or has run, already",
        ));
    }
    let _end = End(shared);
    let shards = shared.shards();
    let arrivals: Arrivals = (0..shards).map(|_| Mutex::default()).collect();
    let io = Io::new(shared);
    if shards == 1 {
        return EventLoop::new(&io, 0, arrivals, listeners)?.run();
    }
    let door = Door::new(&io, arrivals.clone(), listeners)?;
    let (ready, started) = mpsc::channel();
    let spawn = |index| {
        let (io, arrivals, ready) = (io.clone(), arrivals.clone(), ready.clone());
        let run = move || run_shard(&io, index, arrivals, ready);
        thread::Builder::new().name(format!("siomio-{index}")).spawn(run)
    };
    let threads: Vec<_> = (0..shards).map(spawn).collect();
    drop(ready);
    let mut outcome = started.iter().collect::<io::Result<()>>();
    if threads.iter().any(Result::is_err) || outcome.is_err() {
        io.close(Duration::ZERO);
    } else {
        outcome = door.run();
    }
    // Wait for all, then tell the first that failed.
    for thread in threads {
        let panicked = |_| Err(io::Error::other("the thread of a shard panicked"));
        outcome = outcome.and(thread.and_then(|thread| thread.join().unwrap_or_else(panicked)));
    }
    outcome
}

fn run_shard(
    io: &Io,
    index: u8,
    arrivals: Arrivals,
    ready: mpsc::Sender<io::Result<()>>,
) -> io::Result<()> {
    // Dropped on every way out, that of a panic included: a server that lost a shard goes down as a whole, instead of
    // leaving some of its clients unheard.
    let _downfall = Downfall { io, index };
    let (event_loop, outcome) = match EventLoop::new(io, index, arrivals, Vec::new()) {
        Ok(event_loop) => (Some(event_loop), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // Whoever started us waits until all have said this, or are gone.
    let _ = ready.send(outcome);
    drop(ready);
    event_loop.map_or(Ok(()), EventLoop::run)
}

/// Tells the adapter, when the last shard has ended, in whichever way.
struct End<'s>(&'s Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        if let Some(adapter) = self.0.adapter() {
            // The server has ended, whatever the adapter thinks of it.
            let _ = catch_unwind(AssertUnwindSafe(|| adapter.close()));
        }
    }
}

/// Takes the server down when one of its shards has ended.
struct Downfall<'s> {
    io: &'s Io,
    index: u8,
}

/// Time the other shards have to say goodbye when one has failed.
const FAREWELL: Duration = Duration::from_secs(5);

impl Drop for Downfall<'_> {
    fn drop(&mut self) {
        self.io.shared().mailbox(self.index).close();
        self.io.shared().sessions_left(self.index, 0);
        if !self.io.shared().is_stopping() {
            self.io.close(FAREWELL);
        }
    }
}
