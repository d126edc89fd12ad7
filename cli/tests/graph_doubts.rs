//! `rsipc graph`: what is no more than possible, and who is stopped; what is drawn of it.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

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
fn a_supervisor_that_sits_in_a_call_is_not_the_one_who_will_post() {
    let calls = [
        ("read", "in read"),
        ("sleep", "sleeping for a time"),
        ("poll", "in poll"),
        ("wait", "waiting for a child"),
    ];
    for (sits, told) in calls {
        let place = Place::new(&format!("sits-{sits}"));
        let mut actors = crossed(&place);
        // It reads its next line.
        if sits != "read" {
            actors[2].begins(&format!("sit {sits}"));
        }
        let is_told = |found: &Vec<Value>| found.iter().any(|it| it.to_string().contains(told));
        let found = eventually(|| deadlocks(&place), is_told).remove(0);
        assert_eq!((&found["confidence"], &found["certain"]), (&"possible".into(), &false.into()));
        assert_eq!(found["processes"].as_array().unwrap().len(), 2, "the supervisor is no member");
        let doubt = found["doubts"].to_string();
        assert!(doubt.contains(&format!("{} is {told}", actors[2].pid())), "{doubt}");
        let text = text(&place, &[]);
        assert!(text.contains("possible deadlock: actor"), "{text}");
    }
}

#[test]
fn a_receiver_alone_on_a_queue_with_a_name_may_have_a_client_some_day() {
    let place = Place::new("idle-server");
    place.rsipc(&["mq", "create", "jobs", "--message-size", "64"]).assert().success();
    let mut server = place.actor();
    server.does("mq_open_r /jobs");
    server.begins("mq_receive /jobs");
    let idle = found(&place);
    assert_eq!((&idle["confidence"], &idle["shape"]), (&"possible".into(), &"abandoned".into()));
    let doubts = idle["doubts"].to_string();
    assert!(doubts.contains("none has been sent yet; a process that opens /jobs anew"), "{doubts}");
    let listing = || {
        let output = place.rsipc(&["ls"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let table = listing();
    assert!(table.contains("  no sender") && !table.contains("deadlock"), "{table}");
    place.rsipc(&["mq", "send", "jobs", "x"]).assert().success();
    assert_eq!(server.answer(), "ok");
    server.begins("mq_receive /jobs");
    assert!(found(&place)["doubts"].to_string().contains("1 message has been sent so far"));
    // Nobody can open it any more.
    place.rsipc(&["mq", "rm", "jobs"]).assert().success();
    let found =
        eventually(|| deadlocks(&place), |found| found.iter().any(|it| it["certain"] == true));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(listing().contains("deadlock; unlinked"), "{}", listing());
}

#[test]
fn a_full_queue_without_a_receiver_is_no_idle_server() {
    let place = Place::new("full-queue");
    let mut sender = place.actor();
    sender.does("mq_open /jobs");
    for _ in 0..4 {
        sender.does("mq_send /jobs x");
    }
    sender.begins("mq_send /jobs x");
    assert_eq!(found(&place)["confidence"], "certain");
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
fn one_that_waits_and_is_stopped_is_to_be_continued() {
    let place = Place::new("stopped-waiter");
    let mut waits = place.actor();
    waits.does("sem_open /s 0");
    waits.begins("sem_wait /s");
    found(&place);
    // SAFETY: touches no memory; the actor has not been waited for.
    unsafe { libc::kill(waits.pid().cast_signed(), libc::SIGSTOP) };
    let advice = format!("`kill -CONT {}` continues it", waits.pid());
    eventually(|| text(&place, &[]), |told| told.contains(&advice));
}

#[test]
fn children_of_a_shell_do_not_wait_for_each_other() {
    let place = Place::new("shell");
    for name in ["a", "b"] {
        place.rsipc(&["sem", "create", name]).assert().success();
    }
    let script = "\"$0\" sem wait a & one=$!; \"$0\" sem wait b & two=$!; \
                  read go; \"$0\" graph --format json; kill $one $two";
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(common::binary()).env("RSIPC_DIR", place.path());
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    eventually(|| text(&place, &[]), |told| told.matches(" waits for a post").count() >= 2);
    shell.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let output = shell.wait_with_output().unwrap().stdout;
    let graph: Value = serde_json::from_slice(&output).unwrap();
    let is_here = |found: &&Value| found["sleepers"][0]["object"].is_string();
    let found: Vec<&Value> =
        graph["deadlocks"].as_array().unwrap().iter().filter(is_here).collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|it| it["shape"] == "abandoned"), "{found:#?}");
}

#[test]
fn a_chain_is_no_cycle() {
    let place = Place::new("chain");
    let (mut one, mut two) = (place.actor(), place.actor());
    one.does("sem_open /a 0");
    two.does("sem_open /a 0");
    two.does("sem_open /b 0");
    one.begins("sem_wait /a");
    two.begins("sem_wait /b");
    let is_both =
        |found: &Vec<Value>| found.iter().any(|it| it["processes"].as_array().unwrap().len() == 2);
    let found = eventually(|| deadlocks(&place), is_both);
    assert_eq!(found[0]["shape"], "abandoned", "nobody waits for the first one: {found:#?}");
    assert!(!text(&place, &[]).contains("wait for each other"));
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
    place.rsipc(&["graph", "--process", "999999999"]).assert().code(1);
    let missing = place.rsipc(&["graph", "nothing"]).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8(missing).unwrap().contains("there is no object /nothing"));
}

#[test]
fn a_picture_does_not_say_more_than_is_known() {
    let place = Place::new("pictures-of-doubts");
    place.rsipc(&["mq", "create", "jobs", "--message-size", "64"]).assert().success();
    let mut server = place.actor();
    server.does("mq_open_r /jobs");
    server.begins("mq_receive /jobs");
    found(&place);
    let edge = |svg: &str| {
        let edge = svg.lines().find(|line| line.contains("class=\"edge\""));
        edge.expect("a line to the queue").to_owned()
    };
    let svg = text(&place, &["--format", "svg"]);
    assert!(edge(&svg).ends_with("<title>may wait for ever</title></line>"), "{svg}");
    assert!(!svg.contains("fill=\"#ffe5e5\""), "no box says that it is certain: {svg}");
    let dot = text(&place, &["--format", "dot"]);
    assert!(dot.contains("label=\"may wait for ever\"") && !dot.contains("\"waits for"), "{dot}");
}
