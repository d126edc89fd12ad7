//! The checks of tests/c/semantics/: each case is tried on plain glibc first, then on the library
//! in three ways; segments of System V shared memory with the kernel's and with ours.
//!
//! What a CASE claims must hold everywhere. What a CASE_BETTER claims must not hold on plain glibc
//! (or the mark is out of date) and must be explained in docs/glibc-behaviour*.md.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::cases::{Case, SECONDS, SKIPPED, all_cases};
use support::glibc::glibc_version;
use support::{Ended, Way, command, compile, run_bounded};

/// The families that the library has: files of other families are tried on plain glibc alone.
const STANDING: [&str; 5] = ["sem", "shm", "mq", "load", "sysv"];

/// The files of a family that is the kernel's by default are tried with this setting, too.
const OF_TWO_KINDS: &str = "sysv_shm";
const OURS: (&str, &str) = ("RSIPC_SYSV", "sem,msg,shm");

/// What a better case may take on plain glibc, where some hang.
const SECONDS_TO_HANG: u64 = 4;

/// How the names of the documents that explain the better cases begin.
const DOCUMENTS: &str = "glibc-behaviour";

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
        trials.extend(ways_of(&case.file).map(|way| trial(&case, way, None)));
        if case.file.starts_with(OF_TWO_KINDS) {
            trials.extend(Way::OURS.map(|way| trial(&case, way, Some(OURS))));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn ways_of(file: &str) -> impl Iterator<Item = Way> + use<> {
    let stands = STANDING.iter().any(|family| file.starts_with(family));
    Way::ALL.into_iter().filter(move |way| stands || *way == Way::Glibc)
}

fn trial(case: &Case, way: Way, setting: Option<(&'static str, &'static str)>) -> Trial {
    let kind = if setting.is_some() { "_ours" } else { "" };
    let name = format!("{}::{}::{way}{kind}", case.file, case.name);
    let (source, case_name) = (case.source.clone(), case.name.clone());
    let shown = name.clone();
    let must_fail = case.better && way == Way::Glibc;
    let is_known_defect = way != Way::Glibc && case.is_known_defect();
    let test = Trial::ignorable_test(name, move || {
        let seconds = if must_fail { SECONDS_TO_HANG } else { SECONDS };
        let mut run = command(&compile(&source, way), way);
        run.arg(case_name).env("CHECK_SECONDS", seconds.to_string()).envs(setting);
        run.envs(share(way).map(|share| ("CHECK_SHARE", share)));
        let begun = Instant::now();
        let output = run_bounded(run, Duration::from_secs(seconds + 10));
        let taken = begun.elapsed().as_secs();
        if taken > SECONDS / 2 {
            eprintln!("slow: {shown} took {taken} s of {seconds}");
        }
        let stderr = output.stderr.trim_end();
        match output.ended {
            Ended::Exit(SKIPPED) => {
                Ok(Completion::ignored_with(stderr.lines().last().unwrap_or("no reason given")))
            }
            _ if way == Way::Glibc && is_older_glibc() && fails(output.ended, must_fail) => {
                Ok(Completion::ignored_with("this glibc is older than the one that is described"))
            }
            Ended::Exit(0) if must_fail && is_newer_glibc() => {
                Ok(Completion::ignored_with("holds on this glibc, newer than the one described"))
            }
            Ended::Exit(0) if must_fail => {
                Err("holds on plain glibc: it is no longer better, drop the mark".into())
            }
            Ended::Exit(0) => Ok(Completion::Completed),
            Ended::Exit(1) if must_fail => Ok(Completion::Completed),
            ended => Err(Failed::from(format!("{ended}\n{stderr}"))),
        }
    });
    test.with_ignored_flag(is_known_defect)
}

/// Which of the numbers of instructions after which a signal comes are tried in this way: together
/// the ways try all of them.
fn share(way: Way) -> Option<String> {
    let place = Way::OURS.iter().position(|ours| *ours == way)?;
    Some(format!("{place}/{}", Way::OURS.len()))
}

/// Whether plain glibc does otherwise than the case says.
fn fails(ended: Ended, must_fail: bool) -> bool {
    !matches!((ended, must_fail), (Ended::Exit(0), false) | (Ended::Exit(1), true))
}

/// The cases say what glibc does from 2.34 on. Older ones do not have all of the functions, and
/// differ in more; the library is the same there.
fn is_older_glibc() -> bool {
    glibc_version() < (2, 34)
}

/// What docs/glibc-behaviour.md says of 2.36 may have been mended since.
fn is_newer_glibc() -> bool {
    glibc_version() > (2, 36)
}

/// A name stands for one case in the document and in reports, so no two files may share it.
fn names_differ(cases: &[Case]) -> Trial {
    let mut seen = BTreeSet::new();
    let twice: Vec<String> = cases
        .iter()
        .filter(|case| !seen.insert(&case.name))
        .map(|case| case.name.clone())
        .collect();
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
        .map(|path| {
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

fn none(names: &[String], what: &str) -> Result<(), Failed> {
    if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(", ")).into()) }
}
