//! Many connections, on each of which the same exchange takes place again and again.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};

use super::Activity;
use crate::{
    link::{Link, Script},
    open::{Headers, Opened, spread},
    wire::Exchange,
};

pub(super) struct Streams {
    poll: Poll,
    script: Script,
    links: Vec<(Link, Instant)>,
    in_flight: usize,
    /// The first asks one thing at a time, and only it is timed.
    is_lone: bool,
    /// Kept for a part of the operations only, where there are very many.
    latencies: Vec<Duration>,
    has_begun: bool,
}

/// More is not needed to tell the slowest of a hundred.
const ENOUGH: usize = 200_000;

/// Opens so many connections, and registers each under its number.
pub(super) fn open(
    poll: &Poll,
    address: SocketAddr,
    connections: usize,
    is_raw: bool,
) -> io::Result<Vec<Link>> {
    let link = |number: usize| {
        let address = spread(address, number);
        let opened = match is_raw {
            true => Opened::websocket(address, "/", Headers::Few)?,
            false => Opened::socket_io(address, Headers::Few)?,
        };
        let mut link = Link::new(opened.into_stream()?)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(link.stream_mut(), Token(number), interest)?;
        Ok(link)
    };
    (0..connections).map(link).collect()
}

impl Streams {
    pub(super) fn open(
        address: SocketAddr,
        exchange: &Exchange,
        connections: usize,
        in_flight: usize,
        is_raw: bool,
        is_lone: bool,
    ) -> io::Result<Self> {
        let (poll, script) = (Poll::new()?, Script::new(exchange));
        let now = Instant::now();
        let links = open(&poll, address, connections, is_raw)?;
        let links = links.into_iter().map(|link| (link, now)).collect();
        let latencies = Vec::new();
        Ok(Self { poll, script, links, in_flight, is_lone, latencies, has_begun: false })
    }
}

impl Activity for Streams {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let began = Instant::now();
        if !std::mem::replace(&mut self.has_begun, true) {
            for (number, (link, since)) in self.links.iter_mut().enumerate() {
                *since = Instant::now();
                let is_lone = self.is_lone && number == 0;
                link.ask(&self.script, if is_lone { 1 } else { self.in_flight })?;
            }
        }
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 256 * 1024]);
        let mut operations = 0;
        while began.elapsed() < time {
            self.poll.poll(&mut events, Some(Duration::from_millis(100)))?;
            for event in &events {
                let number = event.token().0;
                let (link, since) = &mut self.links[number];
                if event.is_writable() {
                    link.flush()?;
                }
                let replies = link.replies(&self.script, &mut buffer)?;
                if replies > 0 {
                    let now = Instant::now();
                    // With several in flight this is the time of a burst.
                    if self.latencies.len() < ENOUGH && (number == 0 || !self.is_lone) {
                        self.latencies.push(now - *since);
                    }
                    *since = now;
                    operations += replies as u64;
                    link.ask(&self.script, replies)?;
                }
            }
        }
        Ok(operations)
    }

    fn latencies(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.latencies)
    }
}
