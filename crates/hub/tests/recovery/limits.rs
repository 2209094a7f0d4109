//! What is kept is bounded, and what is not kept is not pretended.

use std::{sync::Arc, time::Duration};

use siomio_hub::{DisconnectReason, Due, Offset, Recovery, Revision};

use super::world::{Step, World};

fn recovery(change: impl FnOnce(&mut Recovery)) -> Recovery {
    let mut recovery = Recovery::default();
    change(&mut recovery);
    recovery
}

fn pid(number: usize) -> Arc<str> {
    format!("pid{number}").into()
}

#[test]
fn a_session_is_kept_for_two_minutes() {
    let mut world = World::new();
    let at = world.now() + Duration::from_secs(120);
    world.take(Step::Lose { client: 0 });
    world.pass(Duration::from_millis(119_999));
    let now = world.now();
    assert!(world.hub(0).sessions() > 0);
    assert_eq!(world.hub(0).handle_timeout(now), None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.hub(0).deadline(), Some(at));
    assert_eq!(world.hub(0).handle_timeout(at), Some(Due::Session(pid(0))));
    assert_eq!(world.hub(0).handle_timeout(at), None);
    assert!(world.hub(0).give_up(at, &pid(0), None).is_none());
    assert_eq!(world.hub(0).sessions(), 0, "nothing is left behind");
}

#[test]
fn of_too_many_sessions_the_oldest_goes() {
    let mut world = World::with(recovery(|recovery| recovery.max_sessions = 0));
    world.take(Step::Lose { client: 0 });
    let now = world.now();
    assert_eq!(world.hub(0).handle_timeout(now), Some(Due::Session(pid(0))));
    assert!(world.hub(0).give_up(now, &pid(0), None).is_none());
}

#[test]
fn those_that_stay_when_one_too_many_goes_are_still_not_kept_for_ever() {
    let mut world = World::with(recovery(|recovery| recovery.max_sessions = 1));
    world.take(Step::Lose { client: 1 });
    world.take(Step::Return { client: 1, hub: 0 });
    // There and back.
    world.take(Step::Travel { link: 4 });
    world.take(Step::Travel { link: 1 });
    world.take(Step::Lose { client: 0 });
    world.take(Step::Lose { client: 1 });
    let now = world.now();
    assert_eq!(world.hub(0).handle_timeout(now), Some(Due::Session(pid(0))));
    assert_eq!(world.hub(0).handle_timeout(now), None);
    let until = now + Duration::from_secs(120);
    assert_eq!(world.hub(0).deadline(), Some(until));
    assert_eq!(world.hub(0).handle_timeout(until), Some(Due::Session(pid(1))));
}

#[test]
fn what_is_too_old_is_forgotten_and_whoever_missed_it_is_not_served_half() {
    let mut world = World::with(recovery(|recovery| recovery.max_bytes = 1000));
    world.take(Step::Lose { client: 0 });
    for _ in 0..100 {
        world.take(Step::Broadcast { maker: 0, whom: 0 });
    }
    let now = world.now();
    assert!(world.hub(0).give_up(now, &pid(0), None).is_none());
}

#[test]
fn a_hub_that_has_forgotten_what_the_other_had_not_seen_does_not_take_up() {
    let mut world = World::with(recovery(|recovery| recovery.max_bytes = 1000));
    world.take(Step::Lose { client: 0 });
    let now = world.now();
    // Made on hub 1 in such a number that it has forgotten the first of them; nothing of it has reached hub 0.
    for _ in 0..100 {
        world.take(Step::Broadcast { maker: 1, whom: 0 });
    }
    let given_up = world.hub(0).give_up(now, &pid(0), None).expect("it missed nothing here");
    assert!(!world.hub(1).can_take_up(&given_up));
    assert!(world.hub(0).can_take_up(&given_up));
}

#[test]
fn who_is_let_in_after_what_it_missed_was_forgotten_begins_anew() {
    let mut world = World::with(recovery(|recovery| recovery.max_bytes = 1000));
    world.take(Step::Lose { client: 0 });
    let now = world.now();
    let hub = world.hub(0);
    let session = hub.give_up(now, &pid(0), None).expect("it missed nothing yet");
    let client = hub.open_client(now, 9, Revision::V5);
    let main = hub.find("/").expect("a namespace");
    let socket = hub.begin_connect(client, main, session.id.clone()).expect("a socket");
    hub.take_up(socket, session);
    assert_eq!(hub.begin_anew(socket), None);
    // While the application thinks about it.
    for _ in 0..100 {
        world.take(Step::Broadcast { maker: 0, whom: 0 });
    }
    let hub = world.hub(0);
    assert_eq!(hub.begin_anew(socket), Some(pid(0)));
    assert!(hub.accept(now, socket, Some("new".into())).is_some_and(|missed| missed.is_empty()));
    assert!(!hub.is_recovered(socket));
    assert_eq!(hub.pid(socket).map(|pid| &**pid), Some("new"));
}

#[test]
fn whoever_has_seen_the_last_that_was_sent_comes_back_however_long_ago_that_was() {
    let mut world = World::new();
    world.take(Step::Broadcast { maker: 0, whom: 0 });
    world.take(Step::Read { client: 0 });
    // For others, for so long that the log has forgotten what this client has seen.
    for _ in 0..10 {
        world.pass(Duration::from_secs(60));
        world.take(Step::Broadcast { maker: 0, whom: 3 });
        world.take(Step::Direct { client: 1 });
    }
    let before = world.received(0);
    world.take(Step::Read { client: 0 });
    assert!(before == 1 && world.received(0) == 2, "a room of its own");
    for _ in 0..8 {
        world.take(Step::Read { client: 0 });
    }
    world.take(Step::Lose { client: 0 });
    world.take(Step::Return { client: 0, hub: 0 });
    assert_eq!(world.hub(0).len().1, 1);
}

#[test]
fn an_offset_that_nobody_gave_is_not_believed() {
    let mut world = World::new();
    world.take(Step::Broadcast { maker: 0, whom: 0 });
    world.take(Step::Lose { client: 0 });
    let now = world.now();
    let offset = Offset { origin: 0, sequence: 7 };
    assert!(world.hub(0).give_up(now, &pid(0), Some(offset)).is_none());
    assert!(world.hub(0).give_up(now, &pid(0), None).is_none(), "and the session is gone");
}

/// Client 0 is back on hub 0, whether its connection was known to be lost or not, and has seen this last. What is sent to it again;
/// `None` if it cannot come back.
fn come_back(world: &mut World, last: Option<Offset>) -> Option<Vec<Offset>> {
    let now = world.now();
    lose(world);
    let hub = world.hub(0);
    let session = hub.give_up(now, &pid(0), last)?;
    let client = hub.open_client(now, 0, Revision::V5);
    let main = hub.find("/")?;
    let socket = hub.begin_connect(client, main, session.id.clone())?;
    hub.take_up(socket, session);
    let missed = hub.accept(now, socket, None)?;
    Some(missed.iter().filter_map(|packet| packet.offset()).collect())
}

fn lose(world: &mut World) {
    let now = world.now();
    let hub = world.hub(0);
    if let Some(socket) = hub.holder(&pid(0)) {
        assert!(hub.begin_disconnect(socket, false));
        hub.remove(now, socket, DisconnectReason::TransportClose);
    }
}

fn pass(world: &mut World, seconds: u64) {
    world.pass(Duration::from_secs(seconds));
    let now = world.now();
    while world.hub(0).handle_timeout(now).is_some() {}
}

#[test]
fn who_never_sees_what_is_sent_again_is_not_sent_ever_more_of_it() {
    let mut world = World::new();
    let mut missed = Vec::new();
    for _ in 0..5 {
        world.take(Step::Broadcast { maker: 0, whom: 0 });
        pass(&mut world, 50);
        missed.push(come_back(&mut world, None).map(|missed| missed.len()));
    }
    // First sent again after 50 seconds, and too old after 170.
    assert_eq!(missed, [Some(1), Some(2), Some(3), None, None]);
}

#[test]
fn nor_is_who_goes_again_before_it_is_let_in() {
    let mut world = World::new();
    lose(&mut world);
    let mut kept = Vec::new();
    for _ in 0..5 {
        world.take(Step::Broadcast { maker: 0, whom: 0 });
        pass(&mut world, 50);
        let now = world.now();
        let hub = world.hub(0);
        let main = hub.find("/").expect("a namespace");
        let session = hub.give_up(now, &pid(0), None);
        kept.push(session.is_some_and(|session| hub.keep(now, main, session).is_some()));
    }
    assert_eq!(kept, [true, true, true, false, false]);
}

#[test]
fn what_was_sent_again_grows_old_while_nobody_is_there() {
    let away = |last: fn(Vec<Offset>) -> Option<Offset>| {
        let mut world = World::new();
        lose(&mut world);
        world.take(Step::Broadcast { maker: 0, whom: 0 });
        let last = come_back(&mut world, None).and_then(last);
        pass(&mut world, 60);
        lose(&mut world);
        pass(&mut world, 60);
        come_back(&mut world, last)
    };
    assert_eq!(away(|_| None), None, "though the session itself could be taken up");
    assert_eq!(away(|missed| missed.last().copied()), Some(Vec::new()));
}

#[test]
fn who_sees_what_is_sent_again_comes_back_as_often_as_it_likes() {
    let mut world = World::new();
    let mut last = None;
    for _ in 0..20 {
        world.take(Step::Broadcast { maker: 0, whom: 0 });
        pass(&mut world, 50);
        let missed = come_back(&mut world, last).expect("it has seen what was sent before");
        assert_eq!(missed.len(), 1);
        last = missed.last().copied();
    }
}

#[test]
fn what_is_sent_again_to_one_client_is_no_more_than_a_hub_keeps() {
    let mut world = World::with(recovery(|recovery| recovery.max_bytes = 64 * 1024));
    let mut missed = Vec::new();
    for _ in 0..100 {
        for _ in 0..100 {
            world.take(Step::Broadcast { maker: 0, whom: 0 });
        }
        missed.push(come_back(&mut world, None).map(|missed| missed.len()));
    }
    let returns = missed.iter().take_while(|missed| missed.is_some()).count();
    assert!((2..10).contains(&returns), "{missed:?}");
}
