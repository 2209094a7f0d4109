//! Whether a server stays what it is: mixed life on it for long, and a look at its memory, its descriptors and its latency all the while.
//!
//! ```text
//!   crowd ── guests that come, talk, err and go ──► soak_server ◄── prober, who only asks how long an answer takes
//!     │              (core 1)                         (core 0)                 │
//!     └──────────── samples, every ten seconds ◄─────────┴─────────────────────┘
//!                      └──► lines, CSV, plot, verdict
//! ```
//!
//! Guests know what they are to be told, so every answer is checked: echoes, acknowledgements and attachments in the order they were asked for,
//! what is said in rooms without a gap, also for those who lost their connection and came back. Who breaks a rule has to be shown out. In the
//! end everybody leaves, and the server must have nothing left.

mod census;
mod client;
mod crowd;
mod fate;
mod ground;
mod http;
mod line;
mod plot;
mod prober;
mod sample;
mod subject;
mod talk;
mod torso;

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use self::{census::Census, crowd::Crowd, prober::Prober, sample::Meter};
use crate::process::Subject;

pub use self::{
    sample::{Sample, Verdict},
    subject::{Fault, server},
};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For how long.
    pub time: Duration,
    /// How much of it is between two samples.
    pub every: Duration,
    /// Where all choices come from.
    pub seed: u64,
    /// Most guests at once.
    pub population: usize,
    /// Most things that guests do in a second.
    pub rate: u32,
    /// Where the plot goes.
    pub plot: Option<PathBuf>,
    /// Where the figures go.
    pub csv: Option<PathBuf>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30 * 60),
            every: Duration::from_secs(10),
            seed: 1,
            population: 400,
            rate: 3_000,
            plot: None,
            csv: None,
        }
    }
}

/// What has come of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was measured, in order.
    pub samples: Vec<Sample>,
    /// What was wrong, the first of it in words.
    pub mistakes: Vec<String>,
    /// What is left when everybody has gone; empty if all is as it was.
    pub remains: Vec<String>,
    /// What was done, and how often: by what it was, in the order of the alphabet.
    pub done: Vec<(&'static str, u64)>,
    /// Whether memory and latency stayed what they were; nothing where the time was too short to say.
    pub verdict: Option<Verdict>,
}

impl Outcome {
    /// Whether the server was right all the time, is what it was, and has nothing left.
    pub fn is_fine(&self) -> bool {
        let is_flat = self.verdict.is_none_or(|verdict| verdict.is_flat());
        is_flat && self.mistakes.is_empty() && self.remains.is_empty()
    }
}

/// Time for the server to notice that everybody is gone: longer than any of its deadlines, and than sessions are kept.
const FAREWELL: Duration = Duration::from_secs(40);

/// Puts life on a server for as long as is planned, then has everybody leave.
///
/// # Errors
/// When the server is gone.
pub fn run(plan: &Plan, subject: &Subject) -> io::Result<Outcome> {
    let (address, process) = (subject.address(), subject.process());
    // It looks for remains by itself, so its own connection is there before and after.
    let mut census = Census::open(address)?;
    let before = process.descriptors()?;
    let mut prober = Some(Prober::start(address)?);
    let mut crowd = Crowd::new(address, plan)?;
    let mut meter = Meter::new(process)?;
    let (began, mut samples) = (Instant::now(), Vec::<Sample>::new());
    println!("{}", Sample::HEAD);
    while began.elapsed() < plan.time {
        crowd.live(plan.every.min(plan.time.saturating_sub(began.elapsed())))?;
        let latencies = prober.as_ref().map(Prober::latencies).transpose()?.unwrap_or_default();
        let sample = meter.sample(&crowd, latencies)?;
        println!("{sample}");
        samples.push(sample);
    }
    crowd.disperse();
    if let Some(prober) = prober.take() {
        prober.stop()?;
    }
    let remains = settle(&mut census, || Ok(process.descriptors()?.saturating_sub(before)))?;
    if let Some(csv) = &plan.csv {
        write(csv, &sample::csv(&samples))?;
    }
    if let Some(plot) = &plan.plot {
        write(plot, &plot::svg(&samples))?;
    }
    let verdict = Verdict::of(&samples);
    let (mistakes, done) = crowd.into_books();
    Ok(Outcome { samples, mistakes, remains, done, verdict })
}

/// Waits until nothing is left, or no longer.
fn settle(
    census: &mut Census,
    more_descriptors: impl Fn() -> io::Result<usize>,
) -> io::Result<Vec<String>> {
    let until = Instant::now() + FAREWELL;
    loop {
        let mut remains = census.remains()?;
        let more = more_descriptors()?;
        if more > 0 {
            remains.push(format!("{more} descriptors more than before"));
        }
        if remains.is_empty() || Instant::now() > until {
            return Ok(remains);
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
