//! Who took from a semaphore and who posted last, who sent to a queue and who received last, as
//! `RSIPC_SEM_TRACK` and `RSIPC_MQ_TRACK` have it recorded.

mod common;

use common::{Actor, Cleanup, Place, Way, eventually, rsipc, unique};
use serde_json::Value;

const TRACK: (&str, &str) = ("RSIPC_SEM_TRACK", "lo*");
const TRACK_QUEUES: (&str, &str) = ("RSIPC_MQ_TRACK", "jo*");

fn text(place: &Place, arguments: &[&str]) -> String {
    String::from_utf8(place.rsipc(arguments).output().unwrap().stdout).unwrap()
}

/// The first line that begins with this.
fn line_of<'t>(text: &'t str, title: &str) -> &'t str {
    text.lines().find(|line| line.trim_start().starts_with(title)).unwrap_or_default()
}

fn semaphore(place: &Place) -> Value {
    let output = place.rsipc(&["stat", "lock", "--json"]).output().unwrap().stdout;
    let document: Value = serde_json::from_slice(&output).unwrap();
    document["objects"][0]["semaphore"].clone()
}

fn queue(place: &Place) -> Value {
    let output = place.rsipc(&["stat", "jobs", "--json"]).output().unwrap().stdout;
    let document: Value = serde_json::from_slice(&output).unwrap();
    document["objects"][0]["queue"].clone()
}

#[test]
fn taker_and_poster_are_told() {
    let place = Place::new("track-both");
    let mut taker = place.actor_with(&[TRACK]);
    taker.does("sem_open /lock 1");
    assert!(semaphore(&place)["last_taker"].is_null());
    taker.does("sem_wait /lock");
    // Without the setting: the semaphore is tracked by now.
    let mut poster = place.actor();
    poster.does("sem_open /lock 1");
    poster.does("sem_post /lock");
    let told = text(&place, &["stat", "lock"]);
    let (taker, poster) = (taker.pid(), poster.pid());
    for (title, pid) in [("taken ", taker), ("posted ", poster)] {
        let line = line_of(&told, title);
        assert!(line.contains("last by actor") && line.contains(&format!(" {pid}, ")), "{told}");
    }
    let told = semaphore(&place);
    assert_eq!(told["last_taker"]["pid"], taker);
    assert_eq!((&told["last_poster"]["pid"], &told["value"]), (&poster.into(), &1.into()));
    assert_eq!(told["last_poster"]["ended"], false);
}

/// As `exec` does, or `prctl`.
#[test]
fn a_taker_that_has_another_name_by_now_is_told_by_both() {
    let place = Place::new("track-renamed");
    let mut taker = place.actor_with(&[TRACK]);
    taker.does("sem_open /lock 1");
    taker.does("sem_wait /lock");
    taker.does("rename other-name");
    let told = text(&place, &["stat", "lock"]);
    let line = line_of(&told, "taken ");
    assert!(
        line.contains(&format!("last by other-name {}, which was actor", taker.pid())),
        "{told}"
    );
    let told = semaphore(&place)["last_taker"].clone();
    assert_eq!(told["program_now"], "other-name", "{told}");
    assert_ne!(told["program"], "other-name", "{told}");
}

/// It sleeps, and is woken by the post.
#[test]
fn a_taker_that_slept_is_told() {
    let place = Place::new("track-slept");
    let mut taker = place.actor_with(&[TRACK]);
    taker.does("sem_open /lock 0");
    taker.begins("sem_wait /lock");
    eventually(|| semaphore(&place)["registered"].clone(), |registered| *registered == 1);
    place.rsipc(&["sem", "post", "lock"]).assert().success();
    assert_eq!(taker.answer(), "ok");
    let told = semaphore(&place);
    assert_eq!((&told["last_taker"]["pid"], &told["value"]), (&taker.pid().into(), &0.into()));
    assert_eq!(told["last_poster"]["program"], "rsipc");
}

#[test]
fn who_died_with_it_is_named() {
    let place = Place::new("track-died");
    let mut taker = place.actor_with(&[TRACK]);
    taker.does("sem_open /lock 1");
    taker.does("sem_wait /lock");
    let pid = taker.pid();
    taker.kill();
    let mut waiter = place.actor();
    waiter.does("sem_open /lock 1");
    waiter.begins("sem_wait /lock");
    let who = format!("last by {pid} (actor");
    let graph = eventually(|| text(&place, &["graph", "lock"]), |told| told.contains("deadlock"));
    let stat = text(&place, &["stat", "lock"]);
    for told in [&graph, &stat] {
        let line = line_of(told, "taken ");
        assert!(line.contains(&who) && line.contains("), which has ended"), "{told}");
    }
    assert_eq!(semaphore(&place)["last_taker"]["ended"], true);
}

#[test]
fn what_is_not_named_is_not_recorded() {
    let place = Place::new("track-others");
    let mut actor = place.actor_with(&[TRACK]);
    actor.does("sem_open /other 1");
    actor.does("sem_wait /other");
    let told = text(&place, &["stat", "other"]);
    assert!(told.contains("last user  unknown: RSIPC_SEM_TRACK=/other in the"), "{told}");
    assert!(told.contains("size       32 bytes"), "{told}");
}

#[test]
fn calls_that_do_not_sleep_and_robust_semaphores_are_recorded() {
    let place = Place::new("track-robust");
    let mut actor = place.actor_with(&[TRACK, ("RSIPC_SEM_ROBUST", "lock")]);
    actor.does("sem_open /lock 1");
    place.rsipc(&["sem", "trywait", "lock"]).assert().success();
    assert_eq!(semaphore(&place)["last_taker"]["program"], "rsipc");
    place.rsipc(&["sem", "trywait", "lock"]).assert().failure();
    place.rsipc(&["sem", "post", "lock"]).assert().success();
    actor.does("sem_wait /lock");
    let told = semaphore(&place);
    assert_eq!((&told["last_taker"]["pid"], &told["value"]), (&actor.pid().into(), &0.into()));
    assert_eq!(told["takers"][0]["taken"], 1);
    // To take nothing is no take.
    place.rsipc(&["sem", "trywait", "lock"]).assert().failure();
    assert_eq!(semaphore(&place)["last_taker"]["pid"], actor.pid());
    actor.does("sem_post /lock");
    assert_eq!(semaphore(&place)["last_poster"]["pid"], actor.pid());
}

/// The C library's own semaphores work on it as on any other.
#[test]
fn glibc_shares_a_tracked_semaphore() {
    let name = unique("track-glibc");
    let _cleanup = Cleanup::of(&[("sem", &name)]);
    let path = common::program("actor.c", Way::Preload);
    let mut command = common::command(&path, Way::Preload);
    command.env(TRACK.0, "*");
    let mut tracking = Actor::start(command);
    let mut plain = Actor::new(Way::Glibc);
    tracking.does(&format!("sem_open {name} 1"));
    plain.does(&format!("sem_open {name} 1"));
    tracking.does(&format!("sem_wait {name}"));
    plain.begins(&format!("sem_wait {name}"));
    tracking.does(&format!("sem_post {name}"));
    assert_eq!(plain.answer(), "ok");
    let told = String::from_utf8(rsipc(&["stat", &name]).output().unwrap().stdout).unwrap();
    let who = format!(" {}, ", tracking.pid());
    assert!(line_of(&told, "posted ").contains(&who), "{told}");
}

#[test]
fn sender_and_receiver_are_told() {
    let place = Place::new("track-queue");
    let mut sender = place.actor_with(&[TRACK_QUEUES]);
    sender.does("mq_open /jobs");
    let told = queue(&place);
    assert!(told["last_sender"].is_null() && told["last_receiver"].is_null(), "{told}");
    sender.does("mq_send /jobs first");
    // Without the setting: the queue is tracked by now.
    let mut receiver = place.actor();
    receiver.does("mq_open /jobs");
    receiver.does("mq_receive /jobs");
    let (from, to) = (sender.pid(), receiver.pid());
    let told = text(&place, &["stat", "jobs"]);
    for (title, pid) in [("sent ", from), ("received ", to)] {
        let line = line_of(&told, title);
        assert!(line.contains("last by actor") && line.contains(&format!(" {pid}, ")), "{told}");
    }
    sender.kill();
    let told = queue(&place);
    assert_eq!(
        (&told["last_sender"]["pid"], &told["last_sender"]["ended"]),
        (&from.into(), &true.into())
    );
    assert_eq!(
        (&told["last_receiver"]["pid"], &told["last_receiver"]["ended"]),
        (&to.into(), &false.into())
    );
}

/// It sleeps, and is woken by the message.
#[test]
fn a_receiver_that_slept_is_told() {
    let place = Place::new("track-slept-queue");
    let mut receiver = place.actor_with(&[TRACK_QUEUES]);
    receiver.does("mq_open /jobs");
    receiver.begins("mq_receive /jobs");
    eventually(|| text(&place, &["stat", "jobs"]), |told| told.contains("waits for"));
    place.rsipc(&["mq", "send", "jobs", "one"]).assert().success();
    receiver.answer();
    let told = queue(&place);
    assert_eq!(told["last_receiver"]["pid"], receiver.pid());
    assert_eq!(told["last_sender"]["program"], "rsipc");
    receiver.does("mq_send /jobs two");
    assert_eq!(queue(&place)["last_sender"]["pid"], receiver.pid());
}

#[test]
fn a_queue_that_is_not_named_is_not_recorded() {
    let place = Place::new("track-other-queue");
    let mut actor = place.actor_with(&[TRACK_QUEUES]);
    actor.does("mq_open /other");
    actor.does("mq_send /other one");
    let told = text(&place, &["stat", "other"]);
    assert!(told.contains("last user  unknown: RSIPC_MQ_TRACK=/other in the"), "{told}");
}

/// Its number is another process's here, or nobody's.
#[test]
fn a_sender_in_another_pid_namespace_is_no_process_of_this_one() {
    let unshared = |program: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-p", "-f", program]);
        command
    };
    if !unshared("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user may make no PID namespace");
        return;
    }
    let place = Place::new("track-namespace");
    let mut command = unshared(env!("CARGO_BIN_EXE_rsipc"));
    command.env("RSIPC_DIR", place.path()).env(TRACK_QUEUES.0, TRACK_QUEUES.1);
    place.rsipc(&["mq", "create", "jobs"]).assert().success();
    assert!(command.args(["mq", "send", "jobs", "one"]).status().unwrap().success());
    let told = queue(&place);
    assert_eq!(told["last_sender"]["program"], "rsipc", "{told}");
    assert!(told["last_sender"]["ended"].is_null(), "{told}");
    let told = text(&place, &["stat", "jobs"]);
    assert!(line_of(&told, "sent ").contains("(rsipc) of another PID namespace"), "{told}");
}

/// The circle of a deadlock is in its picture: who waits for whom.
#[test]
fn a_picture_shows_who_has_taken_the_last() {
    let place = Place::new("track-picture");
    let mut taker = place.actor_with(&[TRACK]);
    let mut waiter = place.actor_with(&[TRACK]);
    for actor in [&mut taker, &mut waiter] {
        actor.does("sem_open /lock 1");
    }
    taker.does("sem_wait /lock");
    waiter.begins("sem_wait /lock");
    let dot = || text(&place, &["graph", "--format", "dot"]);
    let dot = eventually(dot, |dot| dot.contains("\"waits"));
    assert_eq!(dot.matches("label=\"has taken\"").count(), 1, "{dot}");
    taker.kill();
    let dot = text(&place, &["graph", "--format", "dot"]);
    assert!(!dot.contains("has taken"), "the dead has no box: {dot}");
}
