//! The command as an ordinary user: what may not be seen is marked as unknown, and what is one's
//! own works.
//!
//! Run by the superuser, who becomes nobody for it.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Output;

use common::{Place, is_root, rsipc_as_nobody_in};
use serde_json::{Value, json};

/// None, and a word on the standard error, when this is not the superuser.
fn place_of_root(what: &str, mode: u32) -> Option<Place> {
    if !is_root() {
        eprintln!("skipped: only the superuser can become another user");
        return None;
    }
    let place = Place::new(what);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
    Some(place)
}

/// As nobody. The command has to end with this status.
fn nobody(place: &Place, arguments: &[&str], status: i32) -> Output {
    let output = rsipc_as_nobody_in(place.path(), arguments);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn prints(place: &Place, arguments: &[&str]) -> String {
    String::from_utf8(nobody(place, arguments, 0).stdout).unwrap()
}

#[test]
fn what_is_closed_is_unknown() {
    let Some(place) = place_of_root("closed", 0o755) else { return };
    let mut holder = place.actor();
    holder.does("sem_open /s 1");
    holder.does("mq_open /q");
    holder.does("shm_open /m 4096");

    let output = nobody(&place, &["ls"], 0);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("could not be inspected"),
        "said where it is not read"
    );
    let fields = |kind: &str| {
        let line = table.lines().find(|line| line.starts_with(kind)).expect("a line of its own");
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    // State, waiters, holders.
    assert_eq!(fields("sem")[6..9], ["?", "?", "?"], "{table}");
    assert_eq!(fields("mq")[6..9], ["?", "?", "?"], "{table}");
    assert_eq!(fields("shm")[6..9], ["-", "?", "?"], "{table}");

    let listing: Value =
        serde_json::from_slice(&nobody(&place, &["ls", "--json"], 0).stdout).unwrap();
    assert!(listing["unseen_processes"].as_u64().unwrap() > 0);
    let objects = listing["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 3);
    for object in objects {
        assert_eq!(
            (&object["holders_known"], &object["waiters_known"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(object["stale"], Value::Null, "unknown is not the same as nobody");
        let error = if object["kind"] == "shm" { Value::Null } else { json!("Permission denied") };
        assert_eq!(
            (&object["error"], &object["semaphore"], &object["queue"]),
            (&error, &Value::Null, &Value::Null)
        );
    }

    let told = prints(&place, &["stat", "s"]);
    for part in [
        "cannot be read: Permission denied",
        "waiters    not known",
        "open by    no process that could be inspected",
        "owner      root",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    for line in ["graph", "graph --format json", "clean --older-than 0s", "stat q", "stat m"] {
        nobody(&place, &line.split(' ').collect::<Vec<_>>(), 0);
    }
    holder.does("sem_wait /s");
    assert_eq!(place.files().len(), 4, "all is still there");
}

#[test]
fn what_is_refused_is_refused_in_words() {
    let Some(place) = place_of_root("refused", 0o1777) else { return };
    place.rsipc(&["sem", "create", "s"]).assert().success();
    place.rsipc(&["mq", "create", "q"]).assert().success();
    place.rsipc(&["shm", "create", "m", "--size", "1"]).assert().success();
    let calls: [&[&str]; 9] = [
        &["sem", "get", "s"],
        &["sem", "post", "s"],
        &["sem", "rm", "s"],
        &["mq", "peek", "q"],
        &["mq", "send", "q", "x"],
        &["mq", "recv", "q"],
        &["mq", "rm", "q"],
        &["shm", "read", "m"],
        &["shm", "rm", "m"],
    ];
    for call in calls {
        let output = nobody(&place, call, 1);
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(
            talk.contains("Permission denied") && talk.contains("as that user or as root"),
            "{call:?}: {talk}"
        );
        assert_eq!(output.stdout, b"", "{call:?}");
    }
}

#[test]
fn who_cannot_be_inspected_may_post() {
    let Some(place) = place_of_root("unseen", 0o1777) else { return };
    let mut poster = place.actor();
    poster.does("sem_open /s 0");
    let rights = fs::Permissions::from_mode(0o666);
    fs::set_permissions(place.path().join("sem.s"), rights).unwrap();
    common::as_nobody(place.path(), |command| {
        let as_nobody = |arguments: &[&str]| {
            let mut command_again = std::process::Command::new(command.get_program());
            command_again.args(arguments).env("RSIPC_DIR", place.path()).current_dir("/");
            command_again.uid(65534).gid(65534);
            command_again
        };
        assert!(as_nobody(&["sem", "create", "own"]).status().unwrap().success());
        let _shared = common::Group::start(as_nobody(&["sem", "wait", "s"]));
        let _own = common::Group::start(as_nobody(&["sem", "wait", "own"]));
        let deadlocks = || {
            let output = as_nobody(&["graph", "--format", "json"]).output().unwrap();
            let graph: Value = serde_json::from_slice(&output.stdout).unwrap();
            let all = graph["deadlocks"].as_array().unwrap().clone();
            let on = |name: &str| {
                let is_it = |it: &&Value| it["sleepers"][0]["object"] == name;
                all.iter().find(is_it).cloned()
            };
            (on("/s"), on("/own"))
        };
        let (shared, own) =
            common::eventually(deadlocks, |(shared, own)| shared.is_some() && own.is_some());
        let (shared, own) = (shared.unwrap(), own.unwrap());
        assert_eq!(shared["confidence"], "possible", "{shared:#}");
        assert!(shared["doubts"].to_string().contains("could not be inspected"), "{shared:#}");
        assert_eq!(own["confidence"], "certain", "it is of nobody else: {own:#}");
    });
    poster.does("sem_post /s");
}

#[test]
fn what_is_ones_own_works() {
    let Some(place) = place_of_root("own", 0o1777) else { return };
    prints(&place, &["sem", "create", "s", "--value", "1"]);
    prints(&place, &["sem", "post", "s"]);
    prints(&place, &["sem", "wait", "s"]);
    assert_eq!(prints(&place, &["sem", "get", "s"]), "1\n");
    prints(&place, &["mq", "create", "q", "--max-messages", "100", "--message-size", "64K"]);
    prints(&place, &["mq", "send", "q", "hello"]);
    assert!(prints(&place, &["mq", "peek", "q"]).contains("hello"));
    assert_eq!(prints(&place, &["mq", "recv", "q"]), "hello");
    prints(&place, &["shm", "create", "m", "--size", "4"]);
    assert_eq!(prints(&place, &["shm", "read", "m"]), "\0\0\0\0");
    assert_eq!(prints(&place, &["ls"]).matches(" nobody ").count(), 3);
    assert!(prints(&place, &["stat", "s"]).contains("value      1"));
    prints(&place, &["sem", "rm", "s"]);
    // Nobody has the others: the lease on the file says so, whoever may not be looked into.
    assert_eq!(
        prints(&place, &["clean", "--yes", "--older-than", "0s"]).matches("removed").count(),
        2
    );
    assert_eq!(place.files(), [] as [&str; 0]);
}
