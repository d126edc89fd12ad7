//! Unnamed semaphores in the memory of one process, on which its threads sleep.

mod common;

use std::process::Command;

use common::terminal::{LARGE, Terminal};
use common::{Group, Place, Way, binary, command, eventually, program};
use serde_json::Value;

/// The program `threads.c`, once all its threads sleep.
fn start(way: Way, mode: &str, place: &Place) -> Group {
    let mut command = command(&program("threads.c", way), way);
    command.arg(mode).env("RSIPC_DIR", place.path());
    let group = Group::start(command);
    eventually(|| private(place, group.pid()), |found| found.len() == 4);
    group
}

fn json(place: &Place, arguments: &[&str]) -> Value {
    let output = place.rsipc(arguments).output().expect("it ends in time");
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

fn text(place: &Place, arguments: &[&str]) -> String {
    String::from_utf8(place.rsipc(arguments).output().unwrap().stdout).unwrap()
}

fn of(listing: &Value, pid: u32) -> Vec<Value> {
    let objects = listing["objects"].as_array().expect("a list").iter();
    objects.filter(|object| object["memory"]["pid"] == pid).cloned().collect()
}

fn private(place: &Place, pid: u32) -> Vec<Value> {
    of(&json(place, &["ls", "--private", "--json"]), pid)
}

/// The deadlock of this process, if it is told of one.
fn deadlock(place: &Place, pid: u32) -> Option<Value> {
    let graph = json(place, &["graph", "--format", "json"]);
    let deadlocks = graph["deadlocks"].as_array().expect("a list").iter();
    let is_its = |found: &&Value| found["processes"][0]["pid"] == pid;
    deadlocks.clone().find(is_its).cloned()
}

#[test]
fn semaphores_of_threads_are_seen_where_they_sleep() {
    for way in [Way::Glibc, Way::Preload] {
        let place = Place::new("memory-seen");
        let threads = start(way, "", &place);
        let found = private(&place, threads.pid());
        for object in &found {
            let (semaphore, waiters) = (&object["semaphore"], &object["waiters"]);
            assert_eq!((&semaphore["value"], &semaphore["registered"]), (&0.into(), &1.into()));
            assert_eq!(waiters.as_array().map(Vec::len), Some(1), "{way:?}: {object}");
            assert_eq!(waiters[0]["waits_for"], "token");
            assert_eq!(object["holders"][0]["pid"], threads.pid());
        }
        let is_in = |region: &str| {
            found.iter().filter(|object| object["memory"]["region"] == region).count()
        };
        assert_eq!([is_in("heap"), is_in("stack")], [1, 1], "{way:?}: {found:#?}");
        let names = text(&place, &["stat", &format!("{}@*", threads.pid())]);
        for variable in ["variable first of ", "variable second of "] {
            assert!(names.contains(variable), "{way:?}: {names}");
        }
        assert!(names.contains(": waits for a post"), "{names}");
    }
}

#[test]
fn they_are_listed_only_where_they_are_asked_for() {
    let place = Place::new("memory-asked");
    let threads = start(Way::Glibc, "busy", &place);
    let pid = threads.pid();
    assert!(of(&json(&place, &["ls", "--json"]), pid).is_empty());
    assert!(of(&json(&place, &["graph", "--format", "json"]), pid).is_empty());
    assert_eq!(of(&json(&place, &["ls", "--json", &format!("{pid}@*")]), pid).len(), 4);
    let process = pid.to_string();
    assert_eq!(of(&json(&place, &["graph", "--format", "json", "-p", &process]), pid).len(), 4);
    // Others may have objects of System V.
    let all = place.rsipc(&["stat", "*", "--json"]).output().unwrap().stdout;
    assert!(!String::from_utf8(all).unwrap().contains(&format!("\"{pid}@")));
    place.rsipc(&["clean", "--force", "--older-than", "0s"]).assert().success();
}

/// Also in the live view.
#[test]
fn top_shows_them_where_they_are_asked_for() {
    let place = Place::new("memory-top");
    let threads = start(Way::Glibc, "busy", &place);
    let mut command = Command::new(binary());
    command.args(["top", "--interval", "100ms", "--private"]);
    command.env("RSIPC_DIR", place.path()).env("LC_ALL", "C.UTF-8");
    Terminal::run(command, LARGE).shows(&format!("{}@0x", threads.pid()));
}

#[test]
fn threads_that_all_sleep_are_in_a_deadlock() {
    for way in [Way::Glibc, Way::Preload] {
        let place = Place::new("memory-deadlock");
        let threads = start(way, "", &place);
        let pid = threads.pid();
        let found = eventually(|| deadlock(&place, pid), Option::is_some).unwrap();
        assert_eq!(found["confidence"], "certain", "{found}");
        assert_eq!(found["sleepers"].as_array().map(Vec::len), Some(4), "{found}");
        let told = text(&place, &["graph", "-p", &pid.to_string()]);
        for part in ["(variable first of ", "(on the stack of ", "call (int) sem_post"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("rsipc sem post"), "no command can post there: {told}");
    }
}

#[test]
fn who_runs_or_has_a_handler_is_not_for_certain() {
    let place = Place::new("memory-doubt");
    let busy = start(Way::Glibc, "busy", &place);
    let handler = start(Way::Glibc, "handler", &place);
    let found = eventually(|| deadlock(&place, handler.pid()), Option::is_some).unwrap();
    assert_eq!(found["confidence"], "possible", "{found}");
    let doubt = found["doubts"][0].as_str().unwrap_or_default();
    assert!(doubt.contains("a handler for SIGTERM"), "{found}");
    assert_eq!(deadlock(&place, busy.pid()), None);
}
