//! Replays the fuzzer's seeds, on any toolchain.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_payload() {
    replay("payload", 12, siomio_engine::fuzzing::payload);
}

#[test]
fn seeds_of_session() {
    replay("session", 5, siomio_engine::fuzzing::session);
}
