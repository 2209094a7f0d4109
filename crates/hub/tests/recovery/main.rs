//! Clients lose their connections and come back to other hubs, while every hub goes on sending: nothing is lost, nothing comes
//! twice, and each maker's order is kept.

mod limits;
mod moves;
mod world;

use std::time::Duration;

use proptest::prelude::*;

use world::{Step, World};

fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4u8, 0..5u8).prop_map(|(maker, whom)| Step::Broadcast { maker, whom }),
        2 => (0..3u8).prop_map(|client| Step::Direct { client }),
        6 => (0..16u8).prop_map(|link| Step::Travel { link }),
        4 => (0..3u8).prop_map(|client| Step::Read { client }),
        2 => (0..3u8).prop_map(|client| Step::Lose { client }),
        2 => (0..3u8).prop_map(|client| Step::Vanish { client }),
        3 => (0..3u8, 0..3u8).prop_map(|(client, hub)| Step::Return { client, hub }),
    ];
    prop::collection::vec(step, 0..count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_nothing_comes_twice_and_each_order_is_kept(steps in steps(120)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.settle();
        world.check();
    }
}

#[test]
fn what_comes_while_a_socket_is_going_is_missed_and_comes_later() {
    let mut world = World::new();
    world.take(Step::Broadcast { maker: 0, whom: 0 });
    world.take(Step::Read { client: 0 });
    world.begin_losing(0);
    world.take(Step::Broadcast { maker: 0, whom: 0 });
    world.finish_losing(0);
    world.take(Step::Return { client: 0, hub: 0 });
    world.settle();
    world.check();
    assert_eq!(world.received(0), 2);
}

#[test]
fn packets_for_one_socket_keep_no_other_from_moving_to_their_hub() {
    let mut world = World::new();
    // They are so old that hub 1 has forgotten them; nobody else ever knew of them.
    for _ in 0..3 {
        world.take(Step::Direct { client: 1 });
        world.pass(Duration::from_secs(121));
    }
    world.take(Step::Lose { client: 0 });
    world.take(Step::Return { client: 0, hub: 1 });
    world.travel(1, 0);
    world.travel(0, 1);
    assert!(world.hub(1).len().1 == 2, "it is there, with what it was");
    assert!(!world.hub(1).is_catching_up());
}

#[test]
fn a_hub_has_caught_up_when_it_knows_what_others_could_know() {
    let mut world = World::new();
    world.take(Step::Direct { client: 0 });
    world.take(Step::Lose { client: 0 });
    world.take(Step::Return { client: 0, hub: 1 });
    world.travel(1, 0);
    world.travel(0, 1);
    assert!(!world.hub(1).is_catching_up(), "a packet for one is none that it waits for");
    // Back where it was, it does not get that packet once more.
    world.take(Step::Lose { client: 0 });
    world.take(Step::Return { client: 0, hub: 0 });
    world.settle();
    world.check();
    assert_eq!(world.received(0), 1);
}

#[test]
fn a_packet_that_the_old_hub_had_not_seen_comes_from_the_new_one() {
    let mut world = World::new();
    world.take(Step::Lose { client: 0 });
    // Made on hub 2, it has reached hub 1 but not hub 0, where the session is.
    world.take(Step::Broadcast { maker: 2, whom: 0 });
    world.travel(2, 1);
    world.take(Step::Return { client: 0, hub: 1 });
    world.travel(1, 0);
    world.travel(0, 1);
    world.settle();
    world.check();
    assert_eq!(world.received(0), 1);
}

#[test]
fn a_packet_that_the_old_hub_had_seen_is_not_taken_twice_from_the_new_one() {
    let mut world = World::new();
    world.take(Step::Lose { client: 0 });
    // Made on hub 2, it has reached hub 0 but not hub 1.
    world.take(Step::Broadcast { maker: 2, whom: 0 });
    world.travel(2, 0);
    world.take(Step::Return { client: 0, hub: 1 });
    world.travel(1, 0);
    world.travel(0, 1);
    // It is in what the old hub gave up; here it comes once more, and is logged.
    world.travel(2, 1);
    world.settle();
    // Lost again before it has read a word, the client asks for everything once more.
    world.take(Step::Lose { client: 0 });
    world.take(Step::Return { client: 0, hub: 1 });
    world.settle();
    world.check();
    assert_eq!(world.received(0), 1);
}
