//! Every scenario runs against the very programs that are measured, and would notice a wrong answer.

use std::{io, path::PathBuf, sync::atomic::AtomicU16, sync::atomic::Ordering, time::Duration};

use siomio_bench::{
    process::Subject,
    scenario::{Outcome, Scenario},
};

fn run(program: &str, name: &str, environment: &[(&str, &str)]) -> io::Result<Outcome> {
    static PORT: AtomicU16 = AtomicU16::new(0);
    // Tests of other processes have ports of their own.
    let first = 20_000 + (std::process::id() % 8_000) as u16;
    let port = first + PORT.fetch_add(1, Ordering::Relaxed);
    let scenario: Scenario = name.parse().map_err(io::Error::other)?;
    let mut all = vec![("SCENARIO", name.to_owned())];
    all.extend(environment.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let subject = Subject::start(&[PathBuf::from(program)], "0", port, &all)?;
    scenario.run(subject.address(), subject.process(), Duration::from_millis(100))
}

fn works(program: &str, names: &[&str], environment: &[(&str, &str)]) {
    for name in names {
        let outcome =
            run(program, name, environment).unwrap_or_else(|error| panic!("{name}: {error}"));
        match outcome {
            Outcome::Work { operations, cpu, .. } => {
                assert!(operations > 0 && cpu > Duration::ZERO, "{name}: {operations} in {cpu:?}");
            }
            Outcome::Memory { each } => assert!(each > 0.0 && each < 1e6, "{name}: {each}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

const SERVER: &str = env!("CARGO_BIN_EXE_bench_server");
const FLOOR: &str = env!("CARGO_BIN_EXE_floor");

#[test]
fn events_and_acknowledgements_come_back() {
    let names = ["echo-16-4x3", "object-200-4x3", "binary-100-4x3", "ack-16-4x3", "lone-16-2x20"];
    works(SERVER, &names, &[]);
    works(SERVER, &["echo-70000-2x2"], &[("SHARDS", "2")]);
    works(SERVER, &["echo-16-4x3", "ack-16-4x3"], &[("HANDLERS", "string")]);
    works(SERVER, &["object-200-4x3"], &[("HANDLERS", "struct")]);
}

#[test]
fn everybody_hears_a_broadcast() {
    works(SERVER, &["broadcast-64-20x2"], &[]);
    works(SERVER, &["broadcast-64-20x2"], &[("SHARDS", "2")]);
}

#[test]
fn clients_live_whole_lives() {
    works(SERVER, &["connect-2", "polling-3", "upgrade-2"], &[]);
    works(SERVER, &["idle-200", "idle_browser-200", "idle_polling-200"], &[]);
}

#[test]
fn plain_websockets_echo() {
    works(env!("CARGO_BIN_EXE_bench_ws_echo"), &["raw-1024-4x3", "raw-300000-2x2"], &[]);
}

#[test]
fn the_floor_is_taken_for_a_server() {
    works(FLOOR, &["echo-16-4x3", "binary-100-4x3", "ack-16-4x3", "broadcast-64-20x2"], &[]);
    works(FLOOR, &["raw-70000-2x2", "connect-2"], &[]);
}

#[test]
fn a_wrong_answer_is_noticed() {
    // It answers what it was told to expect, and is asked something else.
    let wrong = run(FLOOR, "echo-16-4x3", &[("SCENARIO", "echo-17-4x3")]).expect_err("it is wrong");
    assert!(wrong.to_string().contains("not what was expected"), "{wrong}");
}

#[test]
fn what_is_no_scenario_is_said() {
    for name in
        ["", "echo", "echo-16", "echo-16-0x1", "echo-16-4x", "connect", "shout-16-4x3", "idle-0"]
    {
        assert!(name.parse::<Scenario>().is_err(), "{name}");
    }
}
