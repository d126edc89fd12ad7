//! `rsipc run --trace`, `--check` and `--chaos`: what a user sees, and what a program does not.

mod common;

use std::fs;
use std::process::Command;

use common::terminal::{Terminal, size};
use common::{Place, Way, binary, library_dir, program, rsipc};
use serde_json::Value;

fn course(path: &str) -> String {
    let program = program(&format!("../../../tests/c/course/{path}.c"), Way::Glibc);
    program.to_str().expect("the path is text").to_owned()
}

fn run(place: &Place, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = rsipc(&["run"]);
    command.args(arguments).env("RSIPC_LIB", library_dir()).env("RSIPC_DIR", place.path());
    command
}

fn calls(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn a_trace_has_the_calls_of_all_processes_in_order() {
    let place = Place::new("trace");
    let file = place.path().join("trace");
    let option = format!("--trace={}", file.display());
    run(&place, &[&option, "--trace-format=json", "--", &course("mq/mq_hello")]).assert().success();
    let calls = calls(&fs::read_to_string(&file).unwrap());
    let of = |name: &str| calls.iter().filter(|call| call["call"] == name).count();
    assert_eq!((of("mq_open"), of("mq_send"), of("mq_receive"), of("mq_unlink")), (2, 4, 4, 1));
    let ends: Vec<u64> = calls.iter().filter_map(|call| call["ended"].as_u64()).collect();
    assert_eq!(ends.len(), calls.len());
    let pids: std::collections::BTreeSet<i64> =
        calls.iter().filter_map(|call| call["pid"].as_i64()).collect();
    assert_eq!(pids.len(), 2, "two processes");
    for pid in pids {
        let began: Vec<&Value> =
            calls.iter().filter(|call| call["pid"] == pid).map(|call| &call["began"]).collect();
        assert!(began.is_sorted_by_key(|time| time.as_u64()), "in order: {calls:#?}");
    }
    let opened = &calls[0];
    assert!(opened["object"].as_str().is_some_and(|name| name.starts_with("/course-")), "{opened}");
    assert_eq!(opened["arguments"][1], "O_WRONLY|O_CREAT|O_EXCL");
    assert_eq!(opened["arguments"][3], "{maxmsg=10, msgsize=100}");
    assert!(calls.iter().all(|call| call["object"] == opened["object"]), "{calls:#?}");
}

#[test]
fn a_failed_call_has_its_errno() {
    let place = Place::new("errno");
    let traced = run(&place, &["--trace", "--", &course("mq/mq_nonblocking")]).output().unwrap();
    let text = String::from_utf8(traced.stderr).unwrap();
    assert!(text.lines().any(|line| line.contains("= -1 EAGAIN (")), "{text}");
}

#[test]
fn an_argument_that_was_not_passed_is_not_shown() {
    let place = Place::new("passed");
    let file = place.path().join("trace");
    let option = format!("--trace={}", file.display());
    let program = course("sysv_sem/set_commands");
    run(&place, &[&option, "--trace-format=json", "--", &program]).assert().success();
    let calls = calls(&fs::read_to_string(&file).unwrap());
    let all_of = |command: &str| {
        let is_it = |call: &&Value| call["arguments"][2] == command && call["call"] == "semctl";
        let found: Vec<&Value> =
            calls.iter().filter(is_it).map(|call| &call["arguments"]).collect();
        assert!(!found.is_empty(), "{calls:#?}");
        found
    };
    for command in ["IPC_RMID", "GETVAL"] {
        assert!(all_of(command).iter().all(|given| given.as_array().unwrap().len() == 3));
    }
    assert!(all_of("SETVAL").iter().all(|given| given[3].as_str().unwrap().parse::<i32>().is_ok()));
}

#[test]
fn a_picture_is_one_document() {
    let place = Place::new("chrome");
    let file = place.path().join("trace");
    let option = format!("--trace={}", file.display());
    run(&place, &[&option, "--trace-format=chrome", "--", &course("sysv_sem/set_barrier")])
        .assert()
        .success();
    let document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let events = document["traceEvents"].as_array().unwrap();
    assert!(events.iter().any(|event| event["ph"] == "X" && event["cat"] == "System V semaphores"));
    assert!(events.iter().any(|event| event["ph"] == "M" && event["name"] == "process_name"));
}

#[test]
fn the_exit_status_stays_that_of_the_program() {
    let place = Place::new("status");
    run(&place, &["--check", "sh", "-c", "exit 7"]).assert().code(7);
    run(&place, &["--check", "sh", "-c", "kill -TERM $$"]).assert().code(128 + 15);
    // Not fatal.
    run(&place, &["--check", "--", &course("wrong/missing_unlink")]).assert().code(0);
}

#[test]
fn a_registration_for_a_notification_outlives_what_is_asked_meanwhile() {
    let place = Place::new("registered");
    let program = program("registered.c", Way::Glibc);
    let program = program.to_str().expect("the path is text");
    for option in ["--check", "--trace"] {
        run(&place, &[option, "--", program, "/registered"]).assert().code(0);
    }
}

/// A fork copies what the children share with their parent, not hundreds of its threads' locks.
#[test]
fn many_private_semaphores_leave_room() {
    let place = Place::new("many");
    let program = program("many_locks.c", Way::Glibc);
    let program = program.to_str().expect("the path is text");
    let output = run(&place, &["--check", "--", program, "/meeting"]).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{talk}");
    assert!(!talk.contains("not all of the run was seen"), "{talk}");
    let found: Vec<&str> =
        talk.lines().filter_map(|line| line.strip_prefix("rsipc check: ")).collect();
    let kinds: Vec<&str> = found.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(kinds, ["not-open", "never-unlinked", "2 findings"], "{talk}");
}

/// A call that was left by siglongjmp is over: what comes after it is judged.
#[test]
fn a_call_that_was_left_is_over() {
    let place = Place::new("left");
    let program = program("left.c", Way::Glibc);
    let program = program.to_str().expect("the path is text");
    let output = run(&place, &["--check", "--", program]).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{talk}");
    assert!(talk.contains("rsipc check: unmapped-while-awaited: "), "{talk}");
}

/// A line that the terminal had to wrap would be read as one that is wider than the terminal.
#[test]
fn a_report_fits_the_terminal() {
    let place = Place::new("folded");
    let mut command = Command::new(binary());
    command.args(["run", "--check", "--", &course("wrong/missing_unlink")]);
    command.env("RSIPC_LIB", library_dir()).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, size(50, 24));
    let screen = terminal.shows("rsipc check: 1 finding");
    assert!(terminal.ends().success());
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(": made by the run and never unlinked by: process "), "{screen}");
    let report = screen.lines().skip_while(|line| !line.starts_with("rsipc check: never-unlinked"));
    assert!(report.clone().count() > 4, "{screen}");
    assert!(report.into_iter().all(|line| line.len() <= 50), "{screen}");
}

/// What is printed in a watched run is what is printed without; the library is there all the same.
#[test]
fn a_program_does_not_notice() {
    for path in ["sem/sem_lifetime", "mq/mq_notify_signal", "sysv_msg/queue_server"] {
        let place = Place::new("unnoticed");
        let plain = Command::new(course(path)).output().unwrap();
        let watched =
            run(&place, &["--check", "--trace=/dev/null", "--", &course(path)]).output().unwrap();
        assert_eq!(watched.status.code(), plain.status.code(), "{path}");
        assert_eq!(
            String::from_utf8_lossy(&watched.stdout),
            String::from_utf8_lossy(&plain.stdout),
            "{path}"
        );
    }
}

/// The numbers that all decisions of a run were made from.
fn decisions(seed: &str) -> Vec<String> {
    let place = Place::new("seed");
    let file = place.path().join("trace");
    let (trace, chaos) = (format!("--trace={}", file.display()), format!("--chaos={seed}"));
    let exercise = course("sem/sem_wait_post");
    run(&place, &[&trace, "--trace-format=json", &chaos, "--", &exercise]).assert().success();
    let calls = calls(&fs::read_to_string(&file).unwrap());
    let mut found: Vec<String> =
        calls.iter().filter_map(|call| Some(call["decision"].as_str()?.to_owned())).collect();
    // The processes do not end their calls in the same order.
    found.sort();
    found
}

#[test]
fn the_same_seed_decides_the_same() {
    let first = decisions("11");
    assert!(first.len() > 5);
    assert_eq!(first, decisions("11"));
    assert_ne!(first, decisions("12"));
}

#[test]
fn chaos_says_its_seed_and_whom_it_kills() {
    let place = Place::new("kill");
    let output = run(&place, &["--chaos=kill:4", "--", &course("sem/sem_mutex")]).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("rsipc chaos: seed 4 (--chaos=kill:4 repeats it)"), "{talk}");
    assert!(talk.contains("rsipc chaos: killed process "), "{talk}");
    assert_ne!(output.status.code(), Some(0), "the program misses one of its processes");
}

#[test]
fn without_the_command_findings_are_text() {
    let place = Place::new("settings");
    let library = |name: &str| library_dir().join(name).display().to_string();
    let output = Command::new(course("wrong/uninitialised"))
        .env("RSIPC_DIR", place.path())
        .env("RSIPC_CHECK", "1")
        .env("LD_PRELOAD", format!("{}:{}", library("librsipc_watch.so"), library("librsipc.so")))
        .output()
        .unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.starts_with("rsipc check: uninitialised: 0x"), "{talk}");
    assert!(talk.contains("why: sem_overview(7)") && talk.contains("  at /"), "{talk}");
}

/// It stands in front of the C library's own functions as well.
#[test]
fn it_checks_glibc_too() {
    let output = Command::new(course("wrong/post_twice"))
        .env("RSIPC_CHECK", "1")
        .env("LD_PRELOAD", library_dir().join("librsipc_watch.so"))
        .output()
        .unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("rsipc check: foreign-post: /course-lock-"), "{talk}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new("refused");
    run(&place, &["--chaos=perhaps", "true"]).assert().code(2);
    run(&place, &["--trace-format=json", "true"]).assert().code(2);
    run(&place, &["--check=sometimes", "true"]).assert().code(2);
}

#[test]
fn a_record_that_cannot_be_written_is_named() {
    let place = Place::new("no-record");
    let output = run(&place, &["--trace=/nonexistent/x", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/nonexistent/x: No such file or directory"), "{said}");
}
