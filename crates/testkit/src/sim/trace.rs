//! What happened, line by line.

use std::{cell::RefCell, fmt, rc::Rc};

use super::Clock;

/// A log that everything in a world writes to. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Trace(Rc<RefCell<Lines>>);

#[derive(Debug)]
struct Lines {
    clock: Clock,
    lines: Vec<String>,
}

/// Longest part of some bytes that is shown.
const PREVIEW: usize = 72;
/// Lines shown of a failure, unless `SIM_TRACE` asks for all.
const TAIL: usize = 120;

impl Trace {
    pub(super) fn new(clock: Clock) -> Self {
        Self(Rc::new(RefCell::new(Lines { clock, lines: Vec::new() })))
    }

    /// Adds a line.
    pub fn add(&self, line: fmt::Arguments<'_>) {
        let mut log = self.0.borrow_mut();
        let millis = log.clock.elapsed().as_millis();
        log.lines.push(format!("{millis:>7} {line}"));
    }

    /// Adds a line about bytes that moved: their number, their beginning, and a digest of them all.
    pub(super) fn bytes(&self, who: fmt::Arguments<'_>, bytes: &[u8]) {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        for byte in bytes {
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let preview = bytes[..bytes.len().min(PREVIEW)].escape_ascii();
        self.add(format_args!("{who} {} [{:06x}] {preview}", bytes.len(), digest & 0xff_ffff));
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.borrow().lines.clone()
    }

    pub(super) fn print(&self, seed: u64) {
        let lines = &self.0.borrow().lines;
        let all = std::env::var_os("SIM_TRACE").is_some();
        let skipped = if all { 0 } else { lines.len().saturating_sub(TAIL) };
        eprintln!(
            "--- seed {seed}: {} lines, {skipped} not shown (SIM_TRACE=1 shows all)",
            lines.len()
        );
        for line in &lines[skipped..] {
            eprintln!("{line}");
        }
        eprintln!("--- replay with SIM_SEED={seed}");
    }
}
