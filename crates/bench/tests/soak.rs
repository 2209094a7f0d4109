//! The soak finds the server right for as long as a test may take, and would find it wrong.

use std::{fs, io, path::PathBuf, time::Duration};

use siomio_bench::{
    process::Subject,
    soak::{Outcome, Plan, run},
};

fn soak(number: u16, seconds: f64, fault: Option<&str>) -> io::Result<(Plan, Outcome)> {
    // Tests of other processes have ports of their own.
    let port = 29_000 + (std::process::id() % 700) as u16 * 4 + number;
    let environment: Vec<_> = fault.map(|fault| ("FAULT", fault.to_owned())).into_iter().collect();
    let program = [PathBuf::from(env!("CARGO_BIN_EXE_soak_server"))];
    let subject = Subject::start(&program, "0", port, &environment)?;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let plan = Plan {
        time: Duration::from_secs_f64(seconds),
        every: Duration::from_secs_f64(seconds / 12.0),
        seed: number.into(),
        population: 60,
        rate: 1_500,
        plot: Some(folder.join(format!("soak-{number}.svg"))),
        csv: Some(folder.join(format!("soak-{number}.csv"))),
    };
    let outcome = run(&plan, &subject)?;
    Ok((plan, outcome))
}

#[test]
fn everything_is_answered_and_nothing_is_left() {
    let (plan, outcome) = soak(0, 8.0, None).expect("the server is there");
    assert_eq!(outcome.mistakes, [""; 0]);
    assert_eq!(outcome.remains, [""; 0]);
    let done = |what: &str| outcome.done.iter().find(|(own, _)| *own == what).map_or(0, |it| it.1);
    for what in [
        "echoes",
        "answers",
        "thoughts",
        "blobs",
        "quizzes",
        "joined",
        "left",
        "heard in rooms",
        "ticks",
        "came back",
        "shown out",
        "torsos",
    ] {
        assert!(done(what) > 0, "{what}: {:?}", outcome.done);
    }
    let figures = fs::read_to_string(plan.csv.expect("a path")).expect("figures");
    assert_eq!(figures.lines().count(), outcome.samples.len() + 1);
    let plot = fs::read_to_string(plan.plot.expect("a path")).expect("a plot");
    assert!(plot.starts_with("<svg") && plot.matches("<polyline").count() == 2);
}

#[test]
fn a_wrong_answer_is_noticed() {
    let (_, outcome) = soak(1, 2.0, Some("lie")).expect("the server is there");
    assert!(outcome.mistakes[0].contains("echoed"), "{:?}", outcome.mistakes);
    assert!(!outcome.is_fine());
}

#[test]
fn what_a_room_was_not_told_is_noticed() {
    let (_, outcome) = soak(2, 4.0, Some("loss")).expect("the server is there");
    assert!(outcome.mistakes[0].contains("said"), "{:?}", outcome.mistakes);
}

#[test]
fn memory_that_grows_is_noticed() {
    let (_, outcome) = soak(3, 4.0, Some("leak")).expect("the server is there");
    assert!(!outcome.verdict.expect("enough samples").is_flat(), "{:?}", outcome.verdict);
    assert_eq!((&*outcome.mistakes, outcome.is_fine()), (&[][..], false));
}
