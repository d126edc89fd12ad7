//! Commands that only look change nothing: no byte of an object, and no time of its file.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::files::Files;
use common::{Place, eventually, is_root, rsipc_as_nobody_in};
use serde_json::Value;

/// All that may be looked with, on a semaphore `s` and a queue `q`.
const LOOKS: &[&[&str]] = &[
    &["ls"],
    &["ls", "--json"],
    &["stat", "s"],
    &["stat", "q"],
    &["stat", "q", "--json"],
    &["stat", "q", "--line"],
    &["stat", "m"],
    &["sem", "get", "s"],
    &["mq", "peek", "q"],
    &["mq", "peek", "q", "--json"],
    &["mq", "tail", "q", "--timeout", "50ms"],
    &["graph"],
    &["graph", "--format", "dot"],
    &["graph", "--format", "svg"],
    &["graph", "--format", "json"],
    &["clean", "--older-than", "0s", "--dry-run"],
    &["clean", "--yes", "--older-than", "1d"],
];

#[test]
fn nothing_changes() {
    let place = Place::new("looking");
    let mut actor = place.actor();
    actor.does("sem_open /s 2");
    actor.does("mq_open /q");
    actor.does("mq_send /q hello");
    actor.does("shm_open /m 4096");
    let files = Files::of(&place);
    assert_eq!(files.0.len(), 4, "with the FIFO of the queue");
    let bytes = files.bytes();
    files.age_last_access();
    let times = files.times();
    for look in LOOKS {
        place.rsipc(look).assert().success();
        assert_eq!(files.times(), times, "{look:?} leaves its mark on a time");
    }
    assert!(files.bytes() == bytes, "a byte has changed");
    assert_eq!(Files::of(&place).0, files.0, "no file more and none less");
    actor.does("mq_receive /q");
    actor.does("sem_wait /s");
    actor.does("sem_wait /s");
}

/// Those who sleep are counted in the objects, and are to be counted as before.
#[test]
fn nobody_who_sleeps_is_disturbed() {
    let place = Place::new("sleepers");
    let (mut waiter, mut receiver, mut registered) = (place.actor(), place.actor(), place.actor());
    waiter.does("sem_open /s 0");
    receiver.does("mq_open /q");
    registered.does("mq_open /told");
    registered.does("mq_notify /told");
    registered.does("shm_open /m 4096");
    waiter.begins("sem_wait /s");
    receiver.begins("mq_receive /q");
    let asleep = || {
        let output = place.rsipc(&["ls", "--json"]).output().unwrap().stdout;
        let listing: Value = serde_json::from_slice(&output).unwrap();
        let objects = listing["objects"].as_array().unwrap();
        objects.iter().map(|object| object["waiters"].as_array().unwrap().len()).sum::<usize>()
    };
    eventually(asleep, |count| *count == 2);
    let files = Files::of(&place);
    let (semaphore, told) = (place.path().join("sem.s"), place.path().join("rsipc-mq.told"));
    let bytes = || [&semaphore, &told].map(|path| fs::read(path).unwrap());
    let modified =
        || files.times().into_iter().map(|[_, modified, ..]| modified).collect::<Vec<_>>();
    let before = (bytes(), modified());
    for look in LOOKS {
        place.rsipc(look).assert().success();
    }
    assert!(bytes() == before.0, "a waiter or a registration was counted otherwise");
    assert_eq!(modified(), before.1, "a look has changed a FIFO");
    // Each looks for itself once a second, and may be doing so.
    eventually(asleep, |count| *count == 2);
    place.rsipc(&["sem", "post", "s"]).assert().success();
    assert_eq!(waiter.answer(), "ok");
    place.rsipc(&["mq", "send", "q", "x"]).assert().success();
    assert_eq!(receiver.answer(), "ok");
}

/// Who may only read can ask for no more than to leave the contents alone.
#[test]
fn nothing_changes_for_a_look_by_another_user() {
    if !is_root() {
        eprintln!("skipped: only the superuser can become another user");
        return;
    }
    let place = Place::new("looking-user");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    place.rsipc(&["sem", "create", "s", "--value", "2", "--mode", "0644"]).assert().success();
    place.rsipc(&["mq", "create", "q", "--mode", "0644"]).assert().success();
    place.rsipc(&["mq", "send", "q", "hello"]).assert().success();
    place.rsipc(&["shm", "create", "m", "--size", "4K", "--mode", "0644"]).assert().success();
    let files = Files::of(&place);
    let bytes = files.bytes();
    let changed =
        || files.times().into_iter().map(|[_, modified, changed, _]| [modified, changed]).collect();
    let before: Vec<[i64; 2]> = changed();
    for look in LOOKS {
        let output = rsipc_as_nobody_in(place.path(), look);
        assert!(output.status.success(), "{look:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(files.bytes() == bytes, "a byte has changed");
    assert_eq!(changed(), before);
    assert_eq!(Files::of(&place).0, files.0);
}
