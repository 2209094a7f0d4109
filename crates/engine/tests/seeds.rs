//! Replays the fuzzer's seeds, on any toolchain.

use std::{fs, path::Path};

#[test]
fn seeds_of_the_fuzz_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/payload");
    // A packaged crate comes without them.
    let Ok(entries) = fs::read_dir(seeds) else { return };
    let mut replayed = 0;
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        println!("{}", path.display());
        siomio_engine::fuzzing::payload(&fs::read(&path).expect("a readable file"));
        replayed += 1;
    }
    assert!(replayed >= 12, "only {replayed} seeds");
}
