//! All guests, and what happens to them.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Poll};
use siomio_testkit::sim::Random;

use super::{
    Plan,
    client::{Client, Ticket},
    fate::Fate,
    ground::{Ground, whose},
    torso::Torso,
};

/// Guests on one thread, none of which waits for another.
pub(super) struct Crowd {
    poll: Poll,
    address: SocketAddr,
    random: Random,
    rate: f64,
    guests: Vec<Option<Guest>>,
    /// How many have come.
    number: usize,
    /// Of clients that will come back.
    tickets: Vec<Ticket>,
    books: Books,
    buffer: Vec<u8>,
    /// Things that may be done.
    allowance: f64,
}

enum Guest {
    Client(Box<Client>),
    Torso(Torso),
}

/// What was done, and what was wrong.
#[derive(Debug, Default)]
pub(super) struct Books {
    done: BTreeMap<&'static str, u64>,
    answered: u64,
    mistakes: Vec<String>,
    /// How many there were, beyond those that are kept.
    wrong: u64,
}

/// One thing in so many that a client does is its last.
const MORTALITY: usize = 60;
/// One newcomer in so many is no client.
const TORSOS: usize = 12;
/// How often deadlines are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// More mistakes are counted only.
const KEPT: usize = 50;

impl Crowd {
    pub(super) fn new(address: SocketAddr, plan: &Plan) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            address,
            random: Random::new(plan.seed),
            rate: plan.rate.into(),
            guests: std::iter::repeat_with(|| None).take(plan.population.max(1)).collect(),
            number: 0,
            tickets: Vec::new(),
            books: Books::default(),
            buffer: vec![0; 64 * 1024],
            allowance: 0.0,
        })
    }

    pub(super) const fn books(&self) -> &Books {
        &self.books
    }

    pub(super) fn into_books(self) -> (Vec<String>, Vec<(&'static str, u64)>) {
        let Books { mut mistakes, wrong, done, .. } = self.books;
        if wrong > mistakes.len() as u64 {
            mistakes.push(format!("{wrong} mistakes in all"));
        }
        (mistakes, done.into_iter().collect())
    }

    /// How many are there.
    pub(super) fn len(&self) -> usize {
        self.guests.iter().flatten().count()
    }

    /// Life goes on for so long.
    pub(super) fn live(&mut self, time: Duration) -> io::Result<()> {
        let began = Instant::now();
        let (mut events, mut before, mut looked) = (Events::with_capacity(1024), began, began);
        loop {
            self.poll.poll(&mut events, Some(Duration::from_millis(2)))?;
            let now = Instant::now();
            for event in &events {
                let (place, line) = whose(event.token());
                self.visit(place, now, |client, buffer| client.ready(line, buffer))?;
            }
            if now - looked > LOOK {
                looked = now;
                for place in 0..self.guests.len() {
                    self.visit(place, now, |client, buffer| client.look(now, buffer))?;
                }
            }
            // What could not be done in time is not caught up with.
            let more = self.rate * (now - before).as_secs_f64();
            self.allowance = (self.allowance + more).min(self.rate / 10.0);
            before = now;
            while self.allowance >= 1.0 {
                self.allowance -= 1.0;
                self.act(now)?;
            }
            if now - began >= time {
                return Ok(());
            }
        }
    }

    /// Everybody goes, one way or the other.
    pub(super) fn disperse(&mut self) {
        self.tickets.clear();
        for guest in &mut self.guests {
            if let (Some(Guest::Client(client)), true) = (guest.take(), self.random.one_in(2)) {
                client.reset();
            }
        }
    }

    /// One of the guests does something, or somebody comes.
    fn act(&mut self, now: Instant) -> io::Result<()> {
        let place = self.random.below(self.guests.len());
        if self.guests[place].is_none() {
            return self.welcome(place, now);
        }
        let fate = self.random.one_in(MORTALITY).then(|| Fate::any(&mut self.random));
        let mut random = self.random.fork();
        let mut ticket = None;
        self.visit(place, now, |client, _| match fate {
            Some(fate) => ticket = client.meet(fate, &mut random, now),
            None => client.act(&mut random, now),
        })?;
        self.tickets.extend(ticket);
        Ok(())
    }

    fn welcome(&mut self, place: usize, now: Instant) -> io::Result<()> {
        self.number += 1;
        let registry = self.poll.registry();
        let ground = Ground { registry, address: self.address, place, number: self.number, now };
        let guest = if self.random.one_in(TORSOS) {
            Guest::Torso(Torso::open(&ground, &mut self.random)?)
        } else {
            let due = self.tickets.iter().position(|ticket| ticket.is_due(now));
            let ticket = due.map(|due| self.tickets.swap_remove(due));
            Guest::Client(Box::new(Client::new(self.number, ticket, &mut self.random, now)))
        };
        self.guests[place] = Some(guest);
        self.books.count("came");
        self.visit(place, now, |_, _| {})
    }

    /// Something happens to a guest, who then does what is to be done.
    fn visit(
        &mut self,
        place: usize,
        now: Instant,
        what: impl FnOnce(&mut Client, &mut [u8]),
    ) -> io::Result<()> {
        let Some(guest) = self.guests[place].take() else { return Ok(()) };
        let registry = self.poll.registry();
        self.guests[place] = match guest {
            Guest::Torso(torso) => {
                torso.go_on(&mut self.buffer, now, &mut self.books).map(Guest::Torso)
            }
            Guest::Client(mut client) => {
                what(&mut client, &mut self.buffer);
                let number = client.number();
                let ground = Ground { registry, address: self.address, place, number, now };
                client.go_on(&ground, &mut self.books)?.then_some(Guest::Client(client))
            }
        };
        Ok(())
    }
}

impl Books {
    /// Something was done.
    pub(super) fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    /// Something was answered.
    pub(super) fn answered(&mut self, what: &'static str) {
        self.count(what);
        self.answered += 1;
    }

    pub(super) fn wrong(&mut self, mistake: String) {
        self.wrong += 1;
        if self.mistakes.len() < KEPT {
            eprintln!("{mistake}");
            self.mistakes.push(mistake);
        }
    }

    /// Answers, and mistakes.
    pub(super) const fn totals(&self) -> (u64, u64) {
        (self.answered, self.wrong)
    }
}
