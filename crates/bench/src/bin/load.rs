//! Runs a scenario for a server that is there already.
//!
//! `load SCENARIO ADDRESS PID [SECONDS]`: what the process PID takes for it. Run the server on one core and this on another.

use std::{env, io, time::Duration};

use siomio_bench::{process::Process, report::Figures, scenario::Scenario};

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [scenario, address, pid, rest @ ..] = &args[..] else {
        return Err(io::Error::other("load SCENARIO ADDRESS PID [SECONDS]"));
    };
    let scenario: Scenario = scenario.parse().map_err(io::Error::other)?;
    let address = address.parse().map_err(io::Error::other)?;
    let process = Process(pid.parse().map_err(io::Error::other)?);
    let seconds = rest.first().and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let outcome = scenario.run(address, process, Duration::from_secs_f64(seconds))?;
    let mut figures = Figures::default();
    let figure = outcome.figure();
    figures.add(outcome);
    println!("{scenario}: {figure:.3} {}; {figures}", scenario.unit());
    Ok(())
}
