//! The wrong programs of the course (`tests/c/course/wrong/`) under `rsipc run --check`: each is
//! named, with the object and the process that it says itself; its right twin is not.

mod common;

use std::path::PathBuf;

use common::{Place, Way, program, rsipc};

/// A program, the findings that name its mistake, and the chaos that it needs to show.
struct Exercise {
    program: &'static str,
    kinds: &'static [&'static str],
    chaos: Option<u32>,
}

const fn plain(program: &'static str, kinds: &'static [&'static str]) -> Exercise {
    Exercise { program, kinds, chaos: None }
}

const EXERCISES: [Exercise; 11] = [
    plain("lost_wakeup", &["decided-by-value"]),
    plain("missing_unlink", &["never-unlinked"]),
    plain("lock_order", &["lock-order"]),
    plain("destroyed_waited", &["destroyed-while-awaited"]),
    plain("post_twice", &["foreign-post"]),
    Exercise { program: "barrier_twice", kinds: &["deadlock"], chaos: Some(1) },
    plain("queue_full", &["message-lost"]),
    plain("notify_once", &["notified-once"]),
    plain("uninitialised", &["uninitialised"]),
    plain("inherited_queue", &["kept-open"]),
    plain("handler_waits", &["in-handler", "deadlock"]),
];

fn source(name: &str) -> PathBuf {
    program(&format!("../../../tests/c/course/wrong/{name}.c"), Way::Glibc)
}

/// Standard output, standard error and exit status.
fn run(exercise: &Exercise, check: bool, twin: &str) -> (String, String, Option<i32>) {
    let place = Place::new(&format!("{}-{twin}", exercise.program));
    let mut options = vec!["run".to_owned()];
    if check {
        options.extend(["--check=fatal".into(), "--patience=1".into()]);
    }
    if let Some(seed) = exercise.chaos {
        options.push(format!("--chaos={seed}"));
    }
    let output = rsipc(&options)
        .arg("--")
        .arg(source(exercise.program))
        .arg(twin)
        .env("RSIPC_LIB", common::library_dir())
        .env("RSIPC_DIR", place.path())
        .output()
        .expect("it ends in time");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

fn is_named(exercise: &Exercise) {
    let (said, found, status) = run(exercise, true, "wrong");
    assert_eq!(status, Some(66), "{}:\n{said}{found}", exercise.program);
    // "wrong: OBJECT by PID", perhaps of several.
    let blamed: Vec<(&str, &str)> =
        said.lines().filter_map(|line| line.strip_prefix("wrong: ")?.split_once(" by ")).collect();
    assert!(!blamed.is_empty(), "{said}");
    for kind in exercise.kinds {
        let head = format!("rsipc check: {kind}: ");
        let mut lines = found.lines().skip_while(|line| !line.starts_with(&head));
        let (what, who) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        assert!(
            blamed.iter().any(|(object, pid)| what.contains(object)
                && who.starts_with(&format!("  by: process {pid} ("))),
            "{}: {kind} of one of {blamed:?}:\n{found}",
            exercise.program
        );
    }
}

fn is_silent(exercise: &Exercise) {
    let (said, found, status) = run(exercise, true, "right");
    assert_eq!(status, Some(0), "{}:\n{said}{found}", exercise.program);
    assert!(!found.contains("rsipc check"), "{}:\n{found}", exercise.program);
}

macro_rules! exercises {
    ($($index:literal $wrong:ident $right:ident;)+) => {
        $(
            #[test]
            fn $wrong() {
                is_named(&EXERCISES[$index]);
            }

            #[test]
            fn $right() {
                is_silent(&EXERCISES[$index]);
            }
        )+
    };
}

exercises! {
    0 lost_wakeup_is_named lost_wakeup_done_right_is_not;
    1 missing_unlink_is_named missing_unlink_done_right_is_not;
    2 lock_order_is_named lock_order_done_right_is_not;
    3 destroyed_waited_is_named destroyed_waited_done_right_is_not;
    4 post_twice_is_named post_twice_done_right_is_not;
    5 barrier_twice_is_named barrier_twice_done_right_is_not;
    6 queue_full_is_named queue_full_done_right_is_not;
    7 notify_once_is_named notify_once_done_right_is_not;
    8 uninitialised_is_named uninitialised_done_right_is_not;
    9 inherited_queue_is_named inherited_queue_done_right_is_not;
    10 handler_waits_is_named handler_waits_done_right_is_not;
}

/// What no call shows, the result does when chaos has the processes meet.
#[test]
fn unlocked_counter_loses_under_chaos() {
    let exercise = Exercise { program: "unlocked_counter", kinds: &[], chaos: Some(1) };
    let (said, talk, status) = run(&exercise, false, "wrong");
    assert_eq!(status, Some(1), "{said}{talk}");
    assert!(talk.contains("rsipc chaos: seed 1"), "{talk}");
    let (said, talk, status) = run(&exercise, true, "right");
    assert_eq!(status, Some(0), "{said}{talk}");
    assert!(!talk.contains("rsipc check"), "{talk}");
}
