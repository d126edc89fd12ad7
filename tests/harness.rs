//! The harness of the C checks can tell what holds from what does not, and leaves nothing behind.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::{Ended, Output, Way, command, compile, run_bounded};

/// Runs a case, or all, for as long as a case has by default.
fn run(argument: Option<&str>) -> Output {
    run_for(argument, 20)
}

/// Runs a case, or all, with a limit of `seconds` for each.
fn run_for(argument: Option<&str>, seconds: u32) -> Output {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/harness/selftest.c");
    let mut command = command(&compile(&source, Way::Glibc), Way::Glibc);
    command.args(argument).env("CHECK_SECONDS", seconds.to_string());
    run_bounded(command, Duration::from_mins(1))
}

fn fails_saying(case: &str, text: &str) {
    says_at_failure(case, &run(Some(case)), text);
}

fn hangs_saying(case: &str, text: &str) {
    says_at_failure(case, &run_for(Some(case), 1), text);
}

fn says_at_failure(case: &str, output: &Output, text: &str) {
    assert_eq!(output.ended, Ended::Exit(1), "{case}");
    assert!(output.stderr.contains(text), "{case} said {:?}", output.stderr);
}

#[test]
fn what_holds_passes() {
    assert_eq!(run(Some("holds")).ended, Ended::Exit(0));
}

#[test]
fn each_kind_of_check_can_fail() {
    fails_saying("is_false", "not true: 0");
    fails_saying("is_not_equal", "2 + 2 is 4, expected 5");
    fails_saying("does_not_succeed", "Bad file descriptor");
    fails_saying("does_not_fail", "did not fail");
    fails_saying("fails_otherwise", "EBADF, expected EINTR");
}

#[test]
fn a_crash_is_a_failure() {
    fails_saying("crashes", "ended by signal 11");
}

#[test]
fn a_hang_is_a_failure() {
    hangs_saying("hangs", "too slow");
    hangs_saying("hangs_and_takes_the_alarm", "too slow");
    assert_eq!(run_for(Some("has_a_child_that_hangs"), 1).ended, Ended::Exit(1));
}

#[test]
fn a_failure_in_a_child_is_a_failure() {
    fails_saying("has_a_child_that_fails", "not true: 0");
}

#[test]
fn what_cannot_be_tried_is_neither() {
    let output = run(Some("cannot_be_tried"));
    assert_eq!(output.ended, Ended::Exit(77));
    assert_eq!(output.stderr, "skipped: no reason at all\n");
}

#[test]
fn a_case_that_does_not_exist_is_an_error() {
    assert_eq!(run(Some("no_such_case")).ended, Ended::Exit(2));
}

#[test]
fn the_list_tells_the_better_cases() {
    let list = run(Some("--list")).stdout;
    assert!(list.contains("holds\n"));
    assert!(list.contains("is_better\tbetter\tit is only said so\n"));
}

#[test]
fn all_together_are_counted() {
    let output = run_for(None, 5);
    assert_eq!(output.ended, Ended::Exit(1));
    assert!(output.stdout.ends_with("3 passed, 10 failed, 1 skipped\n"), "{}", output.stdout);
    assert!(output.stdout.contains("FAILED is_false\n"));
}

#[test]
fn nothing_is_left_behind() {
    let output = run(Some("leaves_an_object_and_a_child"));
    assert_eq!(output.ended, Ended::Exit(0));
    let (name, pid) = output.stdout.trim_end().split_once(' ').expect("a name and a process id");
    assert!(!Path::new(&format!("/dev/shm/sem.{}", &name[1..])).exists());
    // A process that has been sent SIGKILL still needs a processor to end on.
    let deadline = Instant::now() + Duration::from_secs(20);
    while is_alive(pid) {
        assert!(Instant::now() < deadline, "the child {pid} is still there");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/status"))
        .is_ok_and(|status| !status.contains("State:\tZ") && !status.contains("State:\tX"))
}

/// What the script that counts tests says of a command that prints `text` and ends with `status`.
fn counted(text: &str, status: i32) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/count");
    let mut command = std::process::Command::new(script);
    command.args(["sh", "-c", "printf \"$0\"; exit $1", text, &status.to_string()]);
    run_bounded(command, Duration::from_mins(1))
}

#[test]
fn one_line_counts_all_tests() {
    let two = "test result: ok. 6 passed; 0 failed; 0 ignored\n3 passed, 0 failed\n\
               ---- a_case stdout ----\nwhy\nfailures:\nits name\n\
               test result: FAILED. 3 passed; 1 failed; 0 ignored\nasan: 2 passed, 0 failed\n";
    let output = counted(two, 101);
    assert_eq!(output.ended, Ended::Exit(101));
    let closing =
        "asan: 2 passed, 0 failed\n  ---- a_case stdout ----\n  why\n11 passed, 1 failed\n";
    assert!(output.stdout.ends_with(closing), "{}", output.stdout);
}
