//! `docs/protocol-notes.md` names the tests that hold each clause. They have to exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A clause of the document, and the tests that hold it.
struct Clause<'d> {
    words: &'d str,
    tests: Vec<&'d str>,
}

/// The rows of all tables with these two columns.
fn clauses(document: &str) -> Vec<Clause<'_>> {
    let mut is_table = false;
    let rows = document.lines().filter_map(|line| {
        is_table = line == "| clause | test |" || (is_table && line.starts_with('|'));
        let (words, tests) = line.strip_prefix('|')?.strip_suffix('|')?.rsplit_once('|')?;
        let is_row = is_table && line != "| clause | test |" && line != "| --- | --- |";
        is_row.then(|| Clause { words, tests: tests.split('`').skip(1).step_by(2).collect() })
    });
    rows.collect()
}

/// The files that may hold the tests of a module, given as a path such as `engine_io_4::polling`.
///
/// It begins with a suite in `conformance/tests`, with a crate and a suite of its own, or with a crate whose sources hold the
/// test themselves, in a module `tests` or not.
fn files(module: &[&str]) -> Vec<PathBuf> {
    let Some((&first, rest)) = module.split_first() else { return Vec::new() };
    let own = root().join("conformance/tests").join(first);
    let krate = root().join("crates").join(first.strip_prefix("siomio-").unwrap_or(first));
    let (mut folder, mut modules) = if first != "siomio" && !first.starts_with("siomio-") {
        (own, rest)
    } else {
        match rest.split_first() {
            Some((suite, rest)) if krate.join("tests").join(suite).is_dir() => {
                (krate.join("tests").join(suite), rest)
            }
            _ => (krate.join("src"), rest),
        }
    };
    let mut found = Vec::new();
    while let Some((module, rest)) = modules.split_first() {
        found.push(folder.join(format!("{module}.rs")));
        folder.push(module);
        modules = rest;
    }
    // The innermost module that has a file of its own.
    found.retain(|file| file.is_file());
    found.pop().into_iter().collect()
}

fn exists(test: &str) -> bool {
    let path: Vec<&str> = test.split("::").collect();
    let Some((name, module)) = path.split_last() else { return false };
    let has_it = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.contains(&format!("fn {name}("))
    };
    files(module).iter().any(has_it)
}

#[test]
fn every_clause_names_tests_that_exist() {
    let document = fs::read_to_string(root().join("docs/protocol-notes.md")).expect("the notes");
    let clauses = clauses(&document);
    assert!(clauses.len() > 100, "the tables were not understood");
    for clause in &clauses {
        assert!(!clause.tests.is_empty(), "nothing holds this: {}", clause.words);
    }
    let tests = clauses.iter().flat_map(|clause| &clause.tests);
    let missing: Vec<_> = tests.filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "these do not exist: {missing:#?}");
}

#[test]
fn a_test_that_does_not_exist_is_noticed() {
    assert!(exists("notes::main::a_test_that_does_not_exist_is_noticed"));
    assert!(exists("siomio-engine::session::tests::second_get_ends_the_session"));
    for wrong in [
        "notes::main::no_such_test",
        "no_such_suite::main::exists",
        "engine_io_4::polling::order_is_kept",
        "siomio-engine::session::tests::bodies_are_those_of_the_protocol",
        "",
    ] {
        assert!(!exists(wrong), "{wrong:?}");
    }
}
