//! Whole lives of clients, each on a thread of the load's own: what matters is what they cost the server.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::Activity;
use crate::{
    http::{self, Http},
    open::{Headers, Opened, POLLING, polling_target, spread},
};

/// Does something again and again on several threads, until the time is over. `live` is given the number of the thread.
fn work(
    threads: usize,
    time: Duration,
    latencies: &mut Vec<Duration>,
    live: impl Fn(usize) -> io::Result<()> + Sync,
) -> io::Result<u64> {
    let (until, count) = (Instant::now() + time, AtomicUsize::new(0));
    let taken = Mutex::new(std::mem::take(latencies));
    let run = |number: usize| {
        let mut own = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            live(number)?;
            own.push(began.elapsed());
            count.fetch_add(1, Ordering::Relaxed);
        }
        taken.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a panic")))
        })
    })?;
    *latencies = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(count.load(Ordering::Relaxed) as u64)
}

/// The next address, so that ports last.
#[derive(Clone, Debug)]
struct Addresses {
    address: SocketAddr,
    next: Arc<AtomicUsize>,
}

impl Addresses {
    fn new(address: SocketAddr) -> Self {
        Self { address, next: Arc::default() }
    }

    fn next(&self) -> SocketAddr {
        spread(self.address, self.next.fetch_add(1, Ordering::Relaxed) * 100)
    }
}

/// Clients come, join, and go.
pub(super) struct Connects {
    addresses: Addresses,
    threads: usize,
    latencies: Vec<Duration>,
}

impl Connects {
    pub(super) fn new(address: SocketAddr, threads: usize) -> Self {
        Self { addresses: Addresses::new(address), threads, latencies: Vec::new() }
    }
}

impl Activity for Connects {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let addresses = self.addresses.clone();
        work(self.threads, time, &mut self.latencies, |_| {
            Opened::socket_io(addresses.next(), Headers::Few).map(drop)
        })
    }

    fn latencies(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.latencies)
    }
}

/// Clients say something and hear it again, by long-polling.
pub(super) struct Polls {
    clients: Vec<Mutex<Polling>>,
    latencies: Vec<Duration>,
}

struct Polling {
    posts: Http,
    gets: Http,
    body: Vec<u8>,
    post: Vec<u8>,
    get: Vec<u8>,
}

impl Polls {
    pub(super) fn open(address: SocketAddr, clients: usize) -> io::Result<Self> {
        let client = |_| Polling::open(address).map(Mutex::new);
        Ok(Self {
            clients: (0..clients).map(client).collect::<io::Result<_>>()?,
            latencies: Vec::new(),
        })
    }
}

impl Polling {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let (mut gets, mut posts) = (Http::connect(address)?, Http::connect(address)?);
        let mut body = Vec::new();
        gets.send(&http::get(POLLING))?;
        gets.receive(&mut body)?;
        let target = polling_target(&body)?;
        let get = http::get(&target);
        join(&mut gets, &mut posts, &target, &mut body)?;
        let post = http::post(&target, "42[\"message\",\"sixteen letters.\"]");
        Ok(Self { posts, gets, body, post, get })
    }

    fn round(&mut self) -> io::Result<()> {
        self.gets.send(&self.get)?;
        self.posts.send(&self.post)?;
        self.posts.receive(&mut self.body)?;
        self.gets.receive(&mut self.body)?;
        while self.body == b"2" {
            self.posts.send(&http::post(self.target(), "3"))?;
            self.posts.receive(&mut self.body)?;
            self.gets.send(&self.get)?;
            self.gets.receive(&mut self.body)?;
        }
        if self.body == b"42[\"message-back\",\"sixteen letters.\"]" {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&self.body).into_owned()))
    }

    fn target(&self) -> &str {
        let text = std::str::from_utf8(&self.get).unwrap_or_default();
        text.split(' ').nth(1).unwrap_or_default()
    }
}

impl Activity for Polls {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let clients = &self.clients;
        work(clients.len(), time, &mut self.latencies, |number| {
            clients[number].lock().unwrap_or_else(PoisonError::into_inner).round()
        })
    }

    fn latencies(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.latencies)
    }
}

/// Clients do what the JavaScript one does by default.
pub(super) struct Upgrades {
    addresses: Addresses,
    threads: usize,
    latencies: Vec<Duration>,
}

impl Upgrades {
    pub(super) fn new(address: SocketAddr, threads: usize) -> Self {
        Self { addresses: Addresses::new(address), threads, latencies: Vec::new() }
    }
}

/// Joins the main namespace. A server may ping before it answers.
fn join(gets: &mut Http, posts: &mut Http, target: &str, body: &mut Vec<u8>) -> io::Result<()> {
    posts.send(&http::post(target, "40"))?;
    posts.receive(body)?;
    loop {
        gets.send(&http::get(target))?;
        gets.receive(body)?;
        let mut packets = body.split(|byte| *byte == b'\x1e');
        if packets.clone().any(|packet| packet == b"2") {
            posts.send(&http::post(target, "3"))?;
            posts.receive(&mut Vec::new())?;
        }
        if packets.any(|packet| packet.starts_with(b"40{")) {
            return Ok(());
        }
        if body != b"2" {
            return Err(io::Error::other(String::from_utf8_lossy(body).into_owned()));
        }
    }
}

/// Opens by polling, joins, moves to a WebSocket, says one thing and hears it again, and goes.
fn live(address: SocketAddr) -> io::Result<()> {
    let (mut gets, mut body) = (Http::connect(address)?, Vec::new());
    gets.send(&http::get(POLLING))?;
    gets.receive(&mut body)?;
    let target = polling_target(&body)?;
    let mut posts = Http::connect(address)?;
    join(&mut gets, &mut posts, &target, &mut body)?;
    gets.send(&http::get(&target))?;
    let upgraded = target.replace("transport=polling", "transport=websocket");
    let mut ws = Opened::websocket(address, &upgraded, Headers::Few)?;
    ws.send("2probe")?;
    ws.expect("3probe")?;
    gets.receive(&mut body)?;
    ws.send("5")?;
    ws.send("42[\"message\",\"sixteen letters.\"]")?;
    ws.expect("42[\"message-back\",\"sixteen letters.\"]")
}

impl Activity for Upgrades {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let addresses = self.addresses.clone();
        work(self.threads, time, &mut self.latencies, |_| live(addresses.next()))
    }

    fn latencies(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.latencies)
    }
}
