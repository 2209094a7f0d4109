mod v3;

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::*;
use crate::{
    Query,
    payload::{self, Format},
};

/// A session with a virtual clock whose actions are noted down as short lines.
struct World {
    now: Instant,
    session: Session,
    actions: Vec<Action>,
    closed: Vec<CloseReason>,
}

const CHANNEL: ChannelId = ChannelId(9);

fn request(sequence: u64) -> RequestId {
    RequestId { connection: 1, sequence }
}

impl World {
    #[allow(clippy::disallowed_methods, reason = "tests need some instant to start from")]
    fn start() -> (Instant, Arc<Config>, Sid) {
        let config = Config {
            ping_interval: Duration::from_millis(300),
            ping_timeout: Duration::from_millis(200),
            ..Config::default()
        };
        (Instant::now(), Arc::new(config), Sid::new(3, [5; 15]))
    }

    /// A polling session whose handshake has been fetched.
    fn polling() -> Self {
        let mut world = Self::open_polling(Protocol::V4);
        let handshake = world.get(0);
        assert!(handshake.starts_with("GET0 <- 0{\"sid\""), "{handshake}");
        world
    }

    fn open_polling(protocol: Protocol) -> Self {
        let (now, config, sid) = Self::start();
        let session = Session::open_polling(now, config, sid, protocol);
        Self { now, session, actions: Vec::new(), closed: Vec::new() }
    }

    fn websocket() -> Self {
        Self::open_websocket(Protocol::V4)
    }

    fn open_websocket(protocol: Protocol) -> Self {
        let (now, config, sid) = Self::start();
        let mut actions = Vec::new();
        let session = Session::open_websocket(now, config, sid, protocol, CHANNEL, &mut actions);
        Self { now, session, actions, closed: Vec::new() }
    }

    /// A polling session with an answered probe.
    fn upgrading() -> Self {
        let mut world = Self::polling();
        world.session.handle_channel(world.now, CHANNEL, false, &mut world.actions);
        assert_eq!(world.ws("2probe"), "WS <- 3probe");
        world
    }

    fn get(&mut self, sequence: u64) -> String {
        self.session.handle_get(request(sequence), &mut self.actions);
        self.log()
    }

    fn post(&mut self, sequence: u64, body: &str) -> String {
        match self.session.handle_post_head(request(sequence), false, &mut self.actions) {
            Some(format) => self.post_body(sequence, format, body),
            None => self.log(),
        }
    }

    fn post_body(&mut self, sequence: u64, format: Format, body: &str) -> String {
        for packet in payload::Body::read(format, body.as_bytes()).packets() {
            let request = request(sequence);
            if let Some(message) =
                self.session.handle_post_packet(self.now, request, packet, &mut self.actions)
            {
                self.echo(message);
            }
        }
        self.session.handle_post_end(request(sequence), &mut self.actions);
        self.log()
    }

    fn ws(&mut self, text: &str) -> String {
        self.ws_message(Message::Text(text))
    }

    fn ws_message(&mut self, message: Message<'_>) -> String {
        if let Some(message) =
            self.session.handle_channel_message(self.now, CHANNEL, message, &mut self.actions)
        {
            self.echo(message);
        }
        self.log()
    }

    fn echo(&mut self, message: Message<'_>) {
        let packet = match message {
            Message::Text(text) => Outgoing::text(text),
            Message::Binary(data) => Outgoing::Binary(data.into_owned().into()),
        };
        self.send(packet);
    }

    fn send(&mut self, packet: Outgoing) {
        self.session.send(packet, &mut self.actions);
    }

    fn after(&mut self, millis: u64) -> String {
        self.now += Duration::from_millis(millis);
        self.session.handle_timeout(self.now, &mut self.actions);
        self.log()
    }

    fn close(&mut self) -> String {
        self.session.close(self.now, &mut self.actions);
        self.log()
    }

    /// Flushes and tells what happened; packets of one payload are joined by `|`.
    fn log(&mut self) -> String {
        self.session.flush(&mut self.actions);
        let mut log = String::new();
        for action in self.actions.drain(..) {
            let line = match action {
                Action::Respond { request, response } => {
                    let text = match response {
                        Response::Payload(body) => {
                            String::from_utf8(body).unwrap().replace('\u{1e}', "|")
                        }
                        Response::BinaryPayload(body) => format!("{}", body.escape_ascii()),
                        Response::Accepted => "ok".into(),
                        Response::Refused => "400".into(),
                    };
                    format!("GET{} <- {text}", request.sequence)
                }
                Action::Abort { request } => format!("GET{} cut", request.sequence),
                Action::Transmit { packet, .. } => {
                    let mut text = Vec::new();
                    self.session.framing().write_text(&packet, &mut text);
                    format!("WS <- {}", String::from_utf8(text).unwrap())
                }
                Action::CloseChannel { .. } => "WS closed".into(),
                Action::Upgraded { .. } => "upgraded".into(),
                Action::Closed { reason } => {
                    self.closed.push(reason);
                    format!("closed: {reason}")
                }
            };
            if !log.is_empty() {
                log.push_str("; ");
            }
            let _ = write!(log, "{line}");
        }
        log
    }
}

#[test]
fn handshake_has_the_keys_in_order() {
    let (now, config, sid) = World::start();
    let mut session = Session::open_polling(now, config, sid.clone(), Protocol::V4);
    let mut actions = Vec::new();
    session.handle_get(request(0), &mut actions);
    session.flush(&mut actions);
    let expected = format!(
        r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}}"#
    );
    assert_eq!(
        actions,
        [Action::Respond { request: request(0), response: Response::Payload(expected.into()) }]
    );

    let mut world = World::websocket();
    assert!(world.log().contains(r#""upgrades":[],"#));
}

#[test]
fn answers_of_one_post_leave_in_one_response() {
    let mut world = World::polling();
    assert_eq!(world.post(1, "4test1\u{1e}4test2\u{1e}bAQIDBA=="), "GET1 <- ok");
    assert_eq!(world.get(2), "GET2 <- 4test1|4test2|bAQIDBA==");
    assert_eq!(world.get(3), "", "nothing to say: it waits");
    assert_eq!(world.post(4, "4x"), "GET4 <- ok; GET3 <- 4x");
}

#[test]
fn second_get_ends_the_session() {
    let mut world = World::polling();
    assert_eq!(world.get(1), "");
    assert_eq!(world.get(2), "GET1 <- 1; closed: transport error; GET2 <- 400");
    assert_eq!(world.closed, [CloseReason::TransportError(TransportError::GetOverlap)]);
    assert_eq!(world.get(3), "GET3 <- 400");
}

#[test]
fn second_post_ends_the_session() {
    let mut world = World::polling();
    assert!(world.session.handle_post(request(1), &mut world.actions));
    assert!(!world.session.handle_post(request(2), &mut world.actions));
    assert_eq!(world.log(), "GET2 <- 400; GET1 cut; closed: transport error");
}

#[test]
fn aborted_requests_end_the_session_only_while_they_matter() {
    let mut world = World::polling();
    world.get(1);
    world.session.handle_get_gone(request(7), &mut world.actions);
    assert_eq!(world.log(), "", "another request");
    world.session.handle_get_gone(request(1), &mut world.actions);
    assert_eq!(world.log(), "closed: transport error");

    let mut world = World::polling();
    world.session.handle_post(request(1), &mut world.actions);
    world.session.handle_post_gone(request(1), &mut world.actions);
    assert_eq!(world.log(), "closed: transport error");

    let mut world = World::polling();
    world.session.handle_post(request(1), &mut world.actions);
    world.session.handle_post_refused(request(1));
    world.session.handle_post_gone(request(1), &mut world.actions);
    assert_eq!(world.log(), "", "a refused body may be aborted");
    assert_eq!(world.post(2, "4a"), "GET2 <- ok");
}

#[test]
fn a_connection_takes_only_its_own_requests_along() {
    let gone = |mut world: World, reason| {
        world.session.handle_connection_gone(2, &mut world.actions);
        assert_eq!(world.log(), "", "another connection");
        world.session.handle_connection_gone(1, &mut world.actions);
        assert_eq!(world.log(), "closed: transport error");
        assert_eq!(world.closed, [CloseReason::TransportError(reason)]);
    };
    let mut world = World::polling();
    assert_eq!(world.get(1), "");
    gone(world, TransportError::GetAborted);

    let mut world = World::polling();
    assert!(world.session.handle_post(request(1), &mut world.actions));
    gone(world, TransportError::PostAborted);

    let mut world = World::polling();
    world.post(1, "4a");
    world.get(2);
    world.session.handle_connection_gone(1, &mut world.actions);
    assert_eq!(world.log(), "", "everything on it was answered");
}

#[test]
fn a_post_that_an_upgrade_has_overtaken_is_not_heard() {
    let mut world = World::upgrading();
    let format = world.session.handle_post_head(request(7), false, &mut world.actions);
    assert_eq!(world.ws("5"), "GET7 <- 400; upgraded");
    assert_eq!(world.post_body(7, format.expect("polling"), "4late\u{1e}1"), "");
    assert_eq!(world.ws("4on time"), "WS <- 4on time");
}

#[test]
fn a_post_of_bytes_ends_a_session_of_revision_4() {
    let mut world = World::polling();
    assert_eq!(world.session.handle_post_head(request(1), true, &mut world.actions), None);
    assert_eq!(world.log(), "GET1 <- 400; closed: transport error");
    assert_eq!(world.closed, [CloseReason::TransportError(TransportError::InvalidContent)]);
}

#[test]
fn a_session_opens_as_its_query_says() {
    let open = |query: &Query<'_>, channel| {
        let (now, config, sid) = World::start();
        let mut actions = Vec::new();
        let session = Session::open(now, config, sid, query, channel, &mut actions);
        World { now, session, actions, closed: Vec::new() }
    };
    let query = |pairs: &[(&'static str, &'static str)]| {
        Query::from_pairs(pairs.iter().map(|&(name, value)| (name.into(), value.into())))
    };
    let mut world = open(&query(&[("EIO", "4"), ("b64", "1")]), Some(CHANNEL));
    assert!(world.log().starts_with("WS <- 0{"));
    assert!(world.session.framing().base64);

    let mut world = open(&query(&[("j", "5")]), None);
    assert_eq!(world.session.protocol(), Protocol::V3);
    assert!(world.get(0).starts_with("GET0 <- ___eio[5]("));

    let mut world = open(&query(&[("EIO", "4")]), None);
    assert!(world.get(0).starts_with("GET0 <- 0{"));
    assert!(!world.session.framing().base64);
}

#[test]
fn good_prefix_of_a_bad_payload_is_delivered() {
    let mut world = World::polling();
    world.get(1);
    assert_eq!(
        world.post(2, "4a\u{1e}xx\u{1e}4b"),
        "GET1 <- 4a|1; closed: parse error; GET2 <- ok"
    );
}

#[test]
fn close_packet_answers_the_get_with_a_noop() {
    let mut world = World::polling();
    world.get(1);
    assert_eq!(world.post(2, "1\u{1e}4late"), "GET1 <- 6; closed: transport close; GET2 <- ok");
    let mut world = World::websocket();
    world.log();
    assert_eq!(world.ws("1"), "WS closed; closed: transport close");
}

#[test]
fn pings_travel_on_either_transport_and_need_an_answer() {
    let mut world = World::polling();
    assert_eq!(world.after(299), "");
    assert_eq!(world.after(1), "", "no GET waits: the ping is queued");
    assert_eq!(world.get(1), "GET1 <- 2");
    assert_eq!(world.post(2, "3"), "GET2 <- ok");
    world.get(3);
    assert_eq!(world.after(300), "GET3 <- 2");
    world.get(4);
    assert_eq!(world.after(200), "GET4 <- 1; closed: ping timeout");

    let mut world = World::websocket();
    world.log();
    assert_eq!(world.after(300), "WS <- 2");
    assert_eq!(world.ws("3"), "");
    assert_eq!(world.after(300), "WS <- 2");
    assert_eq!(world.after(200), "WS closed; closed: ping timeout");
}

#[test]
fn an_abandoned_session_dies_without_a_get() {
    let mut world = World::polling();
    world.after(300);
    assert_eq!(world.after(199), "");
    assert_eq!(world.after(1), "closed: ping timeout");
}

#[test]
fn deadlines_count_from_when_the_ping_was_due_unless_it_left_late() {
    let mut world = World::polling();
    world.after(320);
    assert_eq!(world.after(180), "closed: ping timeout");
    let mut world = World::polling();
    assert_eq!(world.after(5000), "", "the server slept, not the peer");
    assert_eq!(world.after(199), "");
    assert_eq!(world.after(1), "closed: ping timeout");
}

#[test]
fn other_packets_extend_the_deadline_of_a_ping_once() {
    let mut world = World::websocket();
    world.log();
    world.after(300);
    world.after(150);
    world.ws("4x");
    assert_eq!(world.after(150), "");
    world.ws("4x");
    assert_eq!(world.after(50), "WS closed; closed: ping timeout");
}

#[test]
fn pings_from_the_client_have_the_wrong_direction() {
    let mut world = World::polling();
    assert_eq!(world.post(1, "2"), "closed: transport error; GET1 <- ok");
    assert_eq!(world.closed, [CloseReason::TransportError(TransportError::HeartbeatDirection)]);
}

#[test]
fn upgrade_answers_every_get_and_keeps_the_order() {
    let mut world = World::polling();
    world.get(1);
    world.session.handle_channel(world.now, CHANNEL, false, &mut world.actions);
    assert_eq!(world.ws("2probe"), "WS <- 3probe; GET1 <- 6");
    assert_eq!(world.get(2), "GET2 <- 6", "the client polled again before it saw 3probe");
    world.send(Outgoing::text("during"));
    assert_eq!(world.get(3), "GET3 <- 4during");
    world.send(Outgoing::text("after"));
    assert_eq!(world.ws("5"), "upgraded; WS <- 4after");
    assert_eq!(world.ws("4hello"), "WS <- 4hello");
    assert_eq!(world.get(4), "GET4 <- 400");
    assert_eq!(world.post(5, "4x"), "GET5 <- 400");
    assert_eq!(world.session.transport(), Transport::WebSocket);
}

#[test]
fn upgrade_without_a_probe_is_taken() {
    let mut world = World::polling();
    world.session.handle_channel(world.now, CHANNEL, false, &mut world.actions);
    assert_eq!(world.ws("5"), "upgraded");
}

#[test]
fn a_failed_probe_leaves_the_session_alone() {
    for bad in ["4early", "2", "3", "x", ""] {
        let mut world = World::upgrading();
        assert_eq!(world.ws(bad), "WS closed", "{bad:?}");
        world.get(1);
        assert_eq!(world.post(2, "4x"), "GET2 <- ok; GET1 <- 4x");
    }
    let mut world = World::upgrading();
    world.session.handle_channel_gone(CHANNEL, true, &mut world.actions);
    assert_eq!(world.log(), "");
    world.session.handle_channel(world.now, ChannelId(10), false, &mut world.actions);
    assert_eq!(world.log(), "", "a new attempt may follow");
}

#[test]
fn a_late_probe_is_given_up() {
    let (now, _, sid) = World::start();
    let session = Session::open_polling(now, Arc::new(Config::default()), sid, Protocol::V4);
    let mut world = World { now, session, actions: Vec::new(), closed: Vec::new() };
    world.get(0);
    world.session.handle_channel(now, CHANNEL, false, &mut world.actions);
    assert_eq!(world.session.deadline(), Some(now + Duration::from_secs(10)));
    assert_eq!(world.after(10_000), "WS closed");
    world.get(1);
    assert_eq!(world.post(2, "4x"), "GET2 <- ok; GET1 <- 4x");
}

#[test]
fn only_one_websocket_may_probe_and_none_after_the_upgrade() {
    let mut world = World::upgrading();
    world.session.handle_channel(world.now, ChannelId(10), false, &mut world.actions);
    assert_eq!(world.log(), "WS closed");
    assert_eq!(world.ws("5"), "upgraded");
    world.session.handle_channel(world.now, ChannelId(11), false, &mut world.actions);
    assert_eq!(world.log(), "WS closed");
    world.session.handle_channel_gone(ChannelId(11), false, &mut world.actions);
    assert_eq!(world.ws("4x"), "WS <- 4x");

    let mut world = World::websocket();
    world.log();
    world.session.handle_channel(world.now, ChannelId(10), false, &mut world.actions);
    assert_eq!(world.log(), "WS closed", "a session that began on WebSocket cannot be taken over");
}

#[test]
fn the_deadline_of_a_ping_outlives_the_upgrade() {
    let mut world = World::polling();
    world.after(300);
    assert_eq!(world.get(1), "GET1 <- 2");
    world.session.handle_channel(world.now, CHANNEL, false, &mut world.actions);
    world.ws("2probe");
    world.ws("5");
    assert_eq!(world.after(200), "WS closed; closed: ping timeout");
}

#[test]
fn close_over_polling_reaches_the_next_get() {
    let mut world = World::polling();
    world.get(1);
    assert_eq!(world.close(), "GET1 <- 1; closed: forced close");

    let mut world = World::polling();
    assert_eq!(world.close(), "");
    assert_eq!(world.post(1, "4ignored"), "GET1 <- ok");
    assert_eq!(world.get(2), "GET2 <- 6|1; closed: forced close");

    let mut world = World::polling();
    world.send(Outgoing::text("last words"));
    world.close();
    assert_eq!(world.get(1), "GET1 <- 4last words");
    assert_eq!(world.get(2), "GET2 <- 6|1; closed: forced close");

    let mut world = World::polling();
    world.get(1);
    world.send(Outgoing::text("last words"));
    assert_eq!(world.close(), "GET1 <- 4last words");
    assert_eq!(world.get(2), "GET2 <- 6|1; closed: forced close");

    let mut world = World::polling();
    world.close();
    assert_eq!(world.after(29_999), "");
    assert_eq!(world.after(1), "closed: forced close");
}

#[test]
fn close_during_an_upgrade_completes_on_the_websocket() {
    let mut world = World::upgrading();
    world.send(Outgoing::text("a"));
    assert_eq!(world.close(), "");
    assert_eq!(world.ws("5"), "upgraded; WS <- 4a; WS closed; closed: forced close");

    let mut world = World::upgrading();
    world.session.handle_get(request(1), &mut world.actions);
    assert_eq!(world.close(), "WS closed; GET1 <- 1; closed: forced close");
}

#[test]
fn discard_drops_what_is_queued() {
    let mut world = World::polling();
    world.get(1);
    world.session.queue(Outgoing::text("never"));
    world.session.discard(CloseReason::SlowConsumer, &mut world.actions);
    assert_eq!(world.log(), "GET1 <- 1; closed: slow consumer");
}

#[test]
fn volatile_packets_are_wanted_only_with_nothing_in_front() {
    let mut world = World::polling();
    assert!(!world.session.is_writable(), "no GET waits");
    world.get(1);
    assert!(world.session.is_writable());
    world.session.queue(Outgoing::text("a"));
    assert!(!world.session.is_writable());
}

#[derive(Clone, Debug)]
enum Step {
    Get,
    GetGone,
    Post(String),
    Channel(u64),
    Ws(u64, String),
    Gone(u64),
    After(u64),
    Send,
    Flush,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let text = prop_oneof![
        Just("2probe".to_owned()),
        Just("5".to_owned()),
        Just("1".to_owned()),
        Just("3".to_owned()),
        Just("4a\u{1e}4b".to_owned()),
        "[0-7b]{0,3}",
    ];
    prop_oneof![
        Just(Step::Get),
        Just(Step::GetGone),
        text.clone().prop_map(Step::Post),
        (0..3u64).prop_map(Step::Channel),
        (0..3u64, text).prop_map(|(channel, text)| Step::Ws(channel, text)),
        (0..3u64).prop_map(Step::Gone),
        (0..400u64).prop_map(Step::After),
        Just(Step::Send),
        Just(Step::Flush),
        Just(Step::Close),
    ]
}

proptest! {
    /// Whatever comes in whatever order: every request is answered exactly once (or still waits in an open session),
    /// every channel is closed at most once, and the session ends once.
    #[test]
    fn any_sequence_keeps_the_books(steps in prop::collection::vec(step(), 0..40)) {
        let mut world = World::polling();
        let (mut asked, mut answered, mut closed, mut gone) = (1..1u64, Vec::new(), 0, Vec::new());
        for step in steps {
            match step {
                Step::Get => { asked.end += 1; world.session.handle_get(request(asked.end), &mut world.actions); }
                Step::GetGone => { gone.push(asked.end); world.session.handle_get_gone(request(asked.end), &mut world.actions); }
                Step::Post(body) => {
                    asked.end += 1;
                    if world.session.handle_post(request(asked.end), &mut world.actions) {
                        for packet in payload::v4::decode(&body) {
                            world.session.handle_packet(world.now, packet, &mut world.actions);
                        }
                        world.session.handle_post_end(request(asked.end), &mut world.actions);
                    }
                }
                Step::Channel(id) => world.session.handle_channel(world.now, ChannelId(id), false, &mut world.actions),
                Step::Ws(id, text) => {
                    world.session.handle_channel_message(world.now, ChannelId(id), Message::Text(&text), &mut world.actions);
                }
                Step::Gone(id) => world.session.handle_channel_gone(ChannelId(id), false, &mut world.actions),
                Step::After(millis) => {
                    world.now += Duration::from_millis(millis);
                    world.session.handle_timeout(world.now, &mut world.actions);
                }
                Step::Send => world.session.queue(Outgoing::text("x")),
                Step::Flush => world.session.flush(&mut world.actions),
                Step::Close => world.session.close(world.now, &mut world.actions),
            }
            for action in world.actions.drain(..) {
                match action {
                    Action::Respond { request, .. } | Action::Abort { request } => {
                        prop_assert!(!answered.contains(&request.sequence), "answered twice");
                        answered.push(request.sequence);
                    }
                    Action::Closed { .. } => closed += 1,
                    _ => {}
                }
            }
            prop_assert_eq!(closed, i32::from(world.session.is_closed()));
            prop_assert_eq!(world.session.deadline().is_none(), world.session.is_closed());
        }
        world.session.discard(CloseReason::ForcedClose, &mut world.actions);
        for action in world.actions.drain(..) {
            if let Action::Respond { request, .. } = action {
                answered.push(request.sequence);
            }
        }
        for sequence in 2..=asked.end {
            prop_assert!(answered.contains(&sequence) || gone.contains(&sequence), "request {} was forgotten", sequence);
        }
    }
}

#[test]
fn a_farewell_waits_a_moment_for_the_get_that_it_has_overtaken() {
    for late in [false, true] {
        let (now, config, sid) = World::start();
        let mut session = Session::open_polling(now, config, sid, Protocol::V4);
        let mut actions = Vec::new();
        session.handle_get(request(0), &mut actions);
        session.flush(&mut actions);
        assert!(session.handle_post(request(1), &mut actions));
        actions.clear();
        session.handle_packet(now, Ok(Packet::Close), &mut actions);
        session.handle_post_end(request(1), &mut actions);
        assert_eq!(actions, [], "neither is answered, nor is it over");
        assert!(!session.is_open() && !session.is_closed() && session.is_reading(request(1)));
        assert_eq!(session.lane(), Lane::Closed);
        let until = session.deadline().unwrap();
        assert!(until - now <= Duration::from_millis(20));
        if late {
            session.handle_timeout(until, &mut actions);
        } else {
            session.handle_timeout(until - Duration::from_millis(1), &mut actions);
            session.handle_get(request(2), &mut actions);
            let first =
                Action::Respond { request: request(2), response: Response::Payload(b"6".to_vec()) };
            assert_eq!(actions.remove(0), first);
        }
        let accepted = Action::Respond { request: request(1), response: Response::Accepted };
        let closed = Action::Closed { reason: CloseReason::TransportClose };
        assert_eq!(actions, [accepted, closed]);
        assert!(session.is_closed());
    }
}

#[test]
fn nothing_is_expected_of_whom_nobody_listens_to() {
    let mut world = World::websocket();
    world.log();
    world.session.suspend_heartbeat();
    assert_eq!(world.session.deadline(), None);
    assert_eq!(world.after(100_000), "");
    world.session.resume_heartbeat(world.now);
    assert_eq!(world.after(300), "WS <- 2");
    // A pong is owed, and stays so; but the client has all its time again.
    world.session.suspend_heartbeat();
    assert_eq!(world.after(100_000), "");
    world.session.resume_heartbeat(world.now);
    assert_eq!(world.after(199), "");
    assert_eq!(world.ws("3"), "");
    assert_eq!(world.after(299), "");
    assert_eq!(world.after(1), "WS <- 2");
    // One that was read before all the same counts.
    world.session.suspend_heartbeat();
    assert_eq!(world.ws("3"), "");
    world.session.resume_heartbeat(world.now);
    assert_eq!(world.after(299), "");
    assert_eq!(world.after(1), "WS <- 2");
    world.after(200);
    assert_eq!(world.closed, [CloseReason::PingTimeout]);
}
