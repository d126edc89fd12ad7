//! Objects that cannot be found by a name in the directory: they keep the name that they had, and
//! can be addressed.

mod common;

use std::process::Command;

use common::sets::{document, text};
use common::{Actor, Place, Way, command, eventually, is_root, program, rsipc, unique};
use serde_json::{Value, json};

#[test]
fn an_unlinked_semaphore_is_addressed_by_its_number() {
    let place = Place::new("numbers");
    let (mut one, mut other) = (place.actor(), place.actor());
    one.does("sem_open /s 0");
    other.does("sem_open /s 0");
    other.does("sem_unlink /s");
    one.begins("sem_wait /s");
    let listed = eventually(
        || document(&place, &["ls", "--json"])["objects"][0].clone(),
        |object| object["waiters"].as_array().is_some_and(|waiters| waiters.len() == 1),
    );
    assert_eq!((&listed["name"], &listed["unlinked"]), (&json!("/s"), &json!(true)));
    assert_eq!(text(&place, &["stat", "s"]).matches("/s: semaphore, unlinked").count(), 1);
    let told = text(&place, &["stat", "s"]);
    let number = told.lines().find(|line| line.trim_start().starts_with("number")).unwrap();
    let number = number.split_whitespace().nth(1).unwrap().trim_end_matches(':').to_owned();
    assert!(number.starts_with('#'), "{told}");
    assert!(text(&place, &["ls"]).contains(&format!("unlinked: {number}")));
    let by_number = text(&place, &["stat", &number]);
    assert_eq!(by_number.lines().next(), told.lines().next(), "the same object");
    if !is_root() {
        eprintln!("skipped: only the superuser may follow the kernel's link to a mapped file");
        return;
    }
    assert_eq!(text(&place, &["sem", "get", &number]), "0\n");
    place.rsipc(&["sem", "post", &number]).assert().success();
    assert_eq!(one.answer(), "ok", "the post woke it");
    place.rsipc(&["sem", "trywait", &number]).assert().code(1);
    place.rsipc(&["sem", "post", "#1"]).assert().code(1);
}

/// An actor with a /dev/shm of its own. None: this user may not make one.
fn in_other_namespace() -> Option<Actor> {
    let may = Command::new("unshare").args(["-m", "true"]).output();
    if !is_root() || !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user may not make a mount namespace");
        return None;
    }
    let actor = program("actor.c", Way::Glibc);
    let mut unshared = command(std::path::Path::new("unshare"), Way::Glibc);
    let script = "mount -t tmpfs tmpfs /dev/shm && exec \"$0\"";
    unshared.args(["-m", "sh", "-c", script]).arg(actor);
    Some(Actor::start(unshared))
}

#[test]
fn objects_of_another_mount_namespace_keep_their_names() {
    let Some(mut actor) = in_other_namespace() else { return };
    let name = unique("inside");
    actor.does(&format!("sem_open {name} 0"));
    actor.does(&format!("shm_open {name}-memory 4096"));
    actor.begins(&format!("sem_wait {name}"));
    let listed = |kind: &str, name: &str| -> Value { common::listed(kind, name) };
    let found = eventually(
        || listed("sem", &name),
        |object| object["waiters"].as_array().is_some_and(|waiters| waiters.len() == 1),
    );
    assert_eq!((&found["elsewhere"], &found["unlinked"]), (&json!(actor.pid()), &json!(false)));
    assert_eq!(found["semaphore"]["value"], 0);
    assert_eq!(listed("shm", &format!("{name}-memory"))["size"], 4096);
    let told = String::from_utf8(rsipc(&["stat", &name]).output().unwrap().stdout).unwrap();
    let directory = format!("RSIPC_DIR=/proc/{}/root/dev/shm", actor.pid());
    assert!(told.contains(&directory), "{told}");
    let graph = String::from_utf8(rsipc(&["graph", &name]).output().unwrap().stdout).unwrap();
    assert!(graph.contains(&format!("`{directory} rsipc sem post {name}`")), "{graph}");
    let clean = rsipc(&["clean", "--dry-run", "--older-than", "0s", &name]).output().unwrap();
    let said = String::from_utf8(clean.stdout).unwrap();
    let kept = format!("kept sem {name}: it is in the mount namespace of ");
    assert!(said.starts_with(&kept), "what is elsewhere is not ours to clean: {said}");
    let mut post = rsipc(&["sem", "post", &name]);
    post.env("RSIPC_DIR", format!("/proc/{}/root/dev/shm", actor.pid())).assert().success();
    assert_eq!(actor.answer(), "ok", "the address works");
}
