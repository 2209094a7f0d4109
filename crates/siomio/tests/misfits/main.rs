//! Handlers, rooms and arguments that do not fit: what the compiler says then must name the cure.
//!
//! Each of the programs in `cases` is wrong in one way. It begins with what the compiler has to say of it, a line for each:
//!
//! ```text
//! //! error[E0277]: part of the message
//! //! at: the code that it points to
//! //! note: part of a label, a note or a help below it
//! ```
//!
//! There may be no other errors. Whatever else the compiler says, and how it is laid out, is its own affair and changes with its
//! versions; so this compares much less than all of it.

mod compiler;

use std::{fmt::Write as _, fs, path::Path, sync::OnceLock};

use compiler::{Compiler, Diagnostic};

/// Where the programs are.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/misfits");

#[test]
fn every_misfit_is_told_its_cure() {
    let mut cases: Vec<_> = fs::read_dir(Path::new(HERE).join("cases"))
        .unwrap()
        .map(|case| case.unwrap().path())
        .collect();
    cases.sort();
    let mut failures = String::new();
    for case in &cases {
        let expected = expectations(&fs::read_to_string(case).unwrap());
        assert!(!expected.is_empty(), "{} expects nothing", case.display());
        let errors = compiler().errors(case);
        let is_met = errors.len() == expected.len()
            && expected.iter().zip(&errors).all(|(expected, error)| expected.is_met_by(error));
        if !is_met {
            writeln!(failures, "\n{} expects\n{expected:#?}\nand gets", case.display()).unwrap();
            errors.iter().for_each(|error| failures.push_str(&error.rendered));
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(cases.len() >= 8, "only {} cases are there", cases.len());
}

#[test]
fn with_the_cures_it_compiles() {
    let errors = compiler().errors(&Path::new(HERE).join("cured.rs"));
    let rendered: String = errors.into_iter().map(|error| error.rendered).collect();
    assert!(rendered.is_empty(), "{rendered}");
}

fn compiler() -> &'static Compiler {
    static COMPILER: OnceLock<Compiler> = OnceLock::new();
    COMPILER.get_or_init(Compiler::find)
}

/// What the compiler has to say.
#[derive(Debug, Default)]
struct Expectation {
    code: Option<String>,
    message: String,
    /// The code that it points to.
    at: Option<String>,
    /// Labels, notes and helps.
    notes: Vec<String>,
}

impl Expectation {
    fn is_met_by(&self, error: &Diagnostic) -> bool {
        let is_said = |note: &String| error.notes.iter().any(|said| said.contains(note.as_str()));
        self.code == error.code
            && error.message.contains(&self.message)
            && self.at.as_ref().is_none_or(|at| error.places.contains(at))
            && self.notes.iter().all(is_said)
    }
}

/// Reads the head of a case.
fn expectations(source: &str) -> Vec<Expectation> {
    let mut expectations: Vec<Expectation> = Vec::new();
    for line in source.lines().map_while(|line| line.strip_prefix("//! ")) {
        let (kind, text) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        if let Some(code) = kind.strip_prefix("error") {
            let code = code.strip_prefix('[').and_then(|code| code.strip_suffix(']'));
            let (code, message) = (code.map(str::to_owned), text.to_owned());
            expectations.push(Expectation { code, message, ..Expectation::default() });
            continue;
        }
        let expectation = expectations.last_mut().expect("an error comes first");
        match kind {
            "at" => expectation.at = Some(text.to_owned()),
            "note" => expectation.notes.push(text.to_owned()),
            _ => panic!("{line}"),
        }
    }
    expectations
}
