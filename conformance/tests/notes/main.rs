//! `docs/protocol-notes.md` names the tests that hold each clause, `docs/security.md` those of each limit, and
//! `docs/security-regressions.md` those that would notice what went wrong elsewhere. They have to exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A document whose tables name tests in their last column.
struct Document {
    name: &'static str,
    /// The heads of its tables.
    head: &'static str,
    /// It has more rows than this.
    least: usize,
}

const DOCUMENTS: [Document; 3] = [
    Document { name: "security.md", head: "| limit | default | threat | test |", least: 25 },
    Document { name: "protocol-notes.md", head: "| clause | test |", least: 100 },
    Document {
        name: "security-regressions.md",
        head: "| where | what went wrong | test |",
        least: 60,
    },
];

/// How a row says that it needs no test; the reason follows.
const NOT_HERE: &str = "does not apply: ";

/// A row of such a table.
struct Row<'d> {
    words: &'d str,
    tests: Vec<&'d str>,
    is_not_for_us: bool,
}

/// The rows of all tables with this head.
fn rows<'d>(document: &'d str, head: &str) -> Vec<Row<'d>> {
    let mut is_table = false;
    let rows = document.lines().filter_map(|line| {
        is_table = line == head || (is_table && line.starts_with('|'));
        let (words, tests) = line.strip_prefix('|')?.strip_suffix('|')?.rsplit_once('|')?;
        let is_row = is_table && line != head && !line.starts_with("| ---");
        let is_not_for_us = tests.trim_start().starts_with(NOT_HERE);
        let tests = tests.split('`').skip(1).step_by(2);
        // Among words are other names, too.
        let tests = tests.filter(|name| !is_not_for_us || name.contains("::")).collect();
        is_row.then_some(Row { words, tests, is_not_for_us })
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
fn every_row_names_tests_that_exist() {
    for Document { name, head, least } in DOCUMENTS {
        let document = fs::read_to_string(root().join("docs").join(name)).expect("the document");
        let rows = rows(&document, head);
        assert!(rows.len() > least, "the tables of {name} were not understood");
        for row in rows.iter().filter(|row| !row.is_not_for_us) {
            assert!(!row.tests.is_empty(), "nothing holds this in {name}: {}", row.words);
        }
        let tests = rows.iter().flat_map(|row| &row.tests);
        let missing: Vec<_> = tests.filter(|test| !exists(test)).collect();
        assert!(missing.is_empty(), "these do not exist, says {name}: {missing:#?}");
    }
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
