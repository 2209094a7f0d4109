//! Replays the fuzzer's seeds, on any toolchain.

use std::fs;
use std::path::Path;

#[test]
fn seeds_of_the_fuzz_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/packet");
    // A packaged crate comes without them.
    let Ok(entries) = fs::read_dir(seeds) else { return };
    let mut replayed = 0;
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        println!("{}", path.display());
        siomio_packet::fuzzing::packet(&fs::read(&path).expect("a readable file"));
        replayed += 1;
    }
    assert!(replayed >= 24, "only {replayed} seeds");
}
