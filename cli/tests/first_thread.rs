//! Processes whose first thread has ended, and others not, are seen as any other.

mod common;

use common::{Group, Place, Way, eventually, program};
use serde_json::Value;

fn listed(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let output = place.rsipc(&[&["ls", "--json"], arguments].concat()).output().unwrap();
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    listing["objects"].as_array().cloned().unwrap_or_default()
}

fn start(place: &Place, arguments: &[&str]) -> Group {
    let mut command = common::command(&program("first_thread.c", Way::Preload), Way::Preload);
    command.args(arguments).env("RSIPC_DIR", place.path());
    Group::start(command)
}

fn is_waited_for(object: &Value, pid: u32) -> bool {
    let is_its = |list: &Value| list[0]["pid"] == pid;
    is_its(&object["waiters"]) && is_its(&object["holders"])
}

#[test]
fn what_it_has_and_waits_for_is_seen() {
    let place = Place::new("first-thread");
    let group = start(&place, &["/x"]);
    let objects = eventually(
        || listed(&place, &["--private"]),
        |objects| {
            let its = objects.iter().filter(|object| is_waited_for(object, group.pid()));
            its.count() >= 3
        },
    );
    let queue = objects.iter().find(|object| object["kind"] == "mq").unwrap();
    assert_eq!(queue["holders"][0]["access"]["write"], false, "{queue}");
    let is_own = |object: &&Value| object["memory"]["pid"] == group.pid();
    let own = objects.iter().find(is_own).unwrap();
    assert!(own["memory"]["region"]["static"].is_object(), "{own}");
    assert_eq!(own["variable"], "own");
    // Certain: nobody else has them.
    assert!(objects.iter().any(|object| object["deadlock"] != Value::Null), "{objects:#?}");
    let output = place.rsipc(&["clean", "--yes", "--older-than", "0s"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "it is in use");
}

#[test]
fn its_objects_without_a_name_are_seen() {
    let place = Place::new("first-thread-unlinked");
    let group = start(&place, &["/x", "unlinked"]);
    let is_there = |objects: &Vec<Value>| {
        let mut sems = objects.iter().filter(|object| object["kind"] == "sem");
        sems.any(|object| object["unlinked"] == true && is_waited_for(object, group.pid()))
    };
    let objects = eventually(|| listed(&place, &[]), is_there);
    let semaphore = objects.iter().find(|object| object["kind"] == "sem").unwrap();
    assert_eq!(semaphore["semaphore"]["value"], 0, "{semaphore}");
    let address = format!("#{}", semaphore["file"].as_str().unwrap().rsplit('#').next().unwrap());
    place.rsipc(&["sem", "post", &address]).assert().success();
    eventually(
        || listed(&place, &["sem"]),
        |objects| {
            objects.iter().all(|object| object["waiters"].as_array().is_some_and(Vec::is_empty))
        },
    );
}
