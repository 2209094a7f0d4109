//! Runs scenarios for several servers in turn, several rounds of it, and prints what each costs.
//!
//! `compare [--rounds N] [--seconds S] [--servers NAME,NAME] [SCENARIO…]`; `crates/bench/run` builds what it needs first. Servers run on the
//! first core and the load on the second.

use std::{
    collections::BTreeMap,
    env, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use siomio_bench::{
    process::Subject,
    report::Figures,
    scenario::{Outcome, Scenario},
};

/// What the bars are set for.
const TABLE: &[&str] = &[
    "echo-16-64x8",
    "echo-16-256x1",
    "echo-1024-64x8",
    "object-1024-64x8",
    "echo-65536-16x2",
    "binary-1024-64x8",
    "ack-16-64x8",
    "broadcast-64-1000x4",
    "broadcast-64-1000x1",
    "connect-16",
    "polling-64",
    "upgrade-16",
    "idle-10000",
    "idle_browser-10000",
    "idle_polling-10000",
    "raw-1024-64x8",
    "raw-65536-16x2",
    "raw-1048576-4x1",
];

/// A server that can be measured.
struct Server {
    name: &'static str,
    /// What it is called by, with the folder of the programs and that of the peers.
    program: fn(&Path, &Path) -> Vec<PathBuf>,
    environment: &'static [(&'static str, &'static str)],
    cores: &'static str,
    can: fn(&str) -> bool,
}

fn is_raw(scenario: &str) -> bool {
    scenario.starts_with("raw")
}

fn is_socket_io(scenario: &str) -> bool {
    !is_raw(scenario)
}

fn has_text(scenario: &str) -> bool {
    scenario.starts_with("echo") || scenario.starts_with("ack")
}

const SERVERS: &[Server] = &[
    Server {
        name: "siomio",
        program: |own, _| vec![own.join("bench_server")],
        environment: &[],
        cores: "0",
        can: is_socket_io,
    },
    // Not by itself, because it shares a core with the load.
    Server {
        name: "siomio-2-shards",
        program: |own, _| vec![own.join("bench_server")],
        environment: &[("SHARDS", "2")],
        cores: "0,1",
        can: is_socket_io,
    },
    Server {
        name: "siomio-string",
        program: |own, _| vec![own.join("bench_server")],
        environment: &[("HANDLERS", "string")],
        cores: "0",
        can: has_text,
    },
    Server {
        name: "siomio-struct",
        program: |own, _| vec![own.join("bench_server")],
        environment: &[("HANDLERS", "struct")],
        cores: "0",
        can: |scenario| scenario.starts_with("object"),
    },
    Server {
        name: "siomio-raw",
        program: |own, _| vec![own.join("bench_ws_echo")],
        environment: &[],
        cores: "0",
        can: is_raw,
    },
    Server {
        name: "socketioxide",
        program: |_, peers| vec![peers.join("socketioxide/target/release/peer")],
        environment: &[],
        cores: "0",
        can: is_socket_io,
    },
    Server {
        name: "tungstenite",
        program: |_, peers| vec![peers.join("tungstenite/target/release/peer")],
        environment: &[],
        cores: "0",
        can: is_raw,
    },
    Server {
        name: "node",
        program: |_, peers| vec!["node".into(), peers.join("node/socket-io.mjs")],
        environment: &[],
        cores: "0",
        can: is_socket_io,
    },
    Server {
        name: "node-ws",
        program: |_, peers| vec!["node".into(), peers.join("node/ws.mjs")],
        environment: &[],
        cores: "0",
        can: is_raw,
    },
    Server {
        name: "floor",
        program: |own, _| vec![own.join("floor")],
        environment: &[],
        cores: "0",
        can: |scenario| {
            !scenario.starts_with("polling")
                && !scenario.starts_with("upgrade")
                && !scenario.contains("idle_polling")
        },
    },
];

struct Plan {
    rounds: usize,
    time: Duration,
    servers: Vec<&'static Server>,
    scenarios: Vec<Scenario>,
}

fn plan() -> Result<Plan, String> {
    let mut plan = Plan {
        rounds: 3,
        time: Duration::from_secs(3),
        servers: SERVERS.iter().filter(|server| server.cores == "0").collect(),
        scenarios: Vec::new(),
    };
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match &*arg {
            "--rounds" => plan.rounds = value()?.parse().map_err(|_| "rounds are a number")?,
            "--seconds" => {
                let seconds = value()?.parse().map_err(|_| "seconds are a number")?;
                plan.time = Duration::from_secs_f64(seconds);
            }
            "--servers" => {
                let names = value()?;
                let find = |name: &str| {
                    let found = SERVERS.iter().find(|server| server.name == name);
                    found.ok_or_else(|| format!("{name} is none of the servers"))
                };
                plan.servers = names.split(',').map(find).collect::<Result<_, _>>()?;
            }
            name => plan.scenarios.push(name.parse()?),
        }
    }
    if plan.scenarios.is_empty() {
        plan.scenarios = TABLE.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
    }
    Ok(plan)
}

fn main() -> io::Result<()> {
    if env::var_os("BENCH_PINNED").is_none() {
        let mut command = Command::new("taskset");
        command.args(["-c", "1"]).arg(env::current_exe()?).args(env::args_os().skip(1));
        return Err(command.env("BENCH_PINNED", "1").exec());
    }
    let plan = plan().map_err(io::Error::other)?;
    let own = env::current_exe()?.parent().map(Path::to_path_buf).unwrap_or_default();
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    println!("| scenario | server | median | of socketioxide, tungstenite | spread | last round |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut port = 20_000;
    for scenario in &plan.scenarios {
        let mut figures: BTreeMap<&str, Figures> = BTreeMap::new();
        let name = scenario.to_string();
        let able: Vec<_> = plan.servers.iter().filter(|server| (server.can)(&name)).collect();
        for round in 0..plan.rounds {
            for server in &able {
                port = if port > 28_000 { 20_000 } else { port + 1 };
                match measure(server, scenario, (&own, &peers), port, plan.time) {
                    Ok(outcome) => figures.entry(server.name).or_default().add(outcome),
                    Err(error) => eprintln!("{name}, {}, round {round}: {error}", server.name),
                }
            }
        }
        print(scenario, &able, &figures);
    }
    Ok(())
}

fn measure(
    server: &Server,
    scenario: &Scenario,
    (own, peers): (&Path, &Path),
    port: u16,
    time: Duration,
) -> io::Result<Outcome> {
    let mut environment = vec![("SCENARIO", scenario.to_string())];
    environment.extend(server.environment.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let subject = Subject::start(&(server.program)(own, peers), server.cores, port, &environment)?;
    scenario.run(subject.address(), subject.process(), time)
}

fn print(scenario: &Scenario, servers: &[&&'static Server], figures: &BTreeMap<&str, Figures>) {
    let median = |name: &str| figures.get(name).and_then(Figures::median);
    let yardstick = median("socketioxide").or_else(|| median("tungstenite"));
    for server in servers {
        let Some(own) = figures.get(server.name) else { continue };
        let Some(value) = own.median() else { continue };
        let ratio = yardstick.map(|other| format!("{:.2}", value / other)).unwrap_or_default();
        let spread = own.spread().unwrap_or_default() * 100.0;
        let digits = if value < 100.0 { 2 } else { 0 };
        println!(
            "| {scenario} | {} | {value:.digits$} {} | {ratio} | {spread:.0} % | {own} |",
            server.name,
            scenario.unit(),
        );
    }
}
