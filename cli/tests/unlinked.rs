//! `rsipc ls`: what has lost its name, and processes still have.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use common::{Actor, Way, listed, pids, unique};
use serde_json::Value;

#[test]
fn what_is_unlinked_is_seen_while_somebody_has_it() {
    for way in [Way::Glibc, Way::Preload] {
        let name = unique(&format!("unlinked-{way}"));
        let (mut maker, mut other) = (Actor::new(way), Actor::new(way));
        maker.does(&format!("sem_open {name} 3"));
        other.does(&format!("sem_open {name} 3"));
        other.does(&format!("sem_unlink {name}"));
        let found = listed("sem", &name);
        assert_eq!(found["unlinked"], true, "{way}: the second one knows it by its name");
        assert_eq!(found["semaphore"]["value"], 3);
        assert_eq!(
            pids(&found["holders"]),
            BTreeSet::from([maker.pid().into(), other.pid().into()])
        );
        drop((maker, other));
        assert_eq!(listed("sem", &name), Value::Null);
    }
}

/// glibc 2.31 makes a semaphore under six random letters, which is what its maker has then.
#[test]
fn an_unlinked_semaphore_of_an_older_glibc_has_the_name_that_others_know() {
    let name = unique("older");
    let mut actor = Actor::new(Way::Glibc);
    actor.does(&format!("sem_open {name} 3"));
    let directory = Path::new("/dev/shm");
    let (own, named) =
        (directory.join(six_letters()), directory.join(format!("sem.{}", &name[1..])));
    fs::rename(&named, &own).unwrap();
    let made = File::open(&own).unwrap();
    fs::hard_link(&own, &named).unwrap();
    fs::remove_file(&own).unwrap();
    let mut other = Actor::new(Way::Glibc);
    other.does(&format!("sem_open {name} 3"));
    other.does(&format!("sem_unlink {name}"));
    let found = listed("sem", &name);
    assert_eq!(found["unlinked"], true);
    assert_eq!(found["semaphore"]["value"], 3);
    let makers = [std::process::id(), actor.pid()];
    assert_eq!(
        pids(&found["holders"]),
        makers.into_iter().chain([other.pid()]).map(u64::from).collect()
    );
    drop(other);
    // Only under that name is it seen now.
    let found = listed("sem", own.file_name().unwrap().to_str().unwrap());
    assert_eq!(pids(&found["holders"]), makers.map(u64::from).into());
    drop(made);
}

fn six_letters() -> String {
    let mut number = std::process::id();
    let letter = |_| {
        let letter = char::from(b'a' + u8::try_from(number % 26).unwrap());
        number /= 26;
        letter
    };
    (0..6).map(letter).collect()
}

/// The maker of a queue knows its file by no name, but the queue knows its own.
#[test]
fn a_queue_that_its_maker_has_unlinked_keeps_its_name() {
    let place = common::Place::new("unlinked-queue");
    let mut actor = place.actor();
    actor.does("mq_open /named");
    actor.does("mq_send /named hello");
    place.rsipc(&["mq", "rm", "named"]).assert().success();
    let output = place.rsipc(&["stat", "--json", "named"]).output().unwrap();
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
    let queue = &listing["objects"][0];
    assert_eq!((&queue["name"], &queue["unlinked"]), (&"/named".into(), &true.into()), "{queue}");
    let output = place.rsipc(&["ls", "mq"]).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let number = table.split_once("unlinked: ").unwrap().1.split_whitespace().next().unwrap();
    let peeked = place.rsipc(&["mq", "peek", number]).output().unwrap();
    assert!(String::from_utf8_lossy(&peeked.stdout).contains("hello"), "{peeked:?}");
    let output = place.rsipc(&["mq", "recv", number]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("gone when the last process closes it"), "{said}");
    let output = place.rsipc(&["rm", number]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("goes when the last process closes it"), "{said}");
}

#[test]
fn memory_without_a_name_is_read_and_written_by_its_number() {
    let place = common::Place::new("unlinked-memory");
    let mut actor = place.actor();
    actor.does("shm_open /m 4096");
    place.rsipc(&["shm", "rm", "m"]).assert().success();
    let output = place.rsipc(&["ls", "shm"]).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let number = table.split_once("unlinked: ").unwrap().1.split_whitespace().next().unwrap();
    let write = ["shm", "write", number, "--offset", "7"];
    place.rsipc(&write).write_stdin("text").assert().success();
    let read = ["shm", "read", number, "--offset", "7", "--length", "4"];
    place.rsipc(&read).assert().success().stdout("text");
}
