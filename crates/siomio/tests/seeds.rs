//! Replays the fuzzer's seeds, on any toolchain.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_server() {
    replay("server", 6, siomio::fuzzing::server);
}
