//! Work for servers.

mod blocking;
mod idle;
mod many;
mod streams;

use std::{
    fmt, io,
    net::SocketAddr,
    str::FromStr,
    time::{Duration, Instant},
};

use self::blocking::{Connects, Polls, Upgrades};
use crate::{open::Headers, process::Process, wire::Exchange};

/// Some work, by its name: `KIND-SIZE-CONNECTIONSxIN_FLIGHT`, or less where less is to be said.
///
/// | name | an operation is |
/// | --- | --- |
/// | `echo-16-64x8` | an event with a text of 16 bytes, and the event that comes back |
/// | `object-1024-64x8` | the same with an object that has such a text |
/// | `binary-1024-64x8` | the same with an attachment |
/// | `ack-16-64x8` | an event and its acknowledgement |
/// | `broadcast-64-1000x4` | one delivery of an event for everybody |
/// | `lone-16-8x500` | an echo; what is timed are those of one more client, who asks one thing at a time beside such a flood |
/// | `raw-1024-64x8` | a binary message of plain WebSocket that comes back |
/// | `connect-16` | a WebSocket with its handshake, a CONNECT, and the end; 16 at a time |
/// | `polling-64` | a POST with an event and a GET with the answer, by each of 64 clients |
/// | `upgrade-16` | all that a client does by default: it opens, joins, upgrades, says one thing and goes |
/// | `churn-10000` | none: what memory is like after ten times so many clients came and went, beside the first time |
/// | `idle-10000`, `idle_browser-10000`, `idle_polling-10000` | a client that is there; with a browser's headers; on polling |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    name: String,
    kind: Kind,
    size: usize,
    connections: usize,
    in_flight: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Echo,
    Lone,
    Object,
    Binary,
    Ack,
    Broadcast,
    Raw,
    Connect,
    Polling,
    Upgrade,
    Idle(Clients),
    Churn,
}

/// Which clients are idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clients {
    WebSocket(Headers),
    Polling,
}

/// What the work has taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Operations in some time.
    Work {
        /// How many.
        operations: u64,
        /// In which time.
        elapsed: Duration,
        /// The server's CPU time.
        cpu: Duration,
        /// Of operations that could be timed by themselves: the median, and the slowest of a hundred.
        latency: Option<(Duration, Duration)>,
    },
    /// Resident memory while many clients were there, the first time and the last, and when all had gone.
    Plateaus {
        /// The first time, in bytes.
        first: f64,
        /// The tenth time.
        last: f64,
        /// With nobody there.
        empty: f64,
    },
    /// Clients that were there.
    Memory {
        /// Resident bytes for each.
        each: f64,
    },
}

impl Outcome {
    /// The figure that servers are compared by: microseconds of CPU for an operation, bytes for a client, or how the last plateau compares with
    /// the first.
    pub fn figure(&self) -> f64 {
        match self {
            Self::Work { operations, cpu, .. } => cpu.as_secs_f64() * 1e6 / *operations as f64,
            Self::Memory { each } => *each,
            Self::Plateaus { first, last, .. } => last / first,
        }
    }
}

/// Something that goes on as long as it is let.
trait Activity {
    /// Goes on for this long, and tells how many operations were complete.
    fn run(&mut self, time: Duration) -> io::Result<u64>;

    /// How long operations took, one by one, since this was asked last.
    fn latencies(&mut self) -> Vec<Duration> {
        Vec::new()
    }
}

const WARM_UP: Duration = Duration::from_millis(700);

impl Scenario {
    /// The path that its clients ask for is that of raw WebSockets.
    pub fn is_raw(&self) -> bool {
        self.kind == Kind::Raw
    }

    /// What it is about in bytes or microseconds.
    pub const fn unit(&self) -> &'static str {
        match self.kind {
            Kind::Idle(_) => "B per client",
            Kind::Churn => "of the first plateau",
            _ => "µs per operation",
        }
    }

    /// What is said and answered, where that is the same all the time, and between how many.
    pub fn exchange(&self) -> Option<(Exchange, usize)> {
        let exchange = match self.kind {
            Kind::Echo | Kind::Lone => Exchange::echo(self.size),
            Kind::Object => Exchange::object(self.size),
            Kind::Binary => Exchange::binary(self.size),
            Kind::Ack => Exchange::ack(self.size),
            Kind::Broadcast => Exchange::broadcast(self.size),
            Kind::Raw => Exchange::raw(self.size),
            Kind::Connect | Kind::Polling | Kind::Upgrade | Kind::Idle(_) | Kind::Churn => {
                return None;
            }
        };
        Some((exchange, if self.kind == Kind::Broadcast { self.connections } else { 1 }))
    }

    /// Runs it against a server, for about this long.
    ///
    /// # Errors
    /// When the server is gone, or answers wrongly.
    pub fn run(
        &self,
        address: SocketAddr,
        process: Process,
        time: Duration,
    ) -> io::Result<Outcome> {
        if let Kind::Idle(clients) = self.kind {
            return idle::run(address, process, clients, self.connections);
        }
        if self.kind == Kind::Churn {
            return idle::churn(address, process, self.connections);
        }
        let mut activity = self.begin(address)?;
        activity.run(WARM_UP)?;
        activity.latencies();
        let (began, before) = (Instant::now(), process.cpu()?);
        let operations = activity.run(time)?;
        let (elapsed, cpu) = (began.elapsed(), process.cpu()? - before);
        let mut latencies = activity.latencies();
        latencies.sort_unstable();
        let rank = |share: usize| latencies.get(latencies.len() * share / 100).copied();
        let latency = rank(50).zip(rank(99));
        Ok(Outcome::Work { operations, elapsed, cpu, latency })
    }

    fn begin(&self, address: SocketAddr) -> io::Result<Box<dyn Activity>> {
        let (connections, in_flight) = (self.connections, self.in_flight);
        Ok(match (self.kind, self.exchange()) {
            (Kind::Broadcast, Some((exchange, _))) => {
                Box::new(many::Broadcasts::open(address, &exchange, connections, in_flight)?)
            }
            (kind, Some((exchange, _))) => {
                let (is_raw, is_lone) = (kind == Kind::Raw, kind == Kind::Lone);
                let connections = connections + usize::from(is_lone);
                let streams = streams::Streams::open(
                    address,
                    &exchange,
                    connections,
                    in_flight,
                    is_raw,
                    is_lone,
                );
                Box::new(streams?)
            }
            (Kind::Polling, None) => Box::new(Polls::open(address, connections)?),
            (Kind::Upgrade, None) => Box::new(Upgrades::new(address, connections)),
            (_, None) => Box::new(Connects::new(address, connections)),
        })
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut parts = name.split('-');
        let kind = parts.next().unwrap_or_default();
        let wrong = || format!("{name} is no scenario");
        let kind = match kind {
            "echo" => Kind::Echo,
            "lone" => Kind::Lone,
            "object" => Kind::Object,
            "binary" => Kind::Binary,
            "ack" => Kind::Ack,
            "broadcast" => Kind::Broadcast,
            "raw" => Kind::Raw,
            "connect" => Kind::Connect,
            "polling" => Kind::Polling,
            "upgrade" => Kind::Upgrade,
            "churn" => Kind::Churn,
            "idle" => Kind::Idle(Clients::WebSocket(Headers::Few)),
            "idle_browser" => Kind::Idle(Clients::WebSocket(Headers::Browser)),
            "idle_polling" => Kind::Idle(Clients::Polling),
            _ => return Err(wrong()),
        };
        let numbers: Vec<usize> = parts
            .flat_map(|part| part.split('x'))
            .map(|number| number.parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        let (size, connections, in_flight) = match (kind, &numbers[..]) {
            (
                Kind::Connect | Kind::Polling | Kind::Upgrade | Kind::Idle(_) | Kind::Churn,
                &[connections],
            ) => (0, connections, 1),
            (
                Kind::Echo
                | Kind::Lone
                | Kind::Object
                | Kind::Binary
                | Kind::Ack
                | Kind::Broadcast
                | Kind::Raw,
                &[size, connections, in_flight],
            ) => (size, connections, in_flight),
            _ => return Err(wrong()),
        };
        if connections == 0 || in_flight == 0 {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), kind, size, connections, in_flight })
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}
