//! Clients lose their connections and come back to other hubs, while every hub goes on sending: nothing is lost, nothing comes
//! twice, and each maker's order is kept.

mod limits;
mod world;

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
