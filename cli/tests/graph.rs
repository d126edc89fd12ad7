//! `rsipc graph`: pictures, and deadlocks by name.

mod common;

use std::collections::BTreeSet;

use common::{
    Actor, Cleanup, Group, Place, Way, command, eventually, json, program, rsipc, unique,
};
use serde_json::Value;

/// The deadlocks on this machine in which one of these objects plays a part.
fn deadlocks_on(names: &[&str]) -> Vec<Value> {
    concerning(&json(&["graph", "--format", "json"]), names)
}

fn concerning(graph: &Value, names: &[&str]) -> Vec<Value> {
    let all = graph["deadlocks"].as_array().expect("a list").iter();
    all.filter(|deadlock| {
        let sleepers = deadlock["sleepers"].as_array().expect("a list");
        sleepers.iter().any(|sleeper| names.iter().any(|name| sleeper["object"] == *name))
    })
    .cloned()
    .collect()
}

fn members(deadlock: &Value) -> BTreeSet<u64> {
    let processes = deadlock["processes"].as_array().expect("a list");
    processes.iter().map(|process| process["pid"].as_u64().expect("a pid")).collect()
}

#[test]
fn two_processes_with_two_semaphores_in_opposite_order() {
    for ways in [[Way::Glibc, Way::Glibc], [Way::Preload, Way::Preload], [Way::Glibc, Way::Preload]]
    {
        let (a, b) = (unique("cross-a"), unique("cross-b"));
        let _cleanup = Cleanup::of(&[("sem", &a), ("sem", &b)]);
        let [mut one, mut other] = ways.map(Actor::new);
        for actor in [&mut one, &mut other] {
            actor.does(&format!("sem_open {a} 1"));
            actor.does(&format!("sem_open {b} 1"));
        }
        one.does(&format!("sem_wait {a}"));
        other.does(&format!("sem_wait {b}"));
        assert!(deadlocks_on(&[&a, &b]).is_empty(), "{ways:?}: nobody waits yet");
        one.begins(&format!("sem_wait {b}"));
        other.begins(&format!("sem_wait {a}"));
        let found = eventually(|| deadlocks_on(&[&a, &b]), |found| !found.is_empty());
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0]["shape"], "cycle");
        assert_eq!(members(&found[0]), BTreeSet::from([one.pid().into(), other.pid().into()]));
        let description = found[0]["description"].as_str().unwrap();
        for part in [&a, &b, &one.pid().to_string(), &other.pid().to_string()] {
            assert!(description.contains(part), "{description}");
        }
        // A post from outside solves it.
        rsipc(&["sem", "post", &a]).assert().success();
        assert_eq!(other.answer(), "ok");
        assert!(deadlocks_on(&[&a, &b]).is_empty(), "{ways:?}: one of them goes on");
    }
}

#[test]
fn five_philosophers_with_all_left_forks() {
    for way in [Way::Glibc, Way::Preload] {
        let prefix = unique("fork");
        let forks: Vec<String> = (0..5).map(|number| format!("{prefix}{number}")).collect();
        let named: Vec<(&str, &str)> = forks.iter().map(|fork| ("sem", fork.as_str())).collect();
        let _cleanup = Cleanup::of(&named);
        let mut philosophers = command(&program("philosophers.c", way), way);
        philosophers.arg(&prefix);
        let group = Group::start(philosophers);
        let names: Vec<&str> = forks.iter().map(String::as_str).collect();
        let found = eventually(|| deadlocks_on(&names), |found| !found.is_empty());
        assert_eq!(found.len(), 1, "{way}: one deadlock of all: {found:#?}");
        let members = members(&found[0]);
        assert_eq!(members.len(), 6, "{way}: with the parent, who has the forks too");
        assert!(members.contains(&group.pid().into()));
        assert_eq!(found[0]["sleepers"].as_array().unwrap().len(), 5);
        let description = found[0]["description"].as_str().unwrap();
        assert!(names.iter().all(|name| description.contains(name)), "{description}");
    }
}

#[test]
fn threads_of_one_process_in_opposite_order() {
    let (a, b) = (unique("thread-a"), unique("thread-b"));
    let _cleanup = Cleanup::of(&[("sem", &a), ("sem", &b)]);
    let mut actor = Actor::new(Way::Glibc);
    actor.does(&format!("sem_open {a} 0"));
    actor.does(&format!("sem_open {b} 0"));
    actor.does(&format!("thread sem_wait {a}"));
    let waits = || common::listed("sem", &a)["waiters"].as_array().map(Vec::len);
    eventually(waits, |waiters| *waiters == Some(1));
    assert!(deadlocks_on(&[&a, &b]).is_empty(), "its first thread still listens to its input");
    actor.begins(&format!("sem_wait {b}"));
    let found = eventually(|| deadlocks_on(&[&a, &b]), |found| !found.is_empty());
    assert_eq!((&found[0]["shape"], members(&found[0]).len()), (&"cycle".into(), 1));
}

#[test]
fn a_receiver_whose_only_writer_has_died() {
    let place = Place::new("orphan");
    let deadlocks = || {
        let output = place.rsipc(&["graph", "--format", "json"]).output().unwrap().stdout;
        concerning(&serde_json::from_slice(&output).unwrap(), &["/jobs"])
    };
    let (mut writer, mut receiver) = (place.actor(), place.actor());
    writer.does("mq_open /jobs");
    receiver.does("mq_open /jobs");
    writer.does("mq_send /jobs one");
    receiver.does("mq_receive /jobs");
    receiver.begins("mq_receive /jobs");
    let waits = || {
        let output = place.rsipc(&["ls", "--json"]).output().unwrap().stdout;
        serde_json::from_slice::<Value>(&output).unwrap()["objects"][0]["waiters"]
            .as_array()
            .map(Vec::len)
    };
    eventually(waits, |waiters| *waiters == Some(1));
    for _ in 0..5 {
        assert!(deadlocks().is_empty(), "the writer lives and may send");
    }
    writer.kill();
    let found = eventually(deadlocks, |found| !found.is_empty());
    assert_eq!(found[0]["shape"], "abandoned");
    assert_eq!(members(&found[0]), BTreeSet::from([receiver.pid().into()]));

    let text = place.rsipc(&["graph"]).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("deadlock: actor") && text.contains("/jobs"), "{text}");
    place.rsipc(&["mq", "send", "jobs", "two"]).assert().success();
    assert_eq!(receiver.answer(), "ok");
    assert!(deadlocks().is_empty());
}

#[test]
fn an_unnamed_semaphore_in_shared_memory() {
    let name = unique("unnamed");
    let _cleanup = Cleanup::of(&[("shm", &name)]);
    let mut actor = Actor::new(Way::Glibc);
    actor.does(&format!("shm_open {name} 4096"));
    actor.does(&format!("shm_sem {name}"));
    actor.begins(&format!("shm_sem_wait {name}"));
    let found = eventually(|| deadlocks_on(&[&name]), |found| !found.is_empty());
    assert_eq!(found[0]["sleepers"][0]["offset"], 64);
}

#[test]
fn silent_on_a_healthy_pipeline() {
    for way in [Way::Glibc, Way::Preload] {
        let prefix = unique("pipe");
        let names = [format!("{prefix}full"), format!("{prefix}free")];
        let _cleanup = Cleanup::of(&[("sem", &names[0]), ("sem", &names[1])]);
        let mut pipeline = command(&program("pipeline.c", way), way);
        pipeline.arg(&prefix);
        let _group = Group::start(pipeline);
        let names = [names[0].as_str(), names[1].as_str()];
        let holders = || common::listed("sem", names[0])["holders"].as_array().map(Vec::len);
        eventually(holders, |holders| *holders == Some(2));
        for _ in 0..60 {
            let found = deadlocks_on(&names);
            assert!(found.is_empty(), "{way}: {found:#?}");
        }
    }
}

#[test]
fn a_timed_wait_is_no_deadlock() {
    let place = Place::new("timed");
    place.rsipc(&["sem", "create", "s"]).assert().success();
    let mut wait = std::process::Command::new(common::binary());
    wait.args(["sem", "wait", "s", "--timeout", "60s"]).env("RSIPC_DIR", place.path());
    let _group = Group::start(wait);
    let graph = || {
        let output = place.rsipc(&["graph", "--format", "json"]).output().unwrap().stdout;
        serde_json::from_slice::<Value>(&output).unwrap()
    };
    let waiting = eventually(graph, |graph| graph["objects"][0]["waiters"][0].is_object());
    assert!(concerning(&waiting, &["/s"]).is_empty(), "it ends by itself");
}

/// And the one that waits gets it when the taker dies.
#[test]
fn who_has_taken_what_of_a_robust_semaphore() {
    // The process that takes it has made its ledger, or the other one has.
    for takes_first in [true, false] {
        let place = Place::new("graph-taken");
        let robust = || place.actor_with(&[("RSIPC_SEM_ROBUST", "lo*")]);
        let mut actors = [robust(), robust()];
        for actor in &mut actors {
            actor.does("sem_open /lock 1");
            actor.does("sem_open /other 1");
        }
        let [first, second] = actors;
        let (mut taker, mut waiter) = if takes_first { (first, second) } else { (second, first) };
        taker.does("sem_wait /lock");
        waiter.begins("sem_wait /lock");
        is_told(&place, taker, waiter);
    }
}

fn is_told(place: &Place, taker: Actor, mut waiter: Actor) {
    // Not of deadlocks in the memory of other programs on this machine.
    let asked = ["graph", "lock", "other"];
    let text = || String::from_utf8(place.rsipc(&asked).output().unwrap().stdout).unwrap();
    let told_of =
        |actor: &Actor| format!(" {} has taken 1, given back when it dies\n", actor.pid());
    let told = eventually(text, |text| text.contains("waits for a post"));
    let (lock, other) = (told.find("/lock: ").unwrap(), told.find("/other: ").unwrap());
    assert!(lock < other && told[lock..other].contains(&told_of(&taker)), "{told}");
    assert_eq!(told.matches(" has taken ").count(), 1, "the one that waits has nothing: {told}");
    assert!(!told.contains("deadlock"), "the taker may post, or die: {told}");
    taker.kill();
    assert_eq!(waiter.answer(), "ok");
    let told = text();
    assert!(told.contains(&told_of(&waiter)), "{told}");
    assert_eq!(told.matches(" has taken ").count(), 1, "the dead one has nothing: {told}");
}

#[test]
fn pictures() {
    let place = Place::new("picture");
    let mut actor = place.actor();
    actor.does("sem_open /a<b>&\"c\\d 0");
    actor.begins("sem_wait /a<b>&\"c\\d");
    let dot = || {
        String::from_utf8(place.rsipc(&["graph", "--format", "dot"]).output().unwrap().stdout)
            .unwrap()
    };
    let dot = eventually(dot, |dot| dot.contains("waits for ever"));
    assert!(dot.starts_with("digraph rsipc {") && dot.trim_end().ends_with('}'));
    assert!(dot.contains(&actor.pid().to_string()) && dot.contains("p0 -> o0"), "{dot}");
    let svg =
        String::from_utf8(place.rsipc(&["graph", "--format", "svg"]).output().unwrap().stdout)
            .unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("a&lt;b&gt;&amp;&quot;c"), "{svg}");
    assert_eq!(svg.matches("<line class=\"edge\"").count(), 1);
    assert_eq!(svg.matches("<line class=\"legend\"").count(), 5, "a line of each kind");
    let edge = svg.lines().find(|line| line.contains("class=\"edge\"")).unwrap();
    assert!(edge.contains("marker-end=\"url(#stuck)\""), "it has an arrow: {edge}");
    assert_eq!(svg.matches("<rect").count(), 3, "the ground, a process, an object");
}

#[test]
fn the_json_has_its_shape() {
    let place = Place::new("graph-shape");
    let mut actor = place.actor();
    actor.does("sem_open /s 0");
    actor.begins("sem_wait /s");
    let graph = || {
        let output = place.rsipc(&["graph", "--format", "json"]).output().unwrap().stdout;
        serde_json::from_slice::<Value>(&output).unwrap()
    };
    let mut graph = eventually(graph, |graph| !concerning(graph, &["/s"]).is_empty());
    // Those of others, in memory without a name, are here too; objects are as in `ls`.
    graph["deadlocks"] = concerning(&graph, &["/s"]).into();
    graph["objects"] = "as in ls".into();
    insta::assert_json_snapshot!(graph, {
        ".unseen_processes" => "[number]",
        ".deadlocks[].description" => "[text]",
        ".deadlocks[].advice[]" => "[text]",
        ".deadlocks[].processes[].pid" => "[pid]",
        ".deadlocks[].processes[].program" => "[program]",
        ".deadlocks[].sleepers[].pid" => "[pid]",
        ".deadlocks[].sleepers[].tid" => "[pid]",
    });
}

#[test]
fn nothing_to_draw() {
    let place = Place::new("nothing");
    // Memory without a name belongs to every directory, so others may be stuck in theirs.
    let text = String::from_utf8(place.rsipc(&["graph"]).output().unwrap().stdout).unwrap();
    let is_all_seen = text.starts_with("no process has an object\n");
    let is_hidden = text.starts_with("no process that could be inspected has an object\n");
    assert!(is_all_seen || is_hidden, "{text}");
    let unseen = json(&["graph", "--format", "json"])["unseen_processes"].as_u64().unwrap();
    assert_eq!(is_hidden, unseen > 0, "{text}");
    place.rsipc(&["graph", "--format", "dot"]).assert().success();
    place.rsipc(&["graph", "--format", "svg"]).assert().success();
    place.rsipc(&["graph", "--format", "png"]).assert().code(2);
}
