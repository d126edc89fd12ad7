//! System V semaphore sets, and what the kernel has of its own: `ls`, `stat`, `graph`.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::sets::{document, operator, set, text, values};
use common::{Actor, Place, eventually, json, pids};
use serde_json::{Value, json};

#[test]
fn values_waiters_and_who_holds_by_undo() {
    let place = Place::new("sets");
    let (mut one, mut other) = (operator(&place), operator(&place));
    one.does("get beef 3");
    let new = set(&place);
    assert_eq!((&new["name"], &new["kind"]), (&json!("0x0000beef"), &json!("svsem")));
    assert_eq!((values(&new), &new["set"]["operated"]), (vec![0, 0, 0], &Value::Null));
    one.does("set beef 0 2");
    one.does("op beef 0:-1:u 2:+5");
    other.begins("op beef 0:-1:u 1:-2 2:-1");
    let waiting = eventually(
        || set(&place),
        // A thread is seen asleep a moment after it has begun to wait.
        |set| set["waiters"].as_array().is_some_and(|waiters| waiters.len() == 1),
    );
    assert_eq!(values(&waiting), [1, 0, 5]);
    let state = &waiting["set"];
    assert_eq!(state["semaphores"][0]["last_pid"], one.pid());
    assert_eq!(state["semaphores"][1]["waiting_for_increase"], 1);
    assert_eq!(state["semaphores"][1]["waiting_for_zero"], 0);
    assert_eq!(state["key"], "0x0000beef");
    assert!(state["operated"].is_u64());
    let undo = json!([{ "semaphore": 0, "amount": 1, "pid": one.pid(), "program": "sets-preload",
                        "ended": false }]);
    assert_eq!(without_program(&state["undo"]), without_program(&undo));
    let waiter = &waiting["waiters"][0];
    assert_eq!((&waiter["pid"], &waiter["tid"]), (&json!(other.pid()), &json!(other.pid())));
    assert_eq!((&waiter["waits_for"], &waiter["semaphore"]), (&json!("increase"), &json!(1)));
    let operation = |semaphore, amount, undo| json!({ "semaphore": semaphore, "amount": amount, "no_wait": false, "undo": undo });
    let wanted = json!([operation(0, -1, true), operation(1, -2, false), operation(2, -1, false)]);
    assert_eq!(waiter["operations"], wanted);
    assert_eq!(waiting["waiters_known"], true);

    let table = text(&place, &["ls", "svsem"]);
    let line = table.lines().find(|line| line.contains("0x0000beef")).unwrap();
    let held = format!("held by undo: {}", escaped_program(&one));
    assert!(line.contains(" 1,0,5 ") && line.contains(&held), "{line}");

    one.does("op beef 1:+2");
    assert_eq!(other.answer(), "ok");
    one.begins("op beef 2:0");
    eventually(|| set(&place), |set| set["set"]["semaphores"][2]["waiting_for_zero"] == 1);
    other.kill();
    let after = eventually(|| set(&place), |set| values(set) == [1, 0, 4]);
    assert_eq!(after["set"]["undo"].as_array().unwrap().len(), 1, "its own is undone: {after:#}");
}

fn without_program(undo: &Value) -> Value {
    let mut undo = undo.clone();
    undo.as_array_mut().unwrap().iter_mut().for_each(|known| known["program"] = Value::Null);
    undo
}

/// `name:pid`
fn escaped_program(actor: &Actor) -> String {
    let name = fs::read_to_string(format!("/proc/{}/comm", actor.pid())).unwrap();
    format!("{}:{}", name.trim_end(), actor.pid())
}

#[test]
fn stat_by_key_and_by_id() {
    let place = Place::new("sets-stat");
    let (mut one, mut other) = (operator(&place), operator(&place));
    one.does("get beef 2");
    one.does("op beef 0:+1:u");
    other.begins("op beef 0:0 1:-1:u");
    let id = set(&place)["set"]["id"].to_string();
    let stat = |name: &str| text(&place, &["stat", name]);
    let by_key = eventually(|| stat("0xbeef"), |text| text.contains("waits for zero"));
    for part in [
        "0x0000beef: System V semaphore set\n",
        &format!("id         {id}\n"),
        "semaphore  0: value 1, 1 waits for zero, last used by ",
        "semaphore  1: value 0\n",
        &format!("{}: -1 to semaphore 0 when it ends\n", one.pid()),
        &format!("{}: waits for zero of semaphore 0, wants 0:0 1:-1:SEM_UNDO\n", other.pid()),
        "mode 0600",
    ] {
        assert!(by_key.contains(part), "{part} in {by_key}");
    }
    assert!(stat(&id).starts_with("0x0000beef: "));
    place.rsipc(&["stat", "0xbee"]).assert().code(1);
    place.rsipc(&["stat", "0xbeef", "--kind", "svmsg"]).assert().code(1);
}

/// Objects of the kernel, which are removed at the end.
struct Kernel {
    set: i32,
    queue: i32,
    segment: i32,
}

const PRIVATE: i32 = libc::IPC_PRIVATE;

impl Kernel {
    fn new() -> Self {
        // SAFETY: no pointers.
        let made = unsafe {
            Self {
                set: libc::semget(PRIVATE, 3, 0o640),
                queue: libc::msgget(PRIVATE, 0o600),
                segment: libc::shmget(PRIVATE, 5000, 0o600),
            }
        };
        assert!(made.set >= 0 && made.queue >= 0 && made.segment >= 0);
        made
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // SAFETY: these commands take no pointer.
        unsafe {
            libc::semctl(self.set, 0, libc::IPC_RMID);
            libc::msgctl(self.queue, libc::IPC_RMID, std::ptr::null_mut());
            libc::shmctl(self.segment, libc::IPC_RMID, std::ptr::null_mut());
        }
    }
}

#[test]
fn what_the_kernel_has_is_marked() {
    let kernel = Kernel::new();
    // SAFETY: SETVAL takes an int; a new mapping at an address of the kernel's choice.
    let attached = unsafe {
        assert_eq!(libc::semctl(kernel.set, 1, libc::SETVAL, 7), 0);
        libc::shmat(kernel.segment, std::ptr::null(), 0)
    };
    assert!(!attached.is_null());
    let listing = json(&["ls", "--json"]);
    let known = |kind: &str, id: i32| {
        let objects = listing["kernel"].as_array().unwrap();
        let found = objects.iter().find(|object| object["kind"] == kind && object["id"] == id);
        found.unwrap_or_else(|| panic!("{kind} {id} in {listing:#}")).clone()
    };
    let set = known("svsem", kernel.set);
    assert_eq!((&set["semaphores"], &set["mode"]), (&json!(3), &json!("0640")));
    assert_eq!(known("svmsg", kernel.queue)["messages"], 0);
    let segment = known("svshm", kernel.segment);
    assert_eq!((&segment["bytes"], &segment["attached"]), (&json!(5000), &json!(1)));
    assert_eq!(segment["attached_by"], json!([std::process::id()]));

    let table =
        String::from_utf8(common::rsipc(&["ls", "svsem"]).output().unwrap().stdout).unwrap();
    let row = |id: i32| {
        let is_it = |line: &&str| line.split_whitespace().nth(1) == Some(&id.to_string());
        table.lines().find(is_it).map(str::to_owned)
    };
    assert!(row(kernel.set).unwrap().contains("3 sems") && table.contains("the kernel's"));
    assert_eq!((row(kernel.queue), row(kernel.segment)), (None, None), "of other kinds");

    let stat = |id: i32| {
        let output = common::rsipc(&["stat", &id.to_string()]).assert().success();
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    };
    let said = stat(kernel.set);
    assert!(said.contains("System V semaphore set, the kernel's\n"), "{said}");
    assert!(said.contains("semaphore  1: value 7, last used by "), "{said}");
    assert!(stat(kernel.queue).contains("messages   0, of 0 bytes together\n"));
    assert!(stat(kernel.segment).contains(&format!(" {}\n", std::process::id())));
    // SAFETY: attached above.
    unsafe { libc::shmdt(attached) };
}

fn deadlocks(place: &Place) -> Vec<Value> {
    let graph = document(place, &["graph", "--format", "json"]);
    let all = graph["deadlocks"].as_array().unwrap().iter();
    // Memory without a name belongs to every directory, so others may be stuck in theirs.
    let is_ours = |deadlock: &&Value| deadlock["sleepers"][0]["semaphore"].is_u64();
    all.filter(is_ours).cloned().collect()
}

#[test]
fn a_cycle_of_locks_with_undo_is_named_although_a_third_one_is_awake() {
    let place = Place::new("sets-cycle");
    let [mut one, mut other, mut third] = [0, 1, 2].map(|_| operator(&place));
    one.does("get beef 2");
    for line in ["set beef 0 1", "set beef 1 1", "op beef 0:-1:u"] {
        one.does(line);
    }
    third.does("op beef 0:0");
    other.does("op beef 1:-1:u");
    one.begins("op beef 1:-1:u");
    eventually(|| set(&place), |set| set["waiters"].as_array().unwrap().len() == 1);
    for _ in 0..5 {
        assert_eq!(deadlocks(&place), [] as [Value; 0], "the second one may give it back");
    }
    other.begins("op beef 0:-1:u");
    let found = eventually(|| deadlocks(&place), |found| !found.is_empty());
    let both = BTreeSet::from([one.pid().into(), other.pid().into()]);
    assert_eq!((found.len(), pids(&found[0]["processes"])), (1, both.clone()));
    assert_eq!((&found[0]["shape"], &found[0]["certain"]), (&json!("cycle"), &json!(false)));
    assert_eq!(pids(&found[0]["others"]), BTreeSet::from([third.pid().into()]));
    let waits: BTreeSet<(u64, u64, u64)> = found[0]["sleepers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sleeper| {
            let number = |value: &Value| value.as_u64().unwrap();
            let held_by = number(&sleeper["held_by"][0]);
            (number(&sleeper["pid"]), number(&sleeper["semaphore"]), held_by)
        })
        .collect();
    let (first, second) = (u64::from(one.pid()), u64::from(other.pid()));
    assert_eq!(waits, BTreeSet::from([(first, 1, second), (second, 0, first)]));
    let said = text(&place, &["graph"]);
    for part in ["deadlock, in all likelihood: ", "is in read, and could", "(`kill "] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(said.contains("on semaphore 1 of 0x0000beef, which sets"), "{said}");
    let ends: Vec<&str> = said.lines().filter(|line| line.contains("end one: ")).collect();
    assert!(matches!(ends[..], [line] if line.contains("` or `kill ")), "{said}");
    let dot = text(&place, &["graph", "--format", "dot"]);
    assert_eq!(dot.matches("has taken").count(), 2, "{dot}");
    assert_eq!(dot.matches("waits for ever").count(), 2, "{dot}");

    third.kill();
    let found =
        eventually(|| deadlocks(&place), |found| found.iter().any(|it| it["certain"] == true));
    assert_eq!(pids(&found[0]["processes"]), both);
    one.kill();
    assert_eq!(other.answer(), "ok", "what the first one had taken was given back");
    assert_eq!(deadlocks(&place), [] as [Value; 0]);
}

#[test]
fn one_that_nobody_is_left_to_wake() {
    let place = Place::new("sets-abandoned");
    let (mut one, mut other) = (operator(&place), operator(&place));
    one.does("get beef 1");
    other.does("op beef 0:0");
    one.begins("op beef 0:-1");
    eventually(|| set(&place), |set| set["waiters"].as_array().unwrap().len() == 1);
    for _ in 0..5 {
        assert_eq!(deadlocks(&place), [] as [Value; 0], "the other one may add to it");
    }
    other.kill();
    let found = eventually(|| deadlocks(&place), |found| !found.is_empty());
    assert_eq!((&found[0]["shape"], &found[0]["certain"]), (&json!("abandoned"), &json!(true)));
    let said = text(&place, &["graph"]);
    assert!(said.contains("`semop 0x0000beef 0:+1` in `rsipc console`"), "{said}");
    place.rsipc(&["console"]).write_stdin("semop 0x0000beef 0:+1\n").assert().success();
    assert_eq!(one.answer(), "ok");
}

#[test]
fn what_ends_by_itself_and_what_is_consumed_is_no_deadlock() {
    let place = Place::new("sets-none");
    let (mut one, mut other) = (operator(&place), operator(&place));
    one.does("get beef 2");
    one.begins("timed beef 60000 0:-1");
    other.begins("timed beef 60000 1:-1");
    let count = |count: usize| {
        eventually(|| set(&place), |set| set["waiters"].as_array().unwrap().len() == count);
    };
    count(2);
    for _ in 0..5 {
        assert_eq!(deadlocks(&place), [] as [Value; 0], "both give up after a minute");
    }
    let mut producer = operator(&place);
    producer.does("op beef 0:+1 1:+1");
    assert_eq!((one.answer(), other.answer()), ("ok".to_owned(), "ok".to_owned()));
    // Two consumers that have taken with SEM_UNDO what nobody gives back: the producer adds more.
    producer.does("op beef 0:+2");
    for consumer in [&mut one, &mut other] {
        consumer.does("op beef 0:-1:u");
    }
    for consumer in [&mut one, &mut other] {
        consumer.begins("op beef 0:-1:u");
    }
    count(2);
    for _ in 0..5 {
        assert_eq!(deadlocks(&place), [] as [Value; 0], "the producer is awake");
    }
}
