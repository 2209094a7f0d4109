//! Replays the fuzzer's seeds, on any toolchain.

use std::fs;
use std::path::Path;

fn replay(target: &str, at_least: usize, body: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    // A packaged crate comes without them.
    let Ok(entries) = fs::read_dir(seeds) else { return };
    let mut replayed = 0;
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        println!("{}", path.display());
        body(&fs::read(&path).expect("a readable file"));
        replayed += 1;
    }
    assert!(replayed >= at_least, "only {replayed} seeds");
}

#[test]
fn seeds_of_packet() {
    replay("packet", 24, siomio_packet::fuzzing::packet);
}

#[cfg(feature = "msgpack")]
#[test]
fn seeds_of_msgpack() {
    replay("msgpack", 24, siomio_packet::fuzzing::msgpack);
}
