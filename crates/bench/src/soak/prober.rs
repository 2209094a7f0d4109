//! A client that keeps every rule and asks one thing at a time, to learn how long an answer takes.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::open::{Headers, Opened};

/// The prober, on a thread of its own, so that what the crowd does in one go does not count.
#[derive(Debug)]
pub(super) struct Prober {
    shared: Arc<Shared>,
    thread: JoinHandle<io::Result<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    latencies: Mutex<Vec<Duration>>,
    is_over: AtomicBool,
}

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(10);

impl Prober {
    pub(super) fn start(address: SocketAddr) -> io::Result<Self> {
        let opened = Opened::socket_io(address, Headers::Few)?;
        let shared = Arc::<Shared>::default();
        let own = shared.clone();
        Ok(Self { shared, thread: thread::spawn(move || probe(opened, &own)) })
    }

    /// How long answers have taken since this was asked last.
    pub(super) fn latencies(&self) -> io::Result<Vec<Duration>> {
        if self.thread.is_finished() {
            return Err(io::Error::other("the prober has lost its connection"));
        }
        let mut latencies = self.shared.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *latencies))
    }

    pub(super) fn stop(self) -> io::Result<()> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the prober panicked")))
    }
}

fn probe(mut opened: Opened, shared: &Shared) -> io::Result<()> {
    let mut number = 0_u64;
    while !shared.is_over.load(Ordering::Relaxed) {
        number += 1;
        let began = Instant::now();
        // An acknowledgement, because it is not kept for clients that come back.
        opened.send(&format!("42{number}[\"ask\",{number}]"))?;
        let expected = format!("43{number}[{number}]");
        loop {
            let message = opened.receive()?;
            match &*message {
                b"2" => opened.send("3")?,
                message if message == expected.as_bytes() => break,
                message if message.starts_with(b"42[\"tick\",") => {}
                other => {
                    let shown = other.escape_ascii();
                    return Err(io::Error::other(format!("{shown} in place of {expected}")));
                }
            }
        }
        let mut latencies = shared.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.push(began.elapsed());
        drop(latencies);
        thread::sleep(PAUSE);
    }
    Ok(())
}
