//! A server's shards, their clients' connections, and time.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use siomio::{
    Server,
    shard::{Adopted, Readiness, Shard},
};

use super::{
    Clock, Random, SimEnvironment, SimStream, Tear, Trace, Wire,
    door::{Door, Invited},
    fault::Fault,
    link::{Home, Link, SharedLink},
};

/// A server on a simulated network. When a test fails, it prints its seed and what happened.
pub struct World {
    seed: u64,
    /// Makes the choices of the world; tests may take from it, too.
    pub random: Random,
    clock: Clock,
    trace: Trace,
    shards: Vec<Post>,
    door: Door,
    links: Vec<SharedLink>,
    opened: usize,
    tear: Tear,
    /// One new connection in so many has a fault, 0 for none; and of which kind.
    faulty: (usize, fn(&mut Random) -> Fault),
    /// Turns that nothing but a deadline called for, with no event, no rest and no passing of time in between.
    idle_turns: u32,
    /// Steps since time passed last.
    steps: u32,
    tasks: Vec<Task>,
    server: Server,
}

/// A shard, and what waits for it.
struct Post {
    shard: Shard<SimStream>,
    arrivals: Vec<Adopted<SimStream>>,
    /// Tokens it has given, the last few of them.
    tokens: Vec<u64>,
}

/// Something that could happen next.
#[derive(Clone, Copy, Debug)]
enum Task {
    /// Bytes arrive.
    Deliver(usize),
    /// The door takes a connection in.
    Welcome(usize),
    /// The door reads.
    Listen(usize),
    /// A shard runs a turn.
    Turn(usize),
}

/// So many turns for nothing mean that a shard would keep its thread busy for ever.
const MAX_IDLE_TURNS: u32 = 1000;
/// So many steps without a rest mean that the server and a client, or the network, keep each other busy for ever.
const MAX_STEPS: u32 = 2_000_000;

impl World {
    /// A world for a seed. The server must have been built with this number of shards.
    pub fn new(seed: u64, shards: u8, server: Server) -> Self {
        let mut random = Random::new(seed);
        let tear = Tear::any(&mut random);
        Self::with_tear(seed, shards, server, tear)
    }

    /// A world whose network behaves in a certain way.
    pub fn with_tear(seed: u64, shards: u8, server: Server, tear: Tear) -> Self {
        let mut random = Random::new(seed).fork();
        let clock = Clock::new();
        let io = server.io();
        let posts = (0..shards).map(|index| {
            let environment = SimEnvironment::new(clock.clone(), random.fork());
            let shard = Shard::new(&io, index, Box::new(environment));
            Post { shard, arrivals: Vec::new(), tokens: Vec::new() }
        });
        let shards = posts.collect();
        let trace = Trace::new(clock.clone());
        trace.add(format_args!("seed {seed}, {tear:?}"));
        Self {
            seed,
            random,
            clock,
            trace,
            shards,
            door: Door::default(),
            links: Vec::new(),
            opened: 0,
            tear,
            faulty: (0, Fault::any),
            idle_turns: 0,
            steps: 0,
            tasks: Vec::new(),
            server,
        }
    }

    /// Opens a connection to the server, and returns the client's end.
    pub fn connect(&mut self) -> Wire {
        let (number, random) = (self.opened, self.random.fork());
        self.opened += 1;
        let mut link = Link::new(number, self.tear, random, self.trace.clone());
        let (times, fault) = self.faulty;
        if self.random.one_in(times) {
            link.fault = fault(&mut self.random);
            self.trace.add(format_args!("#{number} has a fault: {:?}", link.fault));
        }
        let link: SharedLink = std::rc::Rc::new(link.into());
        self.links.push(link.clone());
        self.trace.add(format_args!("#{number} opens"));
        Wire::new(link)
    }

    /// From now on one new connection in so many has a call of the server, somewhere in its life, that fails with any error of an
    /// operating system; 0 for none, which is how a world begins.
    pub fn fail_one_in(&mut self, times: usize) {
        self.faulty = (times, Fault::any);
    }

    /// From now on every new connection has a call that is interrupted by a signal, and has to be made again.
    pub fn interrupt_all(&mut self) {
        self.faulty = (1, Fault::interruption);
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The log.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Connections, sessions, clients and sockets of each shard.
    pub fn population(&self) -> Vec<[usize; 5]> {
        self.shards.iter().map(|post| post.shard.population()).collect()
    }

    /// What each shard has for clients that wait or may come back; see [`Shard::remains`].
    pub fn remains(&self) -> Vec<[usize; 4]> {
        self.shards.iter().map(|post| post.shard.remains()).collect()
    }

    /// The clock of this world, for handlers that take their time.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Connections whose server's end is still open, those included that belong to no shard yet.
    pub fn open_connections(&self) -> usize {
        self.links.iter().filter(|link| link.borrow().home != Home::Gone).count()
    }

    /// Connections that the server keeps although a call on them has failed for good.
    pub fn failed_connections(&self) -> usize {
        let is_kept = |link: &Link| link.fault.is_lasting() && link.home != Home::Gone;
        self.links.iter().filter(|link| is_kept(&link.borrow())).count()
    }

    /// Lets one thing happen, any that can: some bytes arrive, or a shard runs a turn. Returns `false` when nothing can
    /// before time passes.
    pub fn step(&mut self) -> bool {
        let mut tasks = std::mem::take(&mut self.tasks);
        self.find_tasks(&mut tasks);
        let task = (!tasks.is_empty()).then(|| *self.random.pick(&tasks));
        tasks.clear();
        self.tasks = tasks;
        match task {
            None => return false,
            Some(Task::Deliver(link)) => self.links[link].borrow_mut().deliver(),
            Some(Task::Welcome(link)) => {
                let stream = SimStream::new(self.links[link].clone());
                self.door.welcome(self.clock.now(), stream);
            }
            Some(Task::Listen(link)) => self.listen_to(link),
            Some(Task::Turn(shard)) => self.turn(shard),
        }
        self.steps += 1;
        assert!(self.steps < MAX_STEPS, "the world never comes to rest");
        if self.random.one_in(200) {
            self.links.retain(|link| !link.borrow().is_over());
            // Nothing happens in no time.
            self.clock.set(self.now() + Duration::from_micros(self.random.below(3000) as u64));
            self.expire();
        }
        true
    }

    /// Lets everything happen that can before time passes.
    pub fn run_until_quiet(&mut self) {
        while self.step() {}
    }

    /// Lets time pass, and everything happen that becomes due meanwhile, in order.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now() + by;
        loop {
            self.run_until_quiet();
            if !self.tick(until) {
                return self.run_until_quiet();
            }
        }
    }

    /// Moves the clock to the next deadline, but not beyond `until`. Returns `false` when that is reached instead.
    pub fn tick(&mut self, until: Instant) -> bool {
        let shards = self.shards.iter().filter_map(|post| post.shard.deadline());
        let next = shards.chain(self.door.deadline()).min().filter(|next| *next < until);
        self.clock.set(next.unwrap_or(until));
        (self.idle_turns, self.steps) = (0, 0);
        self.expire();
        next.is_some()
    }

    fn find_tasks(&self, tasks: &mut Vec<Task>) {
        let now = self.clock.now();
        let mut due = [false; 256];
        for (number, link) in self.links.iter().enumerate() {
            let link = link.borrow();
            if link.can_move() {
                tasks.push(Task::Deliver(number));
            }
            match link.home {
                Home::Backlog if self.shards.len() == 1 => due[0] = true,
                Home::Backlog => tasks.push(Task::Welcome(number)),
                Home::Door if link.has_news() => tasks.push(Task::Listen(number)),
                Home::Shard { shard, .. } if link.has_news() => due[shard] = true,
                _ => {}
            }
        }
        for (index, post) in self.shards.iter().enumerate() {
            let is_late = || post.shard.deadline().is_some_and(|deadline| deadline <= now);
            if due[index] || !post.arrivals.is_empty() || is_late() {
                tasks.push(Task::Turn(index));
            }
        }
    }

    fn listen_to(&mut self, link: usize) {
        let number = {
            let mut link = self.links[link].borrow_mut();
            link.pending = Readiness::default();
            link.number
        };
        if let Some(invited) = self.door.listen_to(&self.server, number) {
            self.show_in(invited);
        }
    }

    fn expire(&mut self) {
        while let Some(invited) = self.door.expire(self.clock.now()) {
            self.show_in(invited);
        }
    }

    fn show_in(&mut self, invited: Invited) {
        let number = invited.stream.number();
        let named = invited.shard.map(usize::from).filter(|shard| *shard < self.shards.len());
        let shard = named.unwrap_or_else(|| self.least_loaded());
        self.trace.add(format_args!("door: #{number} to shard {shard}"));
        let Invited { stream, said: unread, since, .. } = invited;
        let adopted = Adopted { stream, peer: address(number), unread, since };
        self.shards[shard].arrivals.push(adopted);
    }

    fn least_loaded(&self) -> usize {
        let load = |shard: &usize| {
            let post = &self.shards[*shard];
            post.shard.population()[0] + post.arrivals.len()
        };
        (0..self.shards.len()).min_by_key(load).unwrap_or(0)
    }

    fn turn(&mut self, index: usize) {
        let mut events = self.take_events(index);
        let is_idle = events.is_empty() && self.shards[index].arrivals.is_empty();
        let newcomers = if self.shards.len() == 1 { self.accept() } else { Vec::new() };
        self.idle_turns = if is_idle && newcomers.is_empty() { self.idle_turns + 1 } else { 0 };
        assert!(self.idle_turns < MAX_IDLE_TURNS, "shard {index} never comes to rest");
        if self.random.one_in(self.tear.spurious) && !self.shards[index].tokens.is_empty() {
            let token = *self.random.pick(&self.shards[index].tokens);
            let [readable, writable, ended] = [(); 3].map(|()| self.random.one_in(2));
            events.push((token, Readiness { readable, writable, ended }));
        }
        self.random.shuffle(&mut events);
        self.trace.add(format_args!("shard {index}: turn, {} events", events.len()));

        let post = &mut self.shards[index];
        post.shard.begin(self.clock.now());
        post.shard.resume();
        for (token, readiness) in events {
            post.shard.ready(token, readiness);
        }
        for adopted in newcomers.into_iter().chain(std::mem::take(&mut post.arrivals)) {
            post.adopt(index, adopted);
        }
        post.shard.end();
        let departures: Vec<_> = post.shard.departures().collect();
        for (shard, adopted) in departures {
            adopted.stream.deregister();
            let number = adopted.stream.number();
            self.trace.add(format_args!("shard {index}: #{number} departs to shard {shard}"));
            self.shards[usize::from(shard)].arrivals.push(adopted);
        }
    }

    /// The news for a shard; a part of it, sometimes.
    fn take_events(&mut self, index: usize) -> Vec<(u64, Readiness)> {
        let some = self.random.one_in(8);
        let mut events = Vec::new();
        for link in &self.links {
            let mut link = link.borrow_mut();
            let Home::Shard { shard, token } = link.home else { continue };
            if shard == index && link.has_news() && !(some && self.random.one_in(2)) {
                events.push((token, std::mem::take(&mut link.pending)));
            }
        }
        events
    }

    /// Accepts every connection that waits, as the only shard does.
    fn accept(&mut self) -> Vec<Adopted<SimStream>> {
        let since = self.clock.now();
        let waiting = self.links.iter().filter(|link| link.borrow().home == Home::Backlog);
        let accepted = waiting.map(|link| {
            link.borrow_mut().home = Home::Moving;
            let peer = address(link.borrow().number);
            Adopted { stream: SimStream::new(link.clone()), peer, unread: Vec::new(), since }
        });
        accepted.collect()
    }
}

impl Post {
    fn adopt(&mut self, index: usize, adopted: Adopted<SimStream>) {
        const REMEMBERED: usize = 16;
        let token = self.shard.adopt(adopted);
        if let Some(stream) = self.shard.stream_mut(token) {
            stream.register(Home::Shard { shard: index, token });
        }
        if self.tokens.len() == REMEMBERED {
            self.tokens.remove(0);
        }
        self.tokens.push(token);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("links", &self.links.len())
            .field("guests", &self.door.len())
            .finish_non_exhaustive()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.trace.print(self.seed);
        }
    }
}

fn address(number: usize) -> SocketAddr {
    ([10, 0, (number >> 8) as u8, number as u8], 1024).into()
}
