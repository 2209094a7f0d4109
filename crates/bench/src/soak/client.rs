//! A client of Socket.IO that lives on connections that never wait.

mod roads;

use std::{
    io,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use siomio_testkit::sim::Random;

use self::roads::Roads;
use super::{
    crowd::Books,
    fate::{
        DEAFNESS, FLOOD, Fate, LARGE_FRAME, PROMPTLY, SILENCE, bad_frame, bad_packet, large_packet,
    },
    ground::Ground,
    subject::AWAY,
    talk::{Message, Talk},
};

/// Somebody who has come, asks, and goes in some way.
#[derive(Debug)]
pub(super) struct Client {
    number: usize,
    state: State,
    roads: Roads,
    ids: Option<Ids>,
    /// Who it was before, if it comes back.
    former: Option<Ids>,
    talk: Talk,
    since: Instant,
}

/// ```text
///   Coming ── CONNECT ──► Here ── breaks a rule ──► Doomed ── is shown out ──► Gone
///                          │ └── hears nothing ──► Deaf ──┘                     ▲
///                          └────────────── goes by itself ──────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Coming,
    Here,
    /// The server has to end it.
    Doomed {
        until: Instant,
    },
    /// It reads nothing.
    Deaf {
        until: Instant,
        then_doomed: bool,
    },
    Gone,
}

/// The public id of its socket, and the private one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ids {
    sid: String,
    pid: String,
}

/// What a client needs to take up its session again.
#[derive(Debug)]
pub(super) struct Ticket {
    ids: Ids,
    talk: Talk,
    at: Instant,
}

impl Ticket {
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at <= now
    }
}

/// Time for getting in, and for any answer.
const PATIENCE: Duration = Duration::from_secs(6);

impl Client {
    pub(super) fn new(
        number: usize,
        ticket: Option<Ticket>,
        random: &mut Random,
        now: Instant,
    ) -> Self {
        // Who comes too late is somebody new; it may be late because all places were taken.
        let ticket = ticket.filter(|ticket| ticket.at + AWAY / 2 > now);
        let (former, talk) = ticket.map_or_else(Default::default, |it| (Some(it.ids), it.talk));
        let roads = Roads::new(random);
        Self { number, state: State::Coming, roads, ids: None, former, talk, since: now }
    }

    pub(super) const fn number(&self) -> usize {
        self.number
    }

    /// Cuts its connections off.
    pub(super) fn reset(mut self) {
        self.roads.leave(true);
    }

    /// Says something, if it is there.
    pub(super) fn act(&mut self, random: &mut Random, now: Instant) {
        if self.state == State::Here {
            self.roads.outbox.extend(self.talk.ask(random, now));
            self.roads.may_upgrade |= random.one_in(5);
        }
    }

    /// Goes in some way, if it is there. Who returns leaves a ticket.
    pub(super) fn meet(&mut self, fate: Fate, random: &mut Random, now: Instant) -> Option<Ticket> {
        if self.state != State::Here {
            return None;
        }
        let says = |packet: &str| Message::Text(packet.to_owned());
        let doomed = State::Doomed { until: now + PROMPTLY };
        self.state = match fate {
            Fate::Lost { reset } => {
                self.roads.leave(reset);
                State::Gone
            }
            // Nobody knows what has become of a question that was not answered.
            Fate::Returns { .. } if self.talk.waits_since().is_some() => State::Here,
            Fate::Returns { reset } => {
                self.roads.leave(reset);
                self.state = State::Gone;
                let at = now + Duration::from_millis(random.below(3_000) as u64);
                let (ids, talk) = (self.ids.take()?, std::mem::take(&mut self.talk));
                return Some(Ticket { ids, talk, at });
            }
            Fate::Silent if self.roads.is_on_websocket() => {
                State::Deaf { until: now + SILENCE, then_doomed: true }
            }
            Fate::Silent => State::Gone,
            Fate::Says(packet) => {
                self.roads.outbox.push_back(says(packet));
                self.roads.hurry();
                State::Gone
            }
            Fate::Asks => {
                self.roads.outbox.push_back(says("42[\"go\"]"));
                doomed
            }
            Fate::BadFrame if self.roads.is_on_websocket() => {
                self.roads.send_raw(bad_frame(random));
                doomed
            }
            Fate::Oversized if self.roads.is_on_websocket() => {
                self.roads.send_raw(LARGE_FRAME);
                doomed
            }
            Fate::Oversized => {
                self.roads.outbox.push_back(says(&large_packet()));
                doomed
            }
            Fate::BadFrame | Fate::BadPacket => {
                self.roads.outbox.push_back(says(bad_packet(random)));
                doomed
            }
            Fate::Flooded => {
                self.roads.outbox.push_back(says(FLOOD));
                self.roads.hurry();
                State::Deaf { until: now + DEAFNESS, then_doomed: false }
            }
        };
        None
    }

    /// One of its connections has news.
    pub(super) fn ready(&mut self, line: usize, buffer: &mut [u8]) {
        if !matches!(self.state, State::Deaf { .. }) {
            self.roads.pull(line, buffer);
        }
    }

    /// Looks at the clock.
    pub(super) fn look(&mut self, now: Instant, buffer: &mut [u8]) {
        if let State::Deaf { until, then_doomed } = self.state {
            if until > now {
                return;
            }
            if then_doomed {
                self.state = State::Doomed { until: now + PROMPTLY };
                self.roads.pull_all(buffer);
            } else {
                self.roads.leave(true);
                self.state = State::Gone;
            }
        }
    }

    /// Works off what has come and sends what is to be sent; `false` when it is gone.
    pub(super) fn go_on(&mut self, ground: &Ground<'_>, books: &mut Books) -> io::Result<bool> {
        if matches!(self.state, State::Deaf { .. }) {
            return Ok(true);
        }
        if matches!(self.state, State::Doomed { until } if until < ground.now) {
            books.wrong(format!("client {} was not shown out", self.number));
            self.state = State::Gone;
        }
        if self.state != State::Gone {
            if let Err(why) = self.work(ground, books)? {
                if matches!(self.state, State::Doomed { .. }) {
                    books.answered("shown out");
                } else {
                    books.wrong(format!("client {} ({:?}): {why}", self.number, self.roads.road()));
                }
                self.state = State::Gone;
            }
        }
        Ok(self.state != State::Gone)
    }

    fn work(&mut self, ground: &Ground<'_>, books: &mut Books) -> io::Result<Result<(), String>> {
        let (mut inbox, ended) = match self.roads.receive() {
            Ok(inbox) => (inbox, Ok(())),
            Err((inbox, why)) => (inbox, Err(why)),
        };
        while let Some(message) = inbox.pop_front() {
            if let Err(why) = self.take(&message, books) {
                return Ok(Err(why));
            }
        }
        if ended.is_err() {
            return Ok(ended);
        }
        self.roads.send(ground)?;
        Ok(self.check(ground.now))
    }

    /// Nobody waits for ever.
    fn check(&self, now: Instant) -> Result<(), String> {
        match self.state {
            State::Coming if self.since + PATIENCE < now => Err("did not get in".to_owned()),
            State::Here if self.talk.waits_since().is_some_and(|since| since + PATIENCE < now) => {
                Err(format!("no answer: {:?}", self.talk))
            }
            _ => Ok(()),
        }
    }

    /// Works off a packet of Engine.IO.
    fn take(&mut self, message: &Message, books: &mut Books) -> Result<(), String> {
        let text = match message {
            Message::Text(text) => &**text,
            Message::Binary(data) if self.state == State::Here || self.former.is_some() => {
                return self.talk.hear_blob(data, books);
            }
            Message::Binary(_) => return Ok(()),
        };
        match text.as_bytes() {
            [b'0', ..] => {
                let handshake: Value = serde_json::from_str(&text[1..]).map_err(|_| text)?;
                self.roads.has_opened(handshake["sid"].as_str().ok_or(text)?);
                let auth = self.former.as_ref().map(|ids| match &self.talk.offset {
                    Some(offset) => json!({"pid": ids.pid, "offset": offset}),
                    None => json!({"pid": ids.pid}),
                });
                let auth = auth.map(|auth| auth.to_string()).unwrap_or_default();
                self.roads.outbox.push_back(Message::Text(format!("40{auth}")));
            }
            b"2" => self.roads.outbox.push_back(Message::Text("3".to_owned())),
            b"6" => {}
            [b'4', b'0', ..] => return self.enter(&text[2..], books),
            // What was missed comes before the CONNECT.
            [b'4', b'2' | b'3' | b'5', ..]
                if self.state == State::Here || self.former.is_some() =>
            {
                self.roads.outbox.extend(self.talk.hear(&text[1..], books)?);
            }
            [b'4', b'2' | b'3' | b'5', ..] if self.state != State::Coming => {}
            _ => return Err(format!("was told {:?}", &text[..text.len().min(200)])),
        }
        Ok(())
    }

    fn enter(&mut self, json: &str, books: &mut Books) -> Result<(), String> {
        let ids: Value = serde_json::from_str(json).map_err(|_| json)?;
        let text = |key: &str| ids[key].as_str().map(str::to_owned).ok_or(json);
        let ids = Ids { sid: text("sid")?, pid: text("pid")? };
        books.answered("got in");
        self.state = State::Here;
        if let Some(former) = self.former.take() {
            if former != ids {
                return Err("came back in time and was somebody new".to_owned());
            }
            books.answered("came back");
        }
        self.ids = Some(ids);
        Ok(())
    }
}
