//! The documents of the repository, as far as compiling their programs (`src/guide.rs`) does not hold them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents whose programs are compiled.
fn compiled() -> Vec<String> {
    let list = read("crates/siomio/src/guide.rs");
    let names = list.lines().filter_map(|line| line.trim().split('"').nth(1));
    names.filter(|name| name.ends_with(".md")).map(str::to_owned).collect()
}

/// The lines of a document outside of its programs, and those of its programs in Rust.
fn split(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut prose, mut rust, mut fence) = (Vec::new(), Vec::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(_), Some(_)) => fence = None,
            (Some(language), None) => fence = Some(language.starts_with("rust")),
            (None, Some(true)) => rust.push(line),
            (None, Some(false)) => {}
            (None, None) => prose.push(line),
        }
    }
    (prose, rust)
}

/// What stands between backticks in a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The names of what is called in a piece of code.
fn calls(code: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices('(').filter_map(move |(end, _)| {
        // A turbofish stands between the name and the parenthesis.
        let before = code[..end]
            .strip_suffix('>')
            .map_or(&code[..end], |before| before.rsplit_once("::<").map_or("", |(name, _)| name));
        let start = before.rfind(|c| !is_part(c)).map_or(0, |place| place + 1);
        Some(&before[start..]).filter(|name| !name.is_empty())
    })
}

/// The name that a heading has in links.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = split(text).0.into_iter().filter_map(|line| {
        let heading = line.trim_start_matches('#');
        (heading.len() < line.len()).then(|| anchor(heading))
    });
    headings.collect()
}

#[test]
fn every_document_of_the_guide_is_compiled() {
    let listed: BTreeSet<_> = compiled().into_iter().collect();
    for entry in fs::read_dir(root().join("docs/guide")).unwrap() {
        let name = format!("docs/guide/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(listed.contains(&name), "{name} is not in src/guide.rs");
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for document in compiled() {
        let text = read(&document);
        for line in split(&text).0 {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if link.contains("://") {
                    continue;
                }
                let (file, place) = link.split_once('#').unwrap_or((link, ""));
                let folder = Path::new(&document).parent().unwrap();
                let target = if file.is_empty() {
                    root().join(&document)
                } else {
                    root().join(folder).join(file)
                };
                assert!(target.exists(), "{document}: there is no {link}");
                if !place.is_empty() {
                    let text = fs::read_to_string(&target).unwrap();
                    assert!(anchors(&text).contains(place), "{document}: there is no place {link}");
                }
            }
        }
    }
}

/// The programs below the tables call what stands in them, so the compiler sees it.
#[test]
fn every_call_in_the_tables_for_javascript_is_in_a_program() {
    let text = read("docs/from-javascript.md");
    let (prose, rust) = split(&text);
    let rust = rust.join("\n");
    let called: BTreeSet<&str> = calls(&rust).collect();
    let mut seen = 0;
    for row in prose.iter().filter(|line| line.starts_with('|')) {
        let row = row.replace("\\|", "¦");
        let Some(cell) = row.split('|').nth(2).filter(|cell| !cell.contains("*not there*")) else {
            continue;
        };
        for name in code(cell).flat_map(calls) {
            seen += 1;
            assert!(called.contains(name), "no program calls `{name}`: {row}");
        }
    }
    assert!(seen > 200, "only {seen} calls were found");
}

#[test]
fn every_limit_of_the_builder_is_in_the_guide() {
    let guide = read("docs/guide/11-limits.md");
    for file in ["limits", "recovery"] {
        let source = read(format!("crates/siomio/src/builder/{file}.rs"));
        for line in source.lines().filter_map(|line| line.trim().strip_prefix("pub fn ")) {
            let (name, parameters) = line.split_once('(').unwrap();
            let is_limit =
                parameters.contains("self") && !["recovery", "skip_middlewares"].contains(&name);
            assert!(!is_limit || guide.contains(name), "the guide does not know `{name}`");
        }
    }
}
