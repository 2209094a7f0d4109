//! The same seed gives the same run, byte for byte: nothing depends on addresses, on the order of maps, or on real time.

use siomio_testkit::sim::{Plan, Random, seeds};

use crate::order;

#[test]
fn the_same_seed_gives_the_same_trace() {
    let any = |random: &mut Random| match random.below(3) {
        0 => Plan::WebSocket,
        1 => Plan::Polling,
        _ => Plan::Upgrade { after: random.below(20), failures: random.below(3) },
    };
    seeds(30, |seed| {
        let [first, second] = [(); 2].map(|()| order::run(seed, 4, any).trace().lines());
        let difference = first.iter().zip(&second).position(|(first, second)| first != second);
        if let Some(line) = difference {
            panic!("seed {seed}, line {line}:\n{}\n{}", first[line], second[line]);
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
    });
}

#[test]
fn another_seed_gives_another_trace() {
    let [first, second] = [1, 2].map(|seed| order::run(seed, 4, |_| Plan::Polling).trace().lines());
    assert_ne!(first, second);
}
