//! `rsipc stat`: one object, in words.

mod common;

use std::process::Command;

use common::terminal::{SMALL, Terminal};
use common::{Place, binary, eventually};
use serde_json::Value;

#[test]
fn everything_about_a_semaphore() {
    let place = Place::new("stat-sem");
    let mut actor = place.actor();
    actor.does("sem_open /s 0");
    actor.begins("sem_wait /s");
    let stat = || String::from_utf8(place.rsipc(&["stat", "s"]).output().unwrap().stdout).unwrap();
    // The semaphore is looked at before its waiters are.
    let text = eventually(stat, |text| {
        text.contains("waits for a post") && text.contains("registered 1 wait\n")
    });
    let pid = actor.pid().to_string();
    for part in ["/s: semaphore", "value      0", "mode 0600", "32 bytes", &pid, "mapped"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains(place.path().to_str().unwrap()));
}

#[test]
fn everything_about_a_queue() {
    let place = Place::new("stat-mq");
    let mut actor = place.actor();
    actor.does("mq_open /q");
    for text in ["one", "three"] {
        actor.does(&format!("mq_send /q {text}"));
    }
    let text = String::from_utf8(place.rsipc(&["stat", "q"]).output().unwrap().stdout).unwrap();
    for part in ["/q: message queue", "messages   2 of 4", "bytes      8, at most 64", "open as 3"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    place
        .rsipc(&["stat", "q", "--line"])
        .assert()
        .success()
        .stdout("QSIZE:8          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
    actor.does("mq_receive /q");
    actor.does("mq_receive /q");
    actor.does("mq_notify /q");
    let line = format!(
        "QSIZE:0          NOTIFY:0     SIGNO:{:<5} NOTIFY_PID:{:<6}\n",
        libc::SIGUSR1,
        actor.pid()
    );
    place.rsipc(&["stat", "q", "--line"]).assert().success().stdout(line);
}

#[test]
fn a_queue_tells_who_keeps_loans_and_borrowed_messages() {
    let place = Place::new("stat-kept");
    let mut actors = [place.actor(), place.actor()];
    let [one, other] = &mut actors;
    one.does("mq_open /q");
    other.does("mq_open /q");
    one.does("mq_loan /q");
    one.does("mq_send /q text");
    other.does("mq_borrow /q");
    let kept = || {
        let text = String::from_utf8(place.rsipc(&["stat", "q"]).output().unwrap().stdout).unwrap();
        text.lines().filter(|line| line.contains("kept by")).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = kept();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let of_one = format!(" {}: 1 loan, 0 borrowed messages", one.pid());
    let of_other = format!(" {}: 0 loans, 1 borrowed message", other.pid());
    assert!(lines.iter().any(|line| line.ends_with(&of_one)), "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with(&of_other)), "{lines:?}");
    let json = place.rsipc(&["stat", "q", "--json"]).output().unwrap().stdout;
    let json: Value = serde_json::from_slice(&json).unwrap();
    let in_json = &json["objects"][0]["queue"]["kept"];
    assert_eq!(in_json.as_array().unwrap().len(), 2, "{json}");
    drop(actors);
    eventually(kept, Vec::is_empty);
}

#[test]
fn a_robust_semaphore_tells_who_has_taken_what() {
    let place = Place::new("stat-taken");
    let mut taker = place.actor_with(&[("RSIPC_SEM_ROBUST", "lo*")]);
    taker.does("sem_open /lock 2");
    taker.does("sem_wait /lock");
    let text = String::from_utf8(place.rsipc(&["stat", "lock"]).output().unwrap().stdout).unwrap();
    let told = format!(" {} has taken 1, given back when it dies", taker.pid());
    assert!(text.contains(&told), "{text}");
    let json = place.rsipc(&["stat", "lock", "--json"]).output().unwrap().stdout;
    let json: Value = serde_json::from_slice(&json).unwrap();
    let takers = &json["objects"][0]["semaphore"]["takers"];
    assert_eq!(
        (&takers[0]["pid"], &takers[0]["taken"]),
        (&taker.pid().into(), &1.into()),
        "{json}"
    );
}

/// A send that a handler interrupts is begun anew, and counts once.
#[test]
fn interrupted_messages_are_counted_once() {
    const PAIRS: u32 = 300_000;
    let place = Place::new("stat-interrupted");
    let mut actor = place.actor();
    actor.does("mq_open /q");
    actor.does(&format!("mq_pairs /q {PAIRS}"));
    let json = place.rsipc(&["stat", "q", "--json"]).output().unwrap().stdout;
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["objects"][0]["queue"]["sent"], PAIRS, "{json}");
}

/// Also those that nobody has ever seen in the queue.
#[test]
fn messages_are_counted() {
    let place = Place::new("stat-sent");
    for (name, max_messages) in [("small", "4"), ("large", "100")] {
        let sizes = ["--max-messages", max_messages, "--message-size", "64"];
        place.rsipc(&[&["mq", "create", name], &sizes[..]].concat()).assert().success();
        let mut actors = [place.actor(), place.actor()];
        for actor in &mut actors {
            actor.does(&format!("mq_open /{name}"));
        }
        for number in 0..100 {
            let [sender, receiver] = &mut actors;
            sender.does(&format!("mq_send /{name} {number}"));
            receiver.does(&format!("mq_receive /{name}"));
        }
        actors[0].does(&format!("mq_send /{name} last"));
        let output = place.rsipc(&["stat", name]).output().unwrap().stdout;
        let text = String::from_utf8(output).unwrap();
        assert!(text.contains("in         101 messages sent\n"), "{text}");
    }
}

/// The line is that of the kernel's own queues: so it is compared with theirs, where they can be
/// mounted.
#[test]
fn the_line_of_the_kernel() {
    let kernel = std::fs::read_dir("/dev/mqueue").ok().and_then(|mut entries| entries.next());
    let Some(Ok(queue)) = kernel else {
        eprintln!("skipped: no queue of the kernel is to be seen in /dev/mqueue");
        return;
    };
    let Ok(theirs) = std::fs::read_to_string(queue.path()) else { return };
    let fields = |line: &str| {
        line.split(':')
            .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned())
            .collect::<Vec<_>>()
    };
    let place = Place::new("stat-line");
    place.rsipc(&["mq", "create", "q"]).assert().success();
    let ours =
        String::from_utf8(place.rsipc(&["stat", "q", "--line"]).output().unwrap().stdout).unwrap();
    assert_eq!(fields(ours.trim_end()).len(), fields(theirs.trim_end()).len());
}

#[test]
fn one_name_for_several_kinds() {
    let place = Place::new("stat-kinds");
    place.rsipc(&["sem", "create", "x"]).assert().success();
    place.rsipc(&["shm", "create", "x", "--size", "100"]).assert().success();
    let both = String::from_utf8(place.rsipc(&["stat", "x"]).output().unwrap().stdout).unwrap();
    assert!(both.contains("semaphore") && both.contains("shared memory object"), "{both}");
    let one =
        String::from_utf8(place.rsipc(&["stat", "x", "--kind", "shm"]).output().unwrap().stdout)
            .unwrap();
    assert!(!one.contains("semaphore"), "{one}");
    place.rsipc(&["stat", "x", "--kind", "mq"]).assert().code(1);
    place.rsipc(&["stat", "x", "--line"]).assert().code(1);
    let json: Value =
        serde_json::from_slice(&place.rsipc(&["stat", "x", "--json"]).output().unwrap().stdout)
            .unwrap();
    assert_eq!((&json["version"], json["objects"].as_array().unwrap().len()), (&1.into(), 2));
}

#[test]
fn on_a_terminal_long_lines_are_folded_between_words() {
    let place = Place::new("stat-folded");
    place.rsipc(&["sem", "create", "account"]).assert().success();
    let mut command = Command::new(binary());
    command.args(["stat", "account"]).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, SMALL);
    let screen = terminal.shows("in the environment of its\n");
    assert!(terminal.ends().success());
    let wrapped = terminal.read(|screen| (0..24).any(|row| screen.row_wrapped(row)));
    assert!(!wrapped, "{screen}");
}
