//! A client through all of its connections.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    time::{Duration, Instant},
};

use siomio::{Binary, Io, Value};
use siomio_testkit::sim::{
    Actor, End, Lines, Plan, Policy, Random, Received, SimClient, Welcome, World,
};

use super::{ROOMS, ledger::Ledger};

pub(super) struct Start {
    pub(super) number: u64,
    /// What it will do, before it only listens.
    pub(super) deeds: usize,
    /// The proxy's.
    pub(super) lines: Option<Lines>,
}

pub(super) struct Life {
    start: Start,
    random: Random,
    outside: Io,
    ledger: Ledger,
    client: SimClient,
    standing: Standing,
    session: Option<Session>,
    /// It comes back, and the server has no reason not to know it.
    must_be_known: bool,
    says: Says,
    mirrors: Mirrors,
    pub(super) returns: usize,
}

/// ```text
///   Here ── breaks a rule, or leaves ──► Guilty ── late, or sent away ──► Away ──► Here
///     └──── loses its connection ──────────────────────────────────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Here,
    /// It waits to be sent away, for so long.
    Guilty {
        until: Instant,
    },
    Away {
        until: Instant,
    },
}

/// Numbers it says, each with an acknowledgement.
#[derive(Debug, Default)]
struct Says {
    next: u64,
    /// The first of this connection.
    first: u64,
    /// Acknowledgements that are to come, in order.
    awaited: VecDeque<u64>,
}

/// Attachments it sends, and wants back.
#[derive(Debug, Default)]
struct Mirrors {
    next: u64,
    /// Those that have not come back. With the session, some come over a later connection.
    out: BTreeMap<u64, Vec<Vec<u8>>>,
    /// The first that has to.
    first: u64,
}

/// What it has of the server, also while it has no connection.
#[derive(Debug)]
struct Session {
    welcome: Welcome,
    /// The last event that it can name.
    offset: Option<String>,
    /// Empty until it is told.
    rooms: Vec<String>,
    /// No broadcast before this may come.
    seen: usize,
    /// The first to its rooms from here on has to.
    required: usize,
    /// It has left, or broken a rule, since it was let in: the server may have ended it.
    is_forfeit: bool,
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Say,
    Mirror,
    /// Lets itself be asked, by somebody who has a minute, or nearly no time.
    Ask(bool),
    Broadcast,
    HangUp(End),
    Vanish,
    Leave(&'static str),
    Misbehave(&'static str),
}

const DEEDS: [Deed; 28] = [
    Deed::Say,
    Deed::Say,
    Deed::Say,
    Deed::Say,
    Deed::Say,
    Deed::Mirror,
    Deed::Mirror,
    Deed::Mirror,
    Deed::Ask(true),
    Deed::Ask(true),
    Deed::Ask(true),
    Deed::Ask(false),
    Deed::Broadcast,
    Deed::Broadcast,
    Deed::Broadcast,
    Deed::Broadcast,
    Deed::Broadcast,
    Deed::Broadcast,
    Deed::HangUp(End::Fin),
    Deed::HangUp(End::Reset),
    Deed::Vanish,
    Deed::Leave("41"),
    Deed::Leave(r#"42["leave"]"#),
    Deed::Leave(r#"42["close"]"#),
    Deed::Leave("1"),
    Deed::Misbehave("4nonsense"),
    Deed::Misbehave(r#"452-["say",{"_placeholder":true,"num":2}]"#),
    Deed::Misbehave("7"),
];

const SOON: Duration = Duration::from_secs(1);

impl Life {
    pub(super) fn new(start: Start, mut random: Random, outside: Io, ledger: Ledger) -> Self {
        let client = start.client(&mut random);
        let (says, mirrors) = (Says::default(), Mirrors::default());
        Self {
            start,
            random,
            outside,
            ledger,
            client,
            standing: Standing::Here,
            session: None,
            must_be_known: false,
            says,
            mirrors,
            returns: 0,
        }
    }

    pub(super) const fn has_plans(&self) -> bool {
        self.start.deeds > 0
    }

    /// Whether everything has arrived, in both directions.
    pub(super) fn is_settled(&self) -> bool {
        let Some(session) = self.session.as_ref().filter(|_| self.client.welcome().is_some())
        else {
            return false;
        };
        let next = self.ledger.next_to(&session.rooms, session.required);
        self.standing == Standing::Here
            && self.client.has_said_all()
            && !session.rooms.is_empty()
            && next == self.ledger.broadcasts()
            && self.says.awaited.is_empty()
            && self.mirrors.awaited().next().is_none()
    }

    /// Whoever is still there was heard in everything.
    pub(super) fn check(&self) {
        let number = self.start.number;
        assert!(self.says.awaited.is_empty(), "client {number}: no answers to {:?}", self.says);
        let missing: Vec<_> = self.mirrors.awaited().collect();
        assert!(missing.is_empty(), "client {number}: not mirrored: {missing:?}");
        if let Some(id) = self.client.id().filter(|_| self.says.next > self.says.first) {
            assert_eq!(self.ledger.heard(id), self.says.next, "client {number}");
        }
    }

    pub(super) fn end(&mut self) {
        self.client.hang_up(End::Reset);
    }

    fn act_out(&mut self, deed: Deed, world: &World) {
        let number = self.start.number;
        world.trace().add(format_args!("client {number}: {deed:?}"));
        let is_connected = self.client.welcome().is_some();
        match deed {
            Deed::Broadcast => self.broadcast(),
            Deed::HangUp(how) if self.start.lines.is_none() => {
                self.client.hang_up(how);
                self.go(world.now());
            }
            // A proxy's connections are not this client's to end.
            Deed::HangUp(_) | Deed::Vanish => {
                self.client.vanish();
                self.go(world.now());
            }
            Deed::Say if is_connected => {
                let Says { next, first, .. } = self.says;
                self.client.emit_with_ack(next, &format!(r#"["say",{first},{next}]"#));
                self.says.awaited.push_back(next);
                self.says.next += 1;
            }
            Deed::Mirror if is_connected => self.mirror(),
            Deed::Ask(is_patient) if is_connected => {
                self.client.emit(&format!(r#"["ask",{is_patient}]"#));
            }
            Deed::Leave(packet) | Deed::Misbehave(packet) if is_connected => {
                self.client.push(packet);
                self.standing = Standing::Guilty { until: world.now() + SOON };
            }
            _ => {}
        }
    }

    /// Says something to rooms, as another thread of the application would.
    fn broadcast(&mut self) {
        let mut rooms = ROOMS;
        self.random.shuffle(&mut rooms);
        let rooms = &rooms[..self.random.between(1, ROOMS.len())];
        let number = self.ledger.broadcast(rooms);
        let to_rooms = self.outside.to(rooms);
        let _ = if self.random.one_in(3) {
            to_rooms.emit("b", (number, Binary::from(vec![number as u8; self.random.below(40)])))
        } else {
            to_rooms.emit("b", (number, "text"))
        };
    }

    fn mirror(&mut self) {
        let number = self.mirrors.next;
        let cargo: Vec<Vec<u8>> = (0..self.random.between(1, 3))
            .map(|place| vec![place as u8; *self.random.pick(&[0, 1, 126, 700])])
            .collect();
        let places: Vec<_> =
            (0..cargo.len()).map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#)).collect();
        let (count, places) = (cargo.len(), places.join(","));
        self.client.push(&format!(r#"45{count}-["mirror",{number},[{places}]]"#));
        cargo.iter().for_each(|data| self.client.push_binary(data));
        self.mirrors.out.insert(number, cargo);
        self.mirrors.next += 1;
    }

    /// The connection is over; it comes back in a while.
    fn go(&mut self, now: Instant) {
        if let (Standing::Guilty { .. }, Some(session)) = (self.standing, &mut self.session) {
            session.is_forfeit = true;
        }
        self.must_be_known = self.session.as_ref().is_some_and(|session| !session.is_forfeit);
        let pause = *self.random.pick(&[0, 1, 30, 400, 6000]);
        self.standing = Standing::Away { until: now + Duration::from_millis(pause) };
    }

    fn come_back(&mut self) {
        self.standing = Standing::Here;
        self.says.awaited.clear();
        self.says.first = self.says.next;
        self.mirrors.first = self.mirrors.next;
        self.client = self.start.client(&mut self.random);
        let Some(Session { welcome: Welcome { pid: Some(pid), .. }, offset, .. }) = &self.session
        else {
            return;
        };
        let offset = offset.as_ref().map(|offset| format!(r#","offset":"{offset}""#));
        let auth = format!(r#"{{"pid":"{pid}"{}}}"#, offset.unwrap_or_default());
        self.client.set_auth(auth);
    }

    fn listen(&mut self) {
        if let Some(welcome) = self.client.welcome() {
            let known = self.session.as_mut().filter(|known| known.welcome == *welcome);
            let known = known.map(|session| session.is_forfeit = false).is_some();
            if mem::take(&mut self.must_be_known) {
                assert!(known, "client {}: its session was lost", self.start.number);
                self.returns += 1;
            }
            if !known {
                let welcome = welcome.clone();
                let (offset, rooms) = (None, Vec::new());
                self.session = Some(Session {
                    welcome,
                    offset,
                    rooms,
                    seen: 0,
                    required: 0,
                    is_forfeit: false,
                });
                // What was not mirrored on the last session never will be.
                self.mirrors.out.retain(|number, _| *number >= self.mirrors.first);
            }
        }
        for received in mem::take(&mut self.client.received) {
            self.hear(received);
        }
    }

    fn hear(&mut self, received: Received) {
        let who = self.start.number;
        if let Some(number) = received.ack {
            assert_eq!(self.says.awaited.pop_front(), Some(number), "client {who}: {received:?}");
            return;
        }
        let session = self.session.as_mut().expect("events belong to a session");
        let event: Vec<Value> = serde_json::from_str(&received.json).expect("an array");
        let number = event[1].as_u64().unwrap_or(0);
        if let Some(id) = received.id {
            assert_eq!(event[0].as_str(), Some("question"), "client {who}: {event:?}");
            self.client.push(&format!("43{id}[{number}]"));
            return;
        }
        let length = match event[0].as_str() {
            Some("rooms") => {
                assert!(session.rooms.is_empty(), "client {who}: told twice");
                let rooms = event[1].as_str().expect("names");
                session.rooms = rooms.split(',').map(str::to_owned).collect();
                session.required = self.ledger.broadcasts();
                2
            }
            Some("b") => {
                let (number, rooms) = (number as usize, &session.rooms);
                let is_for_it = self.ledger.goes_to(number, rooms);
                assert!(is_for_it, "client {who}: {number} is not for {rooms:?}");
                assert!(number >= session.seen, "client {who}: {number} comes twice, or late");
                let due = self.ledger.next_to(rooms, session.required);
                assert!(number <= due, "client {who}: {number} comes, and {due} never did");
                (session.seen, session.required) = (number + 1, number + 1);
                3
            }
            Some("mirrored") => {
                let cargo = self.mirrors.out.remove(&number);
                assert_eq!(cargo, Some(received.attachments), "client {who}: mirror {number}");
                3
            }
            _ => panic!("client {who}: {event:?}"),
        };
        if let Some(offset) = event.get(length).and_then(Value::as_str) {
            session.offset = Some(offset.to_owned());
        }
    }
}

impl Actor for Life {
    fn act(&mut self, world: &mut World) -> bool {
        match self.standing {
            Standing::Away { until } if until > world.now() => return false,
            Standing::Away { .. } => {
                self.come_back();
                return true;
            }
            Standing::Guilty { until } if until <= world.now() => {
                self.client.vanish();
                self.go(world.now());
                return true;
            }
            Standing::Guilty { .. } | Standing::Here => {}
        }
        if self.standing == Standing::Here && self.has_plans() && world.random.one_in(6) {
            self.start.deeds -= 1;
            let deed = *self.random.pick(&DEEDS);
            self.act_out(deed, world);
            return true;
        }
        let is_busy = self.client.act(world);
        self.listen();
        if self.client.closed().is_some() {
            self.go(world.now());
            return true;
        }
        is_busy
    }
}

impl Start {
    fn client(&self, random: &mut Random) -> SimClient {
        let plan = match random.below(4) {
            0 => Plan::Polling,
            1 => Plan::WebSocket,
            _ => Plan::Upgrade { after: random.below(6), failures: random.below(3) },
        };
        let policies = [Policy::Fresh, Policy::KeepAlive(6), Policy::Pipelined];
        let own = || Lines::new(*random.pick(&policies));
        let lines = self.lines.clone().unwrap_or_else(own);
        let client = SimClient::new(self.number as usize, plan, lines);
        if self.lines.is_some() { client.with_entrance() } else { client }
    }
}

impl Mirrors {
    /// What has to come back over this connection.
    fn awaited(&self) -> impl Iterator<Item = &u64> {
        self.out.range(self.first..).map(|(number, _)| number)
    }
}
