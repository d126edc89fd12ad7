//! The cases of `tests/c/semantics/`, as the programs themselves list them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Way, command, compile, run_bounded};

/// Seconds that a case may take: it bounds a hang. Where six run at once on two processors, the
/// longest take some 90.
pub const SECONDS: u64 = 300;

/// The exit status of a case that cannot be tried on this machine (CHECK_SKIP in check.h).
pub const SKIPPED: i32 = 77;

/// Cases that do not hold yet. They are shown as ignored.
const KNOWN_DEFECTS: &str = include_str!("../../docs/known-defects.md");

#[derive(Clone)]
pub struct Case {
    pub source: PathBuf,
    pub file: String,
    pub name: String,
    /// Plain glibc does not hold it.
    pub better: bool,
}

impl Case {
    /// Whether the library is known not to hold it.
    pub fn is_known_defect(&self) -> bool {
        KNOWN_DEFECTS.contains(&format!("`{}`", self.name))
    }
}

/// The cases of semantics.
pub fn all_cases() -> Vec<Case> {
    cases_in("tests/c/semantics", Way::Glibc)
}

/// The cases of semantics in the files with such names.
pub fn some_cases(is_wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    cases_of_files("tests/c/semantics", Way::Glibc, is_wanted)
}

/// The cases of every file in a directory, as the programs themselves list them.
pub fn cases_in(directory: &str, way: Way) -> Vec<Case> {
    cases_of_files(directory, way, |_| true)
}

fn cases_of_files(directory: &str, way: Way, is_wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut sources: Vec<PathBuf> = fs::read_dir(&dir)
        .expect("the checks are there")
        .map(|entry| entry.expect("a directory can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .filter(|path| path.file_stem().and_then(OsStr::to_str).is_some_and(&is_wanted))
        .collect();
    sources.sort();
    // Compiling is what takes time: two at once.
    let (first, second) = sources.split_at(sources.len() / 2);
    thread::scope(|scope| {
        let other = scope
            .spawn(|| second.iter().flat_map(|source| cases_of(source, way)).collect::<Vec<_>>());
        let mut cases: Vec<Case> = first.iter().flat_map(|source| cases_of(source, way)).collect();
        cases.extend(other.join().expect("every file compiles"));
        cases
    })
}

fn cases_of(source: &Path, way: Way) -> Vec<Case> {
    let mut list = command(&compile(source, way), way);
    list.arg("--list");
    let output = run_bounded(list, Duration::from_secs(SECONDS));
    assert!(output.success() && !output.stdout.is_empty(), "{}: no cases", source.display());
    let file = source.file_stem().expect("a source has a name").to_string_lossy();
    let case = |line: &str| {
        let mut columns = line.split('\t');
        Case {
            source: source.to_path_buf(),
            file: file.to_string(),
            name: columns.next().unwrap_or_default().to_owned(),
            better: columns.next() == Some("better"),
        }
    };
    output.stdout.lines().map(case).collect()
}
