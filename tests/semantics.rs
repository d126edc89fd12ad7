//! The checks of tests/c/semantics/: each case is tried on plain glibc first, then on the library in three ways.
//!
//! What a CASE claims must hold everywhere. What a CASE_BETTER claims must not hold on plain glibc (or
//! the mark is out of date) and must be explained in docs/glibc-behaviour*.md.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::{Ended, Way, command, compile, run_bounded};

/// The families that the library has: files of other families are tried on plain glibc alone.
const STANDING: [&str; 4] = ["sem", "shm", "mq", "load"];

/// Seconds that a case may take; a better one on plain glibc, where some hang, is given less.
const SECONDS: u64 = 20;
const SECONDS_TO_HANG: u64 = 4;

/// The exit status of a case that cannot be tried on this machine (CHECK_SKIP in check.h).
const SKIPPED: i32 = 77;

/// How the names of the documents that explain the better cases begin.
const DOCUMENTS: &str = "glibc-behaviour";

struct Case {
    source: PathBuf,
    file: String,
    name: String,
    better: bool,
}

/// Cases at a time for each processor: most of them wait for something most of their time.
const PER_PROCESSOR: usize = 3;

fn main() {
    let mut arguments = Arguments::from_args();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(PER_PROCESSOR * processors);
    let cases = all_cases();
    let mut trials = vec![names_differ(&cases)];
    trials.extend(documentation(&cases));
    for case in cases {
        trials.extend(ways_of(&case.file).map(|way| trial(&case, way)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The cases of every file, as the programs themselves list them.
fn all_cases() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/semantics");
    let mut sources: Vec<PathBuf> = fs::read_dir(&dir)
        .expect("the checks are there")
        .map(|entry| entry.expect("a directory can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    // Compiling is what takes time: two at once.
    let (first, second) = sources.split_at(sources.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| second.iter().flat_map(|source| cases_of(source)).collect::<Vec<_>>());
        let mut cases: Vec<Case> = first.iter().flat_map(|source| cases_of(source)).collect();
        cases.extend(other.join().expect("every file compiles"));
        cases
    })
}

fn cases_of(source: &Path) -> Vec<Case> {
    let mut list = command(&compile(source, Way::Glibc), Way::Glibc);
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

fn ways_of(file: &str) -> impl Iterator<Item = Way> + use<> {
    let stands = STANDING.iter().any(|family| file.starts_with(family));
    Way::ALL.into_iter().filter(move |way| stands || *way == Way::Glibc)
}

fn trial(case: &Case, way: Way) -> Trial {
    let name = format!("{}::{}::{way}", case.file, case.name);
    let (source, case_name) = (case.source.clone(), case.name.clone());
    let must_fail = case.better && way == Way::Glibc;
    Trial::ignorable_test(name, move || {
        let seconds = if must_fail { SECONDS_TO_HANG } else { SECONDS };
        let mut run = command(&compile(&source, way), way);
        run.arg(case_name).env("CHECK_SECONDS", seconds.to_string());
        let output = run_bounded(run, Duration::from_secs(seconds + 10));
        let stderr = output.stderr.trim_end();
        match output.ended {
            Ended::Exit(SKIPPED) => {
                Ok(Completion::ignored_with(stderr.lines().last().unwrap_or("no reason given")))
            }
            Ended::Exit(0) if must_fail => {
                Err("holds on plain glibc: it is no longer better, drop the mark".into())
            }
            Ended::Exit(0) => Ok(Completion::Completed),
            Ended::Exit(1) if must_fail => Ok(Completion::Completed),
            ended => Err(Failed::from(format!("{ended}\n{stderr}"))),
        }
    })
}

/// A name stands for one case in the document and in reports, so no two files may share it.
fn names_differ(cases: &[Case]) -> Trial {
    let mut seen = BTreeSet::new();
    let twice: Vec<String> =
        cases.iter().filter(|case| !seen.insert(&case.name)).map(|case| case.name.clone()).collect();
    Trial::test("cases::names_differ", move || none(&twice, "in more than one file"))
}

/// The headings of the documents name exactly the better cases.
fn documentation(cases: &[Case]) -> [Trial; 2] {
    let explained: BTreeSet<String> = documents()
        .lines()
        .filter(|line| line.starts_with('#'))
        .flat_map(|heading| heading.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let better: BTreeSet<String> =
        cases.iter().filter(|case| case.better).map(|case| case.name.clone()).collect();
    let missing: Vec<String> = better.difference(&explained).cloned().collect();
    let unknown: Vec<String> = explained.difference(&better).cloned().collect();
    [
        Trial::test("docs::better_cases_are_explained", move || {
            none(&missing, &format!("in no heading of docs/{DOCUMENTS}*.md"))
        }),
        Trial::test("docs::explained_cases_exist", move || {
            none(&unknown, &format!("in a heading of docs/{DOCUMENTS}*.md, but no CASE_BETTER"))
        }),
    ]
}

fn documents() -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let is_one = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DOCUMENTS))
            && path.extension().is_some_and(|extension| extension == "md")
    };
    fs::read_dir(&dir)
        .expect("the documentation is there")
        .map(|entry| entry.expect("a directory can be read").path())
        .filter(is_one)
        .map(|path| fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

fn none(names: &[String], what: &str) -> Result<(), Failed> {
    if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(", ")).into()) }
}
