//! Replays the fuzzer's seeds, on any toolchain.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_packet() {
    replay("packet", 24, siomio_packet::fuzzing::packet);
}

#[cfg(feature = "msgpack")]
#[test]
fn seeds_of_msgpack() {
    replay("msgpack", 24, siomio_packet::fuzzing::msgpack);
}
