//! Replays the seeds of a target in the tests of the crate that holds its body.

use std::{fs, path::Path};

/// Replays those of a target, of which there are at least so many.
pub(crate) fn replay(target: &str, least: usize, run: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    // A packaged crate comes without them.
    let Ok(entries) = fs::read_dir(seeds) else { return };
    let mut replayed = 0;
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        println!("{}", path.display());
        run(&fs::read(&path).expect("a readable file"));
        replayed += 1;
    }
    assert!(replayed >= least, "only {replayed} seeds");
}
