//! What is looked at again and again, and what it says in the end.

use std::{
    fmt::{self, Write},
    io,
    time::{Duration, Instant},
};

use super::crowd::Crowd;
use crate::process::Process;

/// One look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Since the beginning.
    pub at: Duration,
    /// Guests that are there.
    pub guests: usize,
    /// Answers that were right, since the beginning.
    pub operations: u64,
    /// Resident memory of the server in bytes.
    pub resident: u64,
    /// Descriptors that it has open.
    pub descriptors: usize,
    /// How busy it was since the last look: 1 is all the time.
    pub busy: f64,
    /// How long the prober waited for answers since the last look: the median, the slowest of a hundred, and the slowest.
    pub latency: [Duration; 3],
    /// Mistakes since the beginning.
    pub mistakes: u64,
}

impl Sample {
    /// The names of what a line shows.
    pub const HEAD: &'static str = "   time  guests  operations  resident MiB  descriptors  busy %   p50 µs   p99 µs   max µs  mistakes";
}

/// A line, below [`HEAD`](Sample::HEAD).
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, [p50, p99, max]) = (self.at.as_secs(), self.latency.map(|it| it.as_micros()));
        let time = format!("{}:{:02}", seconds / 60, seconds % 60);
        write!(
            f,
            "{time:>7} {:>7} {:>11} {:>13.2} {:>12} {:>7.1} {p50:>8} {p99:>8} {max:>8} {:>9}",
            self.guests,
            self.operations,
            self.resident as f64 / 1024.0 / 1024.0,
            self.descriptors,
            self.busy * 100.0,
            self.mistakes,
        )
    }
}

/// All figures, for other programs.
pub(super) fn csv(samples: &[Sample]) -> String {
    let mut text = String::from(
        "seconds,guests,operations,resident_bytes,descriptors,busy,p50_us,p99_us,max_us,mistakes\n",
    );
    for sample in samples {
        let [p50, p99, max] = sample.latency.map(|it| it.as_micros());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:.1},{},{},{},{},{:.3},{p50},{p99},{max},{}",
            sample.at.as_secs_f64(),
            sample.guests,
            sample.operations,
            sample.resident,
            sample.descriptors,
            sample.busy,
            sample.mistakes,
        );
    }
    text
}

/// Takes samples.
#[derive(Debug)]
pub(super) struct Meter {
    process: Process,
    began: Instant,
    /// The last look, and the CPU time until then.
    last: (Instant, Duration),
}

impl Meter {
    pub(super) fn new(process: Process) -> io::Result<Self> {
        let now = Instant::now();
        Ok(Self { process, began: now, last: (now, process.cpu()?) })
    }

    pub(super) fn sample(
        &mut self,
        crowd: &Crowd,
        mut latencies: Vec<Duration>,
    ) -> io::Result<Sample> {
        let (now, cpu) = (Instant::now(), self.process.cpu()?);
        let (then, before) = std::mem::replace(&mut self.last, (now, cpu));
        let busy = cpu.saturating_sub(before).as_secs_f64() / (now - then).as_secs_f64();
        latencies.sort_unstable();
        let rank = |share: usize| {
            let place = (latencies.len() * share / 100).min(latencies.len().saturating_sub(1));
            latencies.get(place).copied().unwrap_or_default()
        };
        let (operations, mistakes) = crowd.books().totals();
        Ok(Sample {
            at: now - self.began,
            guests: crowd.len(),
            operations,
            resident: self.process.resident()?,
            descriptors: self.process.descriptors()?,
            busy,
            latency: [rank(50), rank(99), rank(100)],
            mistakes,
        })
    }
}

/// The first quarter beside the last, after a warm-up of a tenth; medians of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Resident memory in bytes.
    pub resident: [f64; 2],
    /// The slowest of a hundred answers, in microseconds.
    pub p99: [f64; 2],
}

/// Fewer samples say nothing.
const ENOUGH: usize = 8;
/// So much more memory is still the same.
const MORE_MEMORY: f64 = 1.05;
/// So much slower is still as fast: others use the machine, too.
const SLOWER: f64 = 3.0;
/// Microseconds that are no matter.
const NO_MATTER: f64 = 1_000.0;

impl Verdict {
    /// What samples say; nothing when they are too few.
    pub fn of(samples: &[Sample]) -> Option<Self> {
        let warm_up = samples.last()?.at / 10;
        let warm: Vec<_> = samples.iter().filter(|sample| sample.at > warm_up).collect();
        if warm.len() < ENOUGH {
            return None;
        }
        let quarter = warm.len() / 4;
        let both = |figure: fn(&Sample) -> f64| {
            [&warm[..quarter], &warm[warm.len() - quarter..]]
                .map(|part| median(part.iter().map(|sample| figure(sample))))
        };
        Some(Self {
            resident: both(|sample| sample.resident as f64),
            p99: both(|sample| sample.latency[1].as_secs_f64() * 1e6),
        })
    }

    /// Whether the server is what it was.
    pub fn is_flat(&self) -> bool {
        self.resident[1] <= self.resident[0] * MORE_MEMORY
            && self.p99[1] <= self.p99[0] * SLOWER + NO_MATTER
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, last] = self.resident;
        let [fast, slow] = self.p99;
        write!(
            f,
            "{}: {:.2} MiB, then {:.2} MiB ({:+.1} %); p99 {fast:.0} µs, then {slow:.0} µs",
            if self.is_flat() { "flat" } else { "NOT FLAT" },
            first / 1024.0 / 1024.0,
            last / 1024.0 / 1024.0,
            (last / first - 1.0) * 100.0,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(figures: impl Fn(u64) -> (u64, u64)) -> Vec<Sample> {
        let sample = |number| {
            let (resident, p99) = figures(number);
            let latency = [Duration::ZERO, Duration::from_micros(p99), Duration::MAX];
            Sample { at: Duration::from_secs(number), resident, latency, ..Sample::default() }
        };
        (1..=100).map(sample).collect()
    }

    #[test]
    fn what_grows_is_not_flat() {
        let flat = |figures: fn(u64) -> (u64, u64)| {
            Verdict::of(&samples(figures)).expect("enough of them").is_flat()
        };
        assert!(flat(|_| (1_000, 500)));
        assert!(flat(|number| (if number <= 10 { 1 } else { 1_000 }, 500)), "the warm-up");
        assert!(flat(|number| (2_000 - number, 500)), "less is no leak");
        assert!(flat(|number| (1_000 + 500 * (number % 7), 500)), "up and down");
        assert!(!flat(|number| (1_000 + number, 500)));
        assert!(flat(|number| (1_000, 500 + number * 10)), "not so much slower");
        assert!(!flat(|number| (1_000, 500 + number * 100)));
    }

    #[test]
    fn few_samples_say_nothing() {
        assert_eq!(Verdict::of(&samples(|_| (1, 1))[..7]), None);
        assert_eq!(Verdict::of(&[]), None);
    }

    #[test]
    fn a_line_of_figures_has_as_many_as_the_first_names() {
        let text = csv(&samples(|_| (1, 1)));
        let widths: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(widths, [10; 101]);
    }
}
