//! The wrong programs of the course (`tests/c/course/wrong/`) under `rsipc run --check`: each is
//! named, with the object and the process that it says itself; its right twin is not.

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::{BOUND, Ended, Place, Way, program, run_bounded, unbounded};

/// A wrong program is named within this time, from the start of `rsipc run` to its end. That is a
/// promise to the user, so it is a limit on the wait, by the clock on the wall: a run that takes
/// longer is killed, and the test fails. On two processors at a load average of 6 the slowest run
/// took 2.6 s: mostly sleep, with less than 0.1 s of processor time. So a loaded machine does not
/// come near the limit.
const NAMED_WITHIN: Duration = Duration::from_secs(10);

/// A program, the findings that name its mistake, and the chaos that it needs to show.
struct Exercise {
    program: &'static str,
    /// The program with mistakes in other styles that this is one of.
    of: Option<&'static str>,
    /// Each of these, or one of those with a `|` between them.
    kinds: &'static [&'static str],
    chaos: Option<u32>,
}

const fn plain(program: &'static str, kinds: &'static [&'static str]) -> Exercise {
    Exercise { program, of: None, kinds, chaos: None }
}

const EXERCISES: [Exercise; 11] = [
    plain("lost_wakeup", &["decided-by-value"]),
    plain("missing_unlink", &["never-unlinked"]),
    // Where the two lock each other out in the first round, no order has been seen.
    plain("lock_order", &["lock-order|deadlock"]),
    plain("destroyed_waited", &["destroyed-while-awaited"]),
    plain("post_twice", &["foreign-post"]),
    Exercise { chaos: Some(1), ..plain("barrier_twice", &["deadlock"]) },
    plain("queue_full", &["message-lost"]),
    plain("notify_once", &["notified-once"]),
    plain("uninitialised", &["uninitialised"]),
    plain("inherited_queue", &["kept-open"]),
    plain("handler_waits", &["in-handler", "deadlock"]),
];

fn source(exercise: &Exercise) -> PathBuf {
    let of_course = || format!("../../../tests/c/course/wrong/{}.c", exercise.program);
    program(&exercise.of.map_or_else(of_course, |of| format!("{of}.c")), Way::Glibc)
}

/// Standard output, standard error and exit status.
type Run = (String, String, Option<i32>);

fn run(exercise: &Exercise, check: bool, twin: &str) -> Run {
    run_in(&Place::new(&format!("{}-{twin}", exercise.program)), exercise, check, twin)
}

fn run_in(place: &Place, exercise: &Exercise, check: bool, twin: &str) -> Run {
    let mut options = vec!["run".to_owned()];
    if check {
        options.extend(["--check=fatal".into(), "--patience=1".into()]);
    }
    if let Some(seed) = exercise.chaos {
        options.push(format!("--chaos={seed}"));
    }
    let mut command = unbounded(&options);
    command
        .arg("--")
        .arg(source(exercise))
        .args(exercise.of.map(|_| exercise.program))
        .arg(twin)
        .env("RSIPC_LIB", common::library_dir())
        .env("RSIPC_DIR", place.path());
    let bound = if check && twin == "wrong" { NAMED_WITHIN } else { BOUND };
    let output = run_bounded(command, bound);
    let status = match output.ended {
        Ended::Exit(status) => Some(status),
        Ended::Signal(_) => None,
        Ended::TimedOut => {
            let (said, found) = (output.stdout, output.stderr);
            panic!("{} took more than {bound:?}:\n{said}{found}", exercise.program)
        }
    };
    (output.stdout, output.stderr, status)
}

fn is_named(exercise: &Exercise) {
    let (said, found, status) = run(exercise, true, "wrong");
    assert_eq!(status, Some(66), "{}:\n{said}{found}", exercise.program);
    // "wrong: OBJECT by PID", perhaps of several.
    let blamed: Vec<(&str, &str)> =
        said.lines().filter_map(|line| line.strip_prefix("wrong: ")?.split_once(" by ")).collect();
    assert!(!blamed.is_empty(), "{said}");
    for kind in exercise.kinds {
        let is_of_kind = |line: &&str| {
            kind.split('|').any(|kind| line.starts_with(&format!("rsipc check: {kind}: ")))
        };
        let mut lines = found.lines().skip_while(|line| !is_of_kind(line));
        let (what, who) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        assert!(
            blamed.iter().any(|(object, pid)| what.contains(object)
                && who.starts_with(&format!("  by: process {pid} ("))),
            "{}: {kind} of one of {blamed:?}:\n{found}",
            exercise.program
        );
    }
}

/// Those of the course work under chaos, too, which interrupts the calls of a program that has a
/// handler.
fn is_silent(exercise: &Exercise) {
    let disturbed = Exercise { chaos: Some(7), ..*exercise };
    let disturbed = exercise.of.is_none().then_some(&disturbed);
    for exercise in [exercise].into_iter().chain(disturbed) {
        let (said, found, status) = run(exercise, true, "right");
        assert_eq!(status, Some(0), "{}:\n{said}{found}", exercise.program);
        assert!(!found.contains("rsipc check"), "{}:\n{found}", exercise.program);
    }
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

/// What no call shows, the result does when chaos has the processes meet. Then the memory is named
/// that they share, and who uses it.
#[test]
fn unlocked_counter_loses_under_chaos() {
    let exercise = Exercise { chaos: Some(1), ..plain("unlocked_counter", &[]) };
    let (said, talk, status) = run(&exercise, false, "wrong");
    assert_eq!(status, Some(1), "{said}{talk}");
    for part in [
        "rsipc chaos: seed 1",
        "look for accesses without a lock to what its processes share:",
        "  shared memory without a name, with the semaphores 0x",
        ", used by processes ",
        "  processes of the run: ",
    ] {
        assert!(talk.contains(part), "{part}: {talk}");
    }
    let (said, talk, status) = run(&exercise, true, "right");
    assert_eq!(status, Some(0), "{said}{talk}");
    assert!(!talk.contains("rsipc check") && !talk.contains("rsipc: note"), "{talk}");
}

/// The same mistakes in other styles (`c/styles.h`).
macro_rules! in_other_styles {
    ($($test:ident $of:literal $program:literal $kind:literal;)+) => {
        $(
            #[test]
            fn $test() {
                let exercise = Exercise { of: Some($of), ..plain($program, &[$kind]) };
                is_named(&exercise);
                is_silent(&exercise);
            }
        )+
    };
}

in_other_styles! {
    a_deadlock_of_threads "styles" "threads_deadlock" "deadlock";
    a_deadlock_with_a_handler_of_interrupts "styles" "processes_deadlock" "deadlock";
    a_circle_of_locks "styles" "philosophers" "lock-order";
    a_decision_with_a_log_in_between "styles" "logs_between" "decided-by-value";
    a_message_that_came_too_late "styles" "late_send" "message-lost";
    a_queue_kept_until_exit_without_handlers "styles" "kept_until_exit" "kept-open";
    a_queue_kept_until_the_kill "styles" "kept_until_killed" "kept-open";
    a_first_round_that_posts_twice "styles" "twice_at_first" "foreign-post";
    a_place_given_back_twice "styles" "place_twice" "foreign-post";
    an_uninitialised_one_in_unlinked_memory "styles" "in_unlinked" "uninitialised";
    one_for_threads_used_by_processes "styles" "for_threads" "not-shared";
    locks_of_a_set_in_two_orders "styles_sysv" "set_order" "lock-order";
    a_decision_by_the_value_in_a_set "styles_sysv" "set_by_value" "decided-by-value";
    a_lock_of_a_set_given_back_twice "styles_sysv" "set_twice" "foreign-post";
    a_unit_too_many_that_is_undone "styles_sysv" "set_undone" "foreign-post";
    a_lock_given_back_once_more_at_the_end "styles_sysv" "set_half_undone" "foreign-post";
    an_uninitialised_one_in_a_segment "styles_sysv" "in_segment" "uninitialised";
    a_segment_detached_under_a_waiter "styles_sysv" "detached" "unmapped-while-awaited";
    a_handler_that_takes_from_a_set "styles_sysv" "handler_takes" "in-handler";
    a_segment_that_a_child_keeps "styles_sysv" "segment_kept" "kept-open";
    a_segment_attached_for_each_task "styles_sysv" "attached_often" "opened-often";
    a_set_that_nobody_gave_values "styles_sysv" "set_unset" "uninitialised";
    a_handler_that_came_when_the_lock_was_free "styles_late" "lucky_handler" "in-handler";
    a_lock_that_somebody_missed "styles_late" "kept_at_exit" "not-given-back";
    a_lock_that_was_never_given_back "styles_late" "never_given_back" "not-given-back";
    a_copy_that_a_child_posts_to "styles_late" "posts_to_copy" "not-shared";
    a_lock_that_two_gave_back "styles_late" "given_by_two" "foreign-post";
    a_message_that_is_too_long "styles_late" "too_long" "message-lost";
    a_room_that_admits_both "styles_late" "room_for_both" "lock-order";
    a_post_to_what_is_closed "styles_ends" "used_when_closed" "closed";
    a_second_close "styles_ends" "closed_twice" "not-open";
    a_second_open "styles_ends" "opened_twice" "opened-often";
    a_post_to_what_is_destroyed "styles_ends" "used_when_destroyed" "destroyed";
    a_post_to_what_is_unmapped "styles_ends" "used_when_unmapped" "unmapped";
    a_post_above_the_maximum "styles_ends" "one_too_many" "overflow";
    a_queue_smaller_than_asked_for "styles_ends" "smaller_than_asked" "other-attributes";
    a_message_left_in_its_queue "styles_ends" "left_unread" "unread";
    a_set_that_is_left "styles_ends" "set_left" "never-removed";
    a_duration_as_a_limit "styles_calls" "half_a_second" "past-limit";
    a_duration_as_a_limit_of_a_queue "styles_calls" "half_a_second_for_a_message" "past-limit";
    a_message_to_what_did_not_open "styles_calls" "queue_not_there" "not-open";
    a_message_to_a_queue_opened_to_receive "styles_calls" "sends_to_read_only" "not-open";
    a_message_without_a_type "styles_calls" "no_type" "message-lost";
    a_post_after_a_wait_that_failed "styles_calls" "goes_on_without" "foreign-post";
}

/// The report has the name that it had, where the kernel knows the number of a file.
#[test]
fn a_wait_for_what_is_unlinked() {
    let exercise = Exercise { of: Some("styles_late"), ..plain("unlinked_wait", &["deadlock"]) };
    is_named(&exercise);
    is_silent(&exercise);
    let (said, found, _) = run(&exercise, true, "wrong");
    let name = said.strip_prefix("wrong: ").and_then(|line| line.split(' ').next()).unwrap();
    let report = found.lines().find(|line| line.contains("check: deadlock: ")).unwrap();
    assert_eq!(report.matches(name).count(), 2, "{report}");
    assert!(!report.contains('#'), "{report}");
}

/// What was done with the semaphore before says why the wait is in vain.
#[test]
fn waits_in_vain_have_their_history() {
    for (program, history) in [
        ("lock_of_zero", "it was initialised to 0, and no process of the run has posted to it"),
        ("early_return", "the waiting thread took it last, and has not posted it"),
    ] {
        let exercise = Exercise { of: Some("styles_calls"), ..plain(program, &["deadlock"]) };
        is_named(&exercise);
        is_silent(&exercise);
        let (_, found, _) = run(&exercise, true, "wrong");
        assert!(found.replace("\n    ", " ").contains(history), "{found}");
    }
    let left = Exercise { of: Some("styles_calls"), ..plain("left_by_another_run", &[]) };
    let place = Place::new("left-by-another-run");
    place.rsipc(&["sem", "create", "styles-left", "--value", "0"]).assert().success();
    let (said, found, status) = run_in(&place, &left, true, "wrong");
    assert_eq!(status, Some(66), "{said}{found}");
    let history = "it existed before the run, with the value 0; an earlier run may have left it so";
    assert!(found.contains(history), "{found}");
    place.rsipc(&["sem", "post", "styles-left"]).assert().success();
    let (said, found, status) = run_in(&place, &left, true, "right");
    assert!(status == Some(0) && !found.contains("rsipc check"), "{said}{found}");
}

/// What a process has left that was killed for a deadlock is no mistake of its own.
#[test]
fn what_the_killed_have_left_is_not_reported() {
    let full = Exercise { of: Some("styles_calls"), ..plain("full_of_its_own", &["deadlock"]) };
    is_named(&full);
    is_silent(&full);
    let (_, found, _) = run(&full, true, "wrong");
    assert!(found.contains("rsipc check: 1 finding\n"), "{found}");
    assert!(
        !found.contains("check: never-unlinked") && !found.contains("check: unread"),
        "{found}"
    );
    assert!(found.contains("what they left is not reported"), "{found}");
}

/// Two tokens for one are no mistake where all are taken in the end.
#[test]
fn tasks_that_bring_tasks_are_silent() {
    is_silent(&Exercise { of: Some("styles"), ..plain("tasks", &[]) });
}
