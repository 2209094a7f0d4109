//! What is kept is bounded, and what is not kept is not pretended.

use std::{sync::Arc, time::Duration};

use siomio_hub::{Due, Recovery, Revision};

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
    let offset = siomio_hub::Offset { origin: 0, sequence: 7 };
    assert!(world.hub(0).give_up(now, &pid(0), Some(offset)).is_none());
    assert!(world.hub(0).give_up(now, &pid(0), None).is_none(), "and the session is gone");
}
