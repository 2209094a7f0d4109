//! Figures of several rounds.

use std::fmt;

use crate::scenario::Outcome;

/// What one server has shown in one scenario, round by round.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    outcomes: Vec<Outcome>,
}

impl Figures {
    /// Adds a round.
    pub fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// The figure in the middle; nothing without rounds.
    pub fn median(&self) -> Option<f64> {
        let figures = self.sorted();
        let middle = figures.len() / 2;
        match figures.len() {
            0 => None,
            length if length % 2 == 1 => Some(figures[middle]),
            _ => Some(f64::midpoint(figures[middle - 1], figures[middle])),
        }
    }

    /// How far the rounds lie apart, as a part of the median.
    pub fn spread(&self) -> Option<f64> {
        let figures = self.sorted();
        Some((figures.last()? - figures.first()?) / self.median()?)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut figures: Vec<f64> = self.outcomes.iter().map(Outcome::figure).collect();
        figures.sort_by(f64::total_cmp);
        figures
    }
}

/// Operations a second, how busy the server was, and how long operations took, of the last round.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Outcome::Plateaus { first, last, empty }) = self.outcomes.last() {
            let [first, last, empty] = [first, last, empty].map(|bytes| bytes / 1024.0 / 1024.0);
            return write!(f, "{first:.1} MiB, then {last:.1} MiB; empty {empty:.1} MiB");
        }
        let Some(Outcome::Work { operations, elapsed, cpu, latency }) = self.outcomes.last() else {
            return Ok(());
        };
        let seconds = elapsed.as_secs_f64();
        let (rate, busy) = (*operations as f64 / seconds, cpu.as_secs_f64() / seconds * 100.0);
        write!(f, "{rate:.0}/s, {busy:.0} % busy")?;
        if let Some((median, slow)) = latency {
            write!(
                f,
                ", {:.0} µs, p99 {:.0} µs",
                median.as_secs_f64() * 1e6,
                slow.as_secs_f64() * 1e6
            )?;
        }
        Ok(())
    }
}
