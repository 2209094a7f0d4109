//! The connections that a polling client's requests take, or those of a proxy in front of several.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use super::{End, SimHttp, World, http::request};
use crate::http::Response;

/// Which connection a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One of its own.
    Fresh,
    /// Any that is idle, of at most so many; otherwise it waits for one.
    KeepAlive(usize),
    /// All GETs share one and all POSTs another, one behind the other without waiting.
    Pipelined,
}

/// Where requests are handed in and answers collected. Clones are the same.
#[derive(Clone, Debug)]
pub struct Lines(Rc<RefCell<Office>>);

#[derive(Debug)]
struct Office {
    policy: Policy,
    lines: Vec<Line>,
    /// Not sent yet.
    queue: VecDeque<Order>,
    answers: BTreeMap<u64, Result<Response, End>>,
    next: u64,
}

#[derive(Debug)]
struct Line {
    http: SimHttp,
    is_get: bool,
    /// Requests that are not answered, in order.
    waiting: VecDeque<u64>,
    used: bool,
}

#[derive(Debug)]
struct Order {
    ticket: u64,
    is_get: bool,
    bytes: Vec<u8>,
}

/// Requests that a pipeline takes before the first is answered.
const DEPTH: usize = 8;

impl Lines {
    /// No connections yet.
    pub fn new(policy: Policy) -> Self {
        let (lines, queue, answers) = Default::default();
        Self(Rc::new(RefCell::new(Office { policy, lines, queue, answers, next: 0 })))
    }

    /// Hands a request in; the answer is [taken](Self::take) by its ticket.
    pub fn submit(&self, method: &str, target: &str, body: &[u8]) -> u64 {
        let mut office = self.0.borrow_mut();
        let ticket = office.next;
        office.next += 1;
        let last = [("Connection", "close")];
        let headers = if office.policy == Policy::Fresh { &last[..] } else { &[] };
        let bytes = request(method, target, headers, body);
        office.queue.push_back(Order { ticket, is_get: method == "GET", bytes });
        ticket
    }

    /// Sends what can be sent and receives what has arrived; returns whether there was anything.
    pub fn work(&self, world: &mut World) -> bool {
        let mut office = self.0.borrow_mut();
        let received = office.receive();
        let sent = office.dispatch(world);
        received || sent
    }

    /// The answer to a request, or how its connection ended instead.
    pub fn take(&self, ticket: u64) -> Option<Result<Response, End>> {
        self.0.borrow_mut().answers.remove(&ticket)
    }

    /// Ends every connection, one way or the other; answers are given up.
    pub fn hang_up(&self, how: End) {
        let mut office = self.0.borrow_mut();
        office.queue.clear();
        if how == End::Reset {
            office.lines.iter().for_each(|line| line.http.wire().reset());
        }
        office.lines.clear();
    }
}

impl Office {
    fn receive(&mut self) -> bool {
        let mut received = false;
        for line in &mut self.lines {
            while let Some(response) = line.http.poll() {
                if response.status < 200 {
                    continue;
                }
                received = true;
                let ticket = line.waiting.pop_front().expect("a response answers a request");
                self.answers.insert(ticket, Ok(response));
            }
            if let Some(end) = line.http.ended() {
                received = true;
                self.answers.extend(line.waiting.drain(..).map(|ticket| (ticket, Err(end))));
            }
        }
        let is_fresh = self.policy == Policy::Fresh;
        self.lines.retain(|line| {
            line.http.ended().is_none() && !(is_fresh && line.used && line.waiting.is_empty())
        });
        received
    }

    fn dispatch(&mut self, world: &mut World) -> bool {
        let mut sent = false;
        while let Some(order) = self.queue.front() {
            let Some(line) = self.choose(order.is_get, world) else { break };
            let Some(order) = self.queue.pop_front() else { break };
            let line = &mut self.lines[line];
            line.http.send(&order.bytes);
            line.waiting.push_back(order.ticket);
            line.used = true;
            sent = true;
        }
        sent
    }

    /// A line for the next request, a new one if need be.
    fn choose(&mut self, is_get: bool, world: &mut World) -> Option<usize> {
        let policy = self.policy;
        let fits = |line: &Line| match policy {
            Policy::Fresh => false,
            Policy::KeepAlive(_) => line.waiting.is_empty(),
            Policy::Pipelined => line.is_get == is_get,
        };
        let all = self.lines.iter().enumerate();
        let fitting: Vec<usize> =
            all.filter(|(_, line)| fits(line)).map(|(place, _)| place).collect();
        let is_full = match policy {
            Policy::Fresh => false,
            Policy::KeepAlive(most) => self.lines.len() >= most,
            Policy::Pipelined => !fitting.is_empty(),
        };
        if !is_full && (fitting.is_empty() || world.random.one_in(4)) {
            let http = SimHttp::connect(world);
            self.lines.push(Line { http, is_get, waiting: VecDeque::new(), used: false });
            return Some(self.lines.len() - 1);
        }
        let line = (!fitting.is_empty()).then(|| *world.random.pick(&fitting))?;
        (self.lines[line].waiting.len() < DEPTH).then_some(line)
    }
}
