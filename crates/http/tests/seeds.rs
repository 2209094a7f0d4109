//! Replays the fuzzer's seeds, on any toolchain.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_http() {
    replay("http", 7, siomio_http::fuzzing::connection);
}
