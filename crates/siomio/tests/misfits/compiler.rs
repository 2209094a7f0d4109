//! The compiler, and the library that these tests were linked with.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use serde_json::Value;

/// Compiles single programs against the library as it was built for this test: nothing is built anew, nothing is downloaded.
pub(crate) struct Compiler {
    library: PathBuf,
}

/// An error.
pub(crate) struct Diagnostic {
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    /// The code that it points to.
    pub(crate) places: Vec<String>,
    /// Labels, notes and helps.
    pub(crate) notes: Vec<String>,
    /// All of it, as it is shown.
    pub(crate) rendered: String,
}

impl Compiler {
    /// The library lies beside this test. There may be more than one, of other profiles, features or compilers: the newest that
    /// this compiler can use is of the present source, for cargo rebuilds what is older.
    pub(crate) fn find() -> Self {
        let test = env::current_exe().unwrap();
        let directory = test.parent().unwrap();
        let mut libraries: Vec<(SystemTime, PathBuf)> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| is_library(path))
            .map(|path| (fs::metadata(&path).unwrap().modified().unwrap(), path))
            .collect();
        libraries.sort_unstable();
        let file = scratch("control.rs");
        fs::write(&file, "use siomio as _; fn main() {}").unwrap();
        let mut complaints = String::new();
        for (_, library) in libraries.into_iter().rev() {
            let compiler = Self { library };
            match compiler.run(&file) {
                Ok(errors) if errors.is_empty() => return compiler,
                Ok(errors) => errors.iter().for_each(|error| complaints.push_str(&error.rendered)),
                Err(error) => panic!("the compiler cannot be run: {error}"),
            }
        }
        panic!("no usable library in {}\n{complaints}", directory.display());
    }

    /// What is wrong with a program.
    pub(crate) fn errors(&self, program: &Path) -> Vec<Diagnostic> {
        self.run(program).unwrap()
    }

    fn run(&self, program: &Path) -> io::Result<Vec<Diagnostic>> {
        let name = program.file_stem().unwrap().to_string_lossy().into_owned();
        let library: OsString =
            [OsStr::new("siomio="), self.library.as_os_str()].into_iter().collect();
        // Under rustup the environment of a test selects the compiler that has built it.
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--error-format=json"])
            .args(["--cap-lints=allow", "--extern"])
            .arg(library)
            .arg("-L")
            .arg(self.library.parent().unwrap())
            .arg("-o")
            .arg(scratch(&format!("{name}.rmeta")))
            .arg(program)
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<_> = stderr.lines().filter_map(Diagnostic::read).collect();
        assert_eq!(output.status.success(), errors.is_empty(), "{stderr}");
        Ok(errors)
    }
}

impl Diagnostic {
    /// Reads a line of JSON; `None` when it is no error, or only says how many there were.
    fn read(line: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(line).ok()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let spans = list(&json["spans"]);
        let is_summary =
            json["code"].is_null() && spans.is_empty() && list(&json["children"]).is_empty();
        if json["level"] != "error" || is_summary {
            return None;
        }
        let places = spans.iter().filter(|span| span["is_primary"] == true).map(highlighted);
        let labels = spans.iter().map(|span| text(&span["label"]));
        let notes = list(&json["children"]).into_iter().map(|child| text(&child["message"]));
        Some(Self {
            code: json["code"]["code"].as_str().map(str::to_owned),
            message: text(&json["message"]),
            places: places.collect(),
            notes: labels.chain(notes).collect(),
            rendered: text(&json["rendered"]),
        })
    }
}

/// The first line of what a span marks.
fn highlighted(span: &Value) -> String {
    let line = &span["text"][0];
    let column = |name: &str| line[name].as_u64().unwrap_or(1) as usize - 1;
    let (start, end) = (column("highlight_start"), column("highlight_end"));
    let text = line["text"].as_str().unwrap_or_default();
    text.chars().skip(start).take(end.saturating_sub(start)).collect()
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with("libsiomio-") && name.ends_with(".rlib")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
