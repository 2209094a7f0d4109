//! Puts mixed life on a server for long, and says whether it has stayed what it was.
//!
//! `soak [--minutes N] [--seed N] [--population N] [--rate N] [--plot FILE] [--csv FILE]`; `crates/bench/soak` builds what it needs first. The
//! server runs on the first core and the load on the second. It exits with 1 if something was wrong, grew, or was left.

use std::{
    env, io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
    time::Duration,
};

use siomio_bench::{
    process::Subject,
    soak::{Outcome, Plan, run},
};

fn plan() -> Result<Plan, String> {
    let (mut plan, mut args) = (Plan::default(), env::args().skip(1));
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        let number = || value.parse::<f64>().ok().filter(|number| *number >= 0.0);
        let number = || number().ok_or_else(|| format!("{arg} is a number"));
        match &*arg {
            "--minutes" => plan.time = Duration::from_secs_f64(number()? * 60.0),
            "--seed" => plan.seed = number()? as u64,
            "--population" => plan.population = number()? as usize,
            "--rate" => plan.rate = number()? as u32,
            "--plot" => plan.plot = Some(value.into()),
            "--csv" => plan.csv = Some(value.into()),
            _ => return Err(format!("{arg} is not known")),
        }
    }
    Ok(plan)
}

fn main() -> io::Result<ExitCode> {
    if env::var_os("BENCH_PINNED").is_none() {
        let mut command = Command::new("taskset");
        command.args(["-c", "1"]).arg(env::current_exe()?).args(env::args_os().skip(1));
        return Err(command.env("BENCH_PINNED", "1").exec());
    }
    let plan = plan().map_err(io::Error::other)?;
    let program = env::current_exe()?.parent().map(|folder| folder.join("soak_server"));
    let port = 20_000 + (std::process::id() % 8_000) as u16;
    let subject = Subject::start(&[program.as_deref().unwrap_or(Path::new(""))], "0", port, &[])?;
    println!(
        "{} min, seed {}, at most {} guests, {} acts/s",
        plan.time.as_secs() / 60,
        plan.seed,
        plan.population,
        plan.rate
    );
    Ok(tell(&run(&plan, &subject)?))
}

/// Says what has come of it; a failure if anything was wrong.
fn tell(outcome: &Outcome) -> ExitCode {
    println!();
    for (what, count) in &outcome.done {
        println!("{count:>12} {what}");
    }
    println!();
    match &outcome.verdict {
        Some(verdict) => println!("{verdict}"),
        None => println!("too short to say whether it is flat"),
    }
    match &outcome.mistakes[..] {
        [] => println!("no mistakes"),
        mistakes => println!("{} MISTAKES, the first: {}", mistakes.len(), mistakes[0]),
    }
    match &outcome.remains[..] {
        [] => println!("nothing is left"),
        remains => println!("LEFT: {}", remains.join(", ")),
    }
    if outcome.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
