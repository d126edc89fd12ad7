//! Processes with System V semaphore sets, and what is told of these.

use std::path::PathBuf;

use serde_json::Value;

use super::{Actor, Place, Way, command, program};

/// A preloaded process that does as it is told with sets (`c/sets.c`), on this directory.
pub fn operator(place: &Place) -> Actor {
    let mut command = command(&program("sets.c", Way::Preload), Way::Preload);
    command.env("RSIPC_DIR", place.path());
    Actor::start(command)
}

pub fn document(place: &Place, arguments: &[&str]) -> Value {
    let output = place.rsipc(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The only set of a place.
pub fn set(place: &Place) -> Value {
    let listing = document(place, &["ls", "--json", "svsem"]);
    let sets = listing["objects"].as_array().unwrap();
    assert_eq!(sets.len(), 1, "{listing:#}");
    sets[0].clone()
}

pub fn text(place: &Place, arguments: &[&str]) -> String {
    let output = place.rsipc(arguments).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

pub fn set_file(place: &Place) -> PathBuf {
    let is_set = |file: &String| file.starts_with("rsipc-svsem.");
    let name = place.files().into_iter().find(is_set).expect("a set");
    place.path().join(name)
}

pub fn values(set: &Value) -> Vec<u64> {
    let all = set["set"]["semaphores"].as_array().unwrap().iter();
    all.map(|semaphore| semaphore["value"].as_u64().unwrap()).collect()
}
