//! `rsipc graph`: what is no more than possible, and who is stopped; what is drawn of it.

mod common;

use common::{Actor, Place, eventually};
use serde_json::Value;

fn graph(place: &Place, arguments: &[&str]) -> Value {
    let arguments = [&["graph", "--format", "json"], arguments].concat();
    let output = place.rsipc(&arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(place: &Place, arguments: &[&str]) -> String {
    let output = place.rsipc(&[&["graph"], arguments].concat()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The deadlocks on the objects of a place: memory without a name belongs to every directory.
fn deadlocks(place: &Place) -> Vec<Value> {
    let graph = graph(place, &[]);
    let has_name = |deadlock: &&Value| {
        let sleepers = deadlock["sleepers"].as_array().unwrap();
        sleepers.iter().any(|sleeper| sleeper["object"].is_string())
    };
    graph["deadlocks"].as_array().unwrap().iter().filter(has_name).cloned().collect()
}

fn found(place: &Place) -> Value {
    eventually(|| deadlocks(place), |found| !found.is_empty()).remove(0)
}

/// Two that wait for each other, and a third process that has both semaphores.
fn crossed(place: &Place) -> [Actor; 3] {
    let mut actors = [place.actor(), place.actor(), place.actor()];
    for actor in &mut actors {
        actor.does("sem_open /a 1");
        actor.does("sem_open /b 1");
    }
    actors[0].does("sem_wait /a");
    actors[1].does("sem_wait /b");
    actors[0].begins("sem_wait /b");
    actors[1].begins("sem_wait /a");
    eventually(|| text(place, &[]), |text| text.matches("waits for a post").count() >= 2);
    actors
}

#[test]
fn a_supervisor_that_sits_in_poll_or_in_a_wait_is_not_the_one_who_will_post() {
    for (sits, told) in [("poll", "in poll"), ("wait", "waiting for a child")] {
        let place = Place::new(&format!("sits-{sits}"));
        let mut actors = crossed(&place);
        for _ in 0..3 {
            assert!(deadlocks(&place).is_empty(), "the third one reads, and may be told to post");
        }
        actors[2].begins(&format!("sit {sits}"));
        let found = found(&place);
        assert_eq!((&found["confidence"], &found["certain"]), (&"possible".into(), &false.into()));
        assert_eq!(found["processes"].as_array().unwrap().len(), 2, "the supervisor is no member");
        let doubt = found["doubts"].to_string();
        assert!(doubt.contains(&format!("{} is {told}", actors[2].pid())), "{doubt}");
        let text = text(&place, &[]);
        assert!(text.contains("possible deadlock: actor"), "{text}");
    }
}

#[test]
fn workers_that_wait_for_work_from_one_who_polls_are_no_deadlock() {
    let place = Place::new("idle");
    let (mut boss, mut one, mut other) = (place.actor(), place.actor(), place.actor());
    boss.does("mq_open /jobs");
    for worker in [&mut one, &mut other] {
        worker.does("mq_open /jobs");
        worker.begins("mq_receive /jobs");
    }
    boss.begins("sit poll");
    let told = eventually(
        || text(&place, &[]),
        |text| text.contains("in poll") && text.matches("waits for a message").count() == 2,
    );
    assert!(deadlocks(&place).is_empty(), "{told}");
}

#[test]
fn a_handler_or_a_timer_makes_it_no_more_than_possible() {
    for (line, told) in [("sig_handle 10", "a handler for SIGUSR1"), ("sig_timer 10", "a timer")] {
        let place = Place::new("handler");
        let mut actor = place.actor();
        actor.does("sem_open /s 0");
        actor.does(line);
        actor.begins("sem_wait /s");
        let found = found(&place);
        assert_eq!(found["confidence"], "possible");
        assert!(found["doubts"][0].as_str().unwrap().contains(told), "{found:#}");
        // Who asks for the end of a program is no part of its work.
        let mut plain = place.actor();
        plain.does("sem_open /t 0");
        plain.does("sig_handle 15");
        plain.begins("sem_wait /t");
        let both = eventually(|| deadlocks(&place), |found| found.len() == 2);
        assert!(both.iter().any(|deadlock| deadlock["confidence"] == "certain"), "{both:#?}");
    }
}

#[test]
fn who_is_stopped_is_named_as_such() {
    let place = Place::new("stopped");
    let (mut waits, mut has) = (place.actor(), place.actor());
    waits.does("sem_open /s 0");
    has.does("sem_open /s 0");
    waits.begins("sem_wait /s");
    let told = eventually(|| text(&place, &[]), |text| text.contains("waits for a post"));
    assert!(told.contains(&format!(" {} (in read)", has.pid())), "{told}");
    assert!(deadlocks(&place).is_empty());
    // SAFETY: touches no memory; the actor has not been waited for.
    unsafe { libc::kill(has.pid().cast_signed(), libc::SIGSTOP) };
    let found = found(&place);
    assert_eq!(found["confidence"], "possible");
    let told = text(&place, &[]);
    assert!(told.contains(&format!(" {} (stopped)", has.pid())), "{told}");
    assert!(told.contains(&format!("`kill -CONT {}` continues it", has.pid())), "{told}");
    // SAFETY: a signal touches no memory, and the actor is still ours.
    unsafe { libc::kill(has.pid().cast_signed(), libc::SIGCONT) };
    eventually(|| deadlocks(&place), Vec::is_empty);
}

#[test]
fn advice_is_by_the_kind_of_wait() {
    let place = Place::new("advice");
    let (mut receives, mut sends) = (place.actor(), place.actor());
    receives.does("mq_open /empty");
    receives.begins("mq_receive /empty");
    sends.does("mq_open /full");
    for _ in 0..4 {
        sends.does("mq_send /full x");
    }
    sends.begins("mq_send /full x");
    let both = eventually(|| deadlocks(&place), |found| found.len() == 2);
    for deadlock in both {
        let (on, advice) = (&deadlock["sleepers"][0]["object"], deadlock["advice"].to_string());
        let expected = if on == "/empty" { "rsipc mq send /empty" } else { "rsipc mq recv /full" };
        assert!(advice.contains(expected) && !advice.contains("gives back"), "{advice}");
    }
    place.rsipc(&["mq", "recv", "full"]).assert().success();
    assert_eq!(sends.answer(), "ok", "the advice works");
    place.rsipc(&["mq", "send", "empty", "x"]).assert().success();
    assert_eq!(receives.answer(), "ok");
}

#[test]
fn only_what_was_asked_for_is_drawn() {
    let place = Place::new("filter");
    let actors = crossed(&place);
    let mut other = place.actor();
    other.does("sem_open /other 0");
    other.begins("sem_wait /other");
    eventually(|| deadlocks(&place), |found| !found.is_empty());
    let by_name = text(&place, &["/a"]);
    assert!(by_name.starts_with("/a: semaphore") && !by_name.contains("\n/b:"), "{by_name}");
    assert!(!by_name.contains("/other"), "{by_name}");
    let by_process = text(&place, &["--process", &other.pid().to_string()]);
    assert!(by_process.starts_with("/other: semaphore"), "{by_process}");
    assert!(by_process.contains("\ndeadlock: actor"), "{by_process}");
    let svg = text(&place, &["--format", "svg", "a"]);
    assert_eq!(svg.matches("<line class=\"edge\"").count(), actors.len(), "{svg}");
    let nobody = text(&place, &["--process", "nobody"]);
    assert!(nobody.starts_with("no process that was seen has such an object"), "{nobody}");
    let missing = place.rsipc(&["graph", "nothing"]).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8(missing).unwrap().contains("there is no object /nothing"));
}
