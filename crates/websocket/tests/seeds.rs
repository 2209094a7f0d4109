//! Replays the fuzzer's seeds, on any toolchain.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_websocket() {
    replay("websocket", 10, siomio_websocket::fuzzing::reader);
}
