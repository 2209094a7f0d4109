//! What one says, all hear.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Poll};

use super::{Activity, streams::open};
use crate::{
    link::{Link, Script},
    wire::Exchange,
};

pub(super) struct Broadcasts {
    poll: Poll,
    script: Script,
    links: Vec<Link>,
    in_flight: usize,
    /// How many each has heard.
    heard: Vec<u64>,
    /// Of those on their way, the oldest first: when they were said, and how many have heard them.
    said: VecDeque<(Instant, usize)>,
    /// How many everybody has heard.
    done: u64,
    latencies: Vec<Duration>,
}

impl Broadcasts {
    pub(super) fn open(
        address: SocketAddr,
        exchange: &Exchange,
        connections: usize,
        in_flight: usize,
    ) -> io::Result<Self> {
        let (poll, script) = (Poll::new()?, Script::new(exchange));
        let links = open(&poll, address, connections, false)?;
        let (said, latencies) = (VecDeque::new(), Vec::new());
        Ok(Self {
            poll,
            script,
            links,
            in_flight,
            heard: vec![0; connections],
            said,
            done: 0,
            latencies,
        })
    }

    /// Somebody has heard so many more.
    fn heard(&mut self, who: usize, count: usize) {
        for _ in 0..count {
            let place = (self.heard[who] - self.done) as usize;
            self.heard[who] += 1;
            self.said[place].1 += 1;
        }
    }

    /// The first says what is to be said next.
    fn speak(&mut self) -> io::Result<()> {
        while self.said.front().is_some_and(|(_, heard)| *heard == self.links.len()) {
            self.latencies.extend(self.said.pop_front().map(|(since, _)| since.elapsed()));
            self.done += 1;
        }
        let more = self.in_flight - self.said.len();
        if more > 0 {
            self.said.extend(std::iter::repeat_n((Instant::now(), 0), more));
            self.links[0].ask(&self.script, more)?;
        }
        Ok(())
    }
}

impl Activity for Broadcasts {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let (began, mut operations) = (Instant::now(), 0);
        self.speak()?;
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 64 * 1024]);
        while began.elapsed() < time {
            self.poll.poll(&mut events, Some(Duration::from_millis(100)))?;
            for event in &events {
                let who = event.token().0;
                if event.is_writable() {
                    self.links[who].flush()?;
                }
                let replies = self.links[who].replies(&self.script, &mut buffer)?;
                operations += replies as u64;
                self.heard(who, replies);
            }
            self.speak()?;
        }
        Ok(operations)
    }

    fn latencies(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.latencies)
    }
}
