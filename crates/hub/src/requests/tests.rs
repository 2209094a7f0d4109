use std::time::{Duration, Instant};

use super::*;
use crate::{Config, Due, Hub, Rooms};

const ID: RequestId = RequestId(7);
const TOKEN: AckToken = AckToken(3);

struct World {
    now: Instant,
    hub: Hub,
}

impl World {
    #[allow(clippy::disallowed_methods, reason = "tests need some instant to start from")]
    fn new(style: Style, parts: usize) -> Self {
        let (now, mut hub) = (Instant::now(), Hub::new(Config::default(), Rooms::shared(1), 1));
        hub.open_request(ID, TOKEN, style, parts, now + Duration::from_secs(5));
        Self { now, hub }
    }

    fn answer(&mut self, answer: Answer) -> Option<Told> {
        self.hub.handle_answer(ID, answer)
    }

    /// It is over, and nothing is left of it.
    fn is_over(&mut self) {
        assert_eq!(self.hub.deadline(), None);
        assert_eq!(self.answer(Answer::Recipients(1)), None);
    }

    fn expire(&mut self) -> Outcome {
        match self.hub.handle_timeout(self.now + Duration::from_secs(5)) {
            Some(Due::Request(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }
}

fn args(number: u32) -> Args {
    Args::new(&number).unwrap()
}

fn ack(number: u32) -> Answer {
    Answer::Ack(Some(args(number)))
}

fn done(answers: &[u32], missing: usize) -> Outcome {
    let answers = answers.iter().map(|number| args(*number)).collect();
    Outcome { token: TOKEN, answers, sockets: Vec::new(), missing }
}

#[test]
fn it_is_complete_when_every_part_and_every_recipient_has_answered() {
    let mut world = World::new(Style::Whole, 2);
    assert_eq!(world.answer(Answer::Recipients(2)), None);
    assert_eq!(world.answer(ack(1)), None);
    // One of the other part's is faster than the part itself.
    assert_eq!(world.answer(ack(2)), None);
    assert_eq!(world.answer(Answer::Recipients(1)), None);
    assert_eq!(world.answer(ack(3)), Some(Told::Done(done(&[1, 2, 3], 0))));
    world.is_over();
}

#[test]
fn nobody_at_all_is_complete_at_once() {
    let mut world = World::new(Style::Whole, 2);
    assert_eq!(world.answer(Answer::Recipients(0)), None);
    assert_eq!(world.answer(Answer::Recipients(0)), Some(Told::Done(done(&[], 0))));
    world.is_over();
}

#[test]
fn whoever_is_gone_is_missing_and_not_waited_for() {
    let mut world = World::new(Style::Whole, 1);
    assert_eq!(world.answer(Answer::Recipients(2)), None);
    assert_eq!(world.answer(Answer::Ack(None)), None);
    assert_eq!(world.answer(ack(1)), Some(Told::Done(done(&[1], 1))));
    world.is_over();
}

#[test]
fn when_the_time_is_over_there_is_what_came() {
    let mut world = World::new(Style::Whole, 3);
    world.answer(Answer::Recipients(2));
    world.answer(ack(1));
    // Two parts have not said anything, and one recipient has not.
    assert_eq!(world.expire(), done(&[1], 3));
    world.is_over();
}

#[test]
fn sockets_of_all_parts_are_collected() {
    let info = |id: &str| SocketInfo {
        id: id.into(),
        handshake: "{}".into(),
        rooms: vec![id.into()],
        data: "null".into(),
    };
    let mut world = World::new(Style::Whole, 2);
    assert_eq!(world.answer(Answer::Sockets(vec![info("a"), info("b")])), None);
    let all = vec![info("a"), info("b"), info("c")];
    let outcome = Outcome { sockets: all.clone(), ..done(&[], 0) };
    assert_eq!(world.answer(Answer::Sockets(vec![info("c")])), Some(Told::Done(outcome)));
    world.is_over();

    let mut world = World::new(Style::Relayed, 2);
    assert_eq!(world.answer(Answer::Sockets(vec![info("a"), info("b")])), None);
    let relay = Told::Relay { token: TOKEN, answer: Answer::Sockets(all), last: true };
    assert_eq!(world.answer(Answer::Sockets(vec![info("c")])), Some(relay));
    world.is_over();
}

#[test]
fn what_is_relayed_goes_on_at_once_but_for_what_parts_count() {
    let relay = |answer, last| Some(Told::Relay { token: TOKEN, answer, last });
    let mut world = World::new(Style::Relayed, 2);
    assert_eq!(world.answer(ack(1)), relay(ack(1), false));
    assert_eq!(world.answer(Answer::Recipients(1)), None);
    assert_eq!(world.answer(Answer::Recipients(2)), relay(Answer::Recipients(3), false));
    assert_eq!(world.answer(Answer::Ack(None)), relay(Answer::Ack(None), false));
    assert_eq!(world.answer(ack(2)), relay(ack(2), true));
    world.is_over();
}

#[test]
fn servers_answer_one_each() {
    let mut world = World::new(Style::Whole, 2);
    assert_eq!(world.answer(Answer::ServerSide(args(1))), None);
    assert_eq!(world.answer(Answer::ServerSide(args(2))), Some(Told::Done(done(&[1, 2], 0))));
    let mut world = World::new(Style::Whole, 2);
    world.answer(Answer::ServerSide(args(1)));
    assert_eq!(world.expire(), done(&[1], 1));
}

#[test]
fn a_hub_that_is_no_home_knows_nothing_of_it() {
    let mut world = World::new(Style::Whole, 1);
    assert_eq!(world.hub.handle_answer(RequestId(8), ack(1)), None);
}
