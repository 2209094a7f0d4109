use super::{Example, programs::blocking_handlers::server};

#[test]
fn the_socket_that_counts_waits_and_the_other_does_not() {
    let example = Example::start(server());
    let (mut counting, mut other) = (example.join(), example.join());
    counting.send("421[\"primes\",5000000]");
    counting.send("422[\"time\"]");
    counting.expect(&["42[\"counting\",5000000]"]);
    other.send("421[\"time\"]");
    let early = other.expect_start("431[")[0].as_u64().unwrap();
    counting.expect(&["431[348513]"]);
    let late = counting.expect_start("432[")[0].as_u64().unwrap();
    assert!(early < late, "{early} is before {late}");
}
