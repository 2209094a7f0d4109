//! Replays the fuzzer's seeds, on any toolchain.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_hub() {
    replay("hub", 9, siomio_hub::fuzzing::hub);
}
