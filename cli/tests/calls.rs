//! `rsipc sem`, `mq` and `shm`: the calls by hand, against C programs on the other side.

mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{
    Actor, Cleanup, Place, Way, binary, eventually, is_root, listed, rsipc, rsipc_as_nobody, unique,
};
use serde_json::Value;

#[test]
fn semaphores_are_made_used_and_removed() {
    let place = Place::new("sem");
    place.rsipc(&["sem", "create", "s", "--value", "2"]).assert().success().stdout("");
    assert_eq!(place.files(), ["sem.s"]);
    place.rsipc(&["sem", "get", "/s"]).assert().success().stdout("2\n");
    place.rsipc(&["sem", "wait", "s"]).assert().success();
    place.rsipc(&["sem", "trywait", "s"]).assert().success();
    place.rsipc(&["sem", "get", "s"]).assert().success().stdout("0\n");
    place.rsipc(&["sem", "trywait", "s"]).assert().code(1);
    place.rsipc(&["sem", "post", "s", "--times", "3"]).assert().success();
    place.rsipc(&["sem", "get", "s"]).assert().success().stdout("3\n");
    place.rsipc(&["sem", "rm", "s"]).assert().success();
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn semaphores_are_those_of_programs() {
    for way in [Way::Glibc, Way::Preload] {
        let name = unique("shared");
        let _cleanup = Cleanup::of(&[("sem", &name)]);
        let mut actor = Actor::new(way);
        actor.does(&format!("sem_open {name} 0"));
        actor.begins(&format!("sem_wait {name}"));
        eventually(|| listed("sem", &name)["semaphore"]["registered"].clone(), |count| *count == 1);
        rsipc(&["sem", "post", &name]).assert().success();
        assert_eq!(actor.answer(), "ok", "{way}");
        let waiting = rsipc_in_background(&["sem", "wait", &name]);
        eventually(|| listed("sem", &name)["semaphore"]["registered"].clone(), |count| *count == 1);
        actor.does(&format!("sem_post {name}"));
        assert!(waiting.wait_with_output().unwrap().status.success());
    }
}

fn rsipc_in_background(arguments: &[&str]) -> std::process::Child {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the command can be started")
}

#[test]
fn waits_end_when_their_time_is_over() {
    let place = Place::new("timeout");
    place.rsipc(&["sem", "create", "s"]).assert().success();
    place.rsipc(&["mq", "create", "q", "--max-messages", "1"]).assert().success();
    place.rsipc(&["mq", "create", "empty"]).assert().success();
    place.rsipc(&["mq", "send", "q", "x"]).assert().success();
    for call in [&["sem", "wait", "s"][..], &["mq", "send", "q", "y"], &["mq", "recv", "empty"]] {
        let start = Instant::now();
        let timed = [call, &["--timeout", "150ms"]].concat();
        let output = place.rsipc(&timed).assert().code(1).get_output().clone();
        assert!(start.elapsed() >= Duration::from_millis(150), "{call:?}");
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(talk.contains("150ms") && talk.contains("rsipc stat"), "{talk}");
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn an_interrupted_wait_is_taken_back() {
    let place = Place::new("interrupt");
    place.rsipc(&["sem", "create", "s"]).assert().success();
    let state = || {
        let output = place.rsipc(&["ls", "--json"]).output().unwrap().stdout;
        serde_json::from_slice::<Value>(&output).unwrap()["objects"][0].clone()
    };
    let mut command = Command::new(binary());
    let mut child =
        command.args(["sem", "wait", "s"]).env("RSIPC_DIR", place.path()).spawn().unwrap();
    eventually(state, |object| object["waiters"][0].is_object());
    // SAFETY: kill(2) touches no memory; the child has not been waited for.
    unsafe { libc::kill(i32::try_from(child.id()).unwrap(), libc::SIGINT) };
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGINT));
    assert_eq!(state()["semaphore"]["registered"], 0, "no waiter who is gone is counted");
}

#[test]
fn failures_say_what_to_do() {
    let place = Place::new("failures");
    place.rsipc(&["sem", "create", "there"]).assert().success();
    std::fs::write(place.path().join("sem.short"), "x").unwrap();
    let cases: [(&[&str], i32, &str); 12] = [
        (&["sem", "get", "none"], 1, "rsipc sem create /none"),
        (&["sem", "post", "none"], 1, "rsipc ls sem"),
        (&["mq", "recv", "none"], 1, "rsipc mq create /none"),
        (&["mq", "peek", "none"], 1, "rsipc ls mq"),
        (&["shm", "read", "none"], 1, "rsipc shm create /none"),
        (&["sem", "rm", "none"], 1, "there is no semaphore /none"),
        (&["sem", "create", "there"], 1, "exists already"),
        (&["sem", "post", "short"], 1, "rsipc stat /short"),
        (&["stat", "none"], 1, "rsipc ls"),
        (&["sem", "create", "a/b"], 2, "no slash"),
        (&["sem", "create", "x", "--mode", "9"], 2, "octal"),
        (&["mq", "send", "none", "x", "--priority", "32768"], 2, "32768"),
    ];
    for (arguments, status, advice) in cases {
        let output = place.rsipc(arguments).assert().code(status).get_output().clone();
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(talk.contains(advice), "{arguments:?}: {talk}");
        assert_eq!(output.stdout, b"", "{arguments:?}: the standard output is for data");
    }
    place.rsipc(&["sem", "create", "there", "--if-missing"]).assert().success();
}

#[test]
fn modes_are_exact() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("modes");
    place.rsipc(&["sem", "create", "s", "--mode", "0666"]).assert().success();
    place.rsipc(&["shm", "create", "m", "--size", "1", "--mode", "0640"]).assert().success();
    place.rsipc(&["mq", "create", "q", "--mode", "0622"]).assert().success();
    let mode = |file: &str| {
        std::fs::metadata(place.path().join(file)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("sem.s"), mode("m")), (0o666, 0o640));
    let listing = String::from_utf8(place.rsipc(&["ls", "mq"]).output().unwrap().stdout).unwrap();
    assert!(listing.contains(" 0622 "), "the mode that counts, not that of the file: {listing}");
}

#[test]
fn messages_go_in_and_out_through_the_standard_streams() {
    let place = Place::new("stream");
    place.rsipc(&["mq", "create", "q", "--message-size", "64K"]).assert().success();
    let bytes: Vec<u8> = (0..=255).cycle().take(65_536).collect();
    place.rsipc(&["mq", "send", "q"]).write_stdin(bytes.clone()).assert().success();
    let output = place.rsipc(&["mq", "recv", "q"]).output().unwrap();
    assert!(output.stdout == bytes, "65536 bytes of all values come back");
    place.rsipc(&["mq", "send", "q", "--lines"]).write_stdin("one\ntwo\n\nfour").assert().success();
    let received = place.rsipc(&["mq", "recv", "q", "--lines", "--count", "4"]).output().unwrap();
    assert_eq!(received.stdout, b"one\ntwo\n\nfour\n");
    place.rsipc(&["mq", "send", "q"]).write_stdin(vec![0; 65_537]).assert().code(1);
}

#[test]
fn peek_shows_the_order_of_delivery_and_takes_nothing() {
    let place = Place::new("peek");
    place.rsipc(&["mq", "create", "q", "--max-messages", "100"]).assert().success();
    for (number, priority) in [1, 5, 3, 5, 0, 3].iter().enumerate() {
        let (text, priority) = (format!("message {number}"), priority.to_string());
        place.rsipc(&["mq", "send", "q", &text, "--priority", &priority]).assert().success();
    }
    let peek = || {
        let output = place.rsipc(&["mq", "peek", "q", "--json"]).output().unwrap().stdout;
        let peeked: Value = serde_json::from_slice(&output).unwrap();
        let messages = peeked["messages"].as_array().unwrap().clone();
        messages
            .iter()
            .map(|message| message["body"]["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let order = [1, 3, 2, 5, 0, 4].map(|number| format!("message {number}"));
    assert_eq!(peek(), order);
    assert_eq!(peek(), order, "all are still there");
    let received =
        place.rsipc(&["mq", "recv", "q", "--count", "6", "--lines"]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(received).unwrap().lines().collect::<Vec<_>>(), order);
    assert!(peek().is_empty());
}

#[test]
fn the_json_of_peek_has_its_shape() {
    let place = Place::new("peek-shape");
    place.rsipc(&["mq", "create", "q"]).assert().success();
    place.rsipc(&["mq", "send", "q", "text", "--priority", "3"]).assert().success();
    place.rsipc(&["mq", "send", "q"]).write_stdin(&b"\xff\x00"[..]).assert().success();
    let output = place.rsipc(&["mq", "peek", "q", "--json"]).output().unwrap().stdout;
    insta::assert_json_snapshot!(serde_json::from_slice::<Value>(&output).unwrap());
}

#[test]
fn peek_does_not_disturb_a_terminal() {
    let place = Place::new("terminal");
    place.rsipc(&["mq", "create", "q"]).assert().success();
    place.rsipc(&["mq", "send", "q"]).write_stdin(&b"\x1b[2J\xff\nx"[..]).assert().success();
    let table =
        String::from_utf8(place.rsipc(&["mq", "peek", "q"]).output().unwrap().stdout).unwrap();
    assert!(table.contains(r"\033[2J\377\nx"), "{table}");
}

#[test]
fn tail_shows_messages_as_they_come() {
    let place = Place::new("tail");
    place.rsipc(&["mq", "create", "q"]).assert().success();
    place.rsipc(&["mq", "send", "q", "old"]).assert().success();
    let mut tail = Command::new(binary());
    tail.args(["mq", "tail", "q", "--timeout", "3s"])
        .env("RSIPC_DIR", place.path())
        .stdout(Stdio::piped());
    let mut tail = tail.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(tail.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "0 old");
    place.rsipc(&["mq", "send", "q", "new", "--priority", "9"]).assert().success();
    assert_eq!(lines.next().unwrap().unwrap(), "9 new");
    assert!(tail.wait().unwrap().success());
    assert!(lines.next().is_none());
    let mut received = place.rsipc(&["mq", "recv", "q", "--count", "2", "--lines", "--priorities"]);
    received.assert().success().stdout("9 new\n0 old\n");
}

#[test]
fn long_queue_names() {
    let place = Place::new("long");
    let name = "n".repeat(255);
    place.rsipc(&["mq", "create", &name]).assert().success();
    place.rsipc(&["mq", "send", &name, "x"]).assert().success();
    place.rsipc(&["mq", "peek", &name]).assert().success();
    let listing = String::from_utf8(place.rsipc(&["ls"]).output().unwrap().stdout).unwrap();
    assert!(listing.contains(&name), "{listing}");
    place.rsipc(&["mq", "rm", &name]).assert().success();
    assert_eq!(place.files(), [] as [&str; 0]);
    place.rsipc(&["mq", "create", &"n".repeat(256)]).assert().code(1);
}

#[test]
fn memory_is_written_and_read() {
    let place = Place::new("shm");
    place.rsipc(&["shm", "create", "m", "--size", "4K"]).assert().success();
    assert_eq!(std::fs::read(place.path().join("m")).unwrap(), vec![0; 4096]);
    place.rsipc(&["shm", "write", "m", "--offset", "10"]).write_stdin("hello").assert().success();
    place
        .rsipc(&["shm", "read", "m", "--offset", "10", "--length", "5"])
        .assert()
        .success()
        .stdout("hello");
    let whole = place.rsipc(&["shm", "read", "m"]).output().unwrap().stdout;
    assert_eq!(whole.len(), 4096);
    place.rsipc(&["shm", "write", "m", "--truncate"]).write_stdin("short").assert().success();
    place.rsipc(&["shm", "read", "m"]).assert().success().stdout("short");
    place.rsipc(&["shm", "rm", "m"]).assert().success();
    place.rsipc(&["shm", "create", "huge", "--size", "1000P"]).assert().code(1);
    assert_eq!(place.files(), [] as [&str; 0], "what has no memory is not left behind");
}

#[test]
fn what_belongs_to_others_is_refused_in_words() {
    if !is_root() {
        eprintln!("skipped: only the superuser can become another user");
        return;
    }
    let name = unique("private");
    let _cleanup = Cleanup::of(&[("sem", &name)]);
    rsipc(&["sem", "create", &name]).assert().success();
    for call in ["post", "rm", "get"] {
        let output = rsipc_as_nobody(&["sem", call, &name]);
        assert_eq!(output.status.code(), Some(1));
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(
            talk.contains("Permission denied") && talk.contains("run the command as that user"),
            "{call}: {talk}"
        );
    }
}

#[test]
fn a_full_output_is_a_failure() {
    let place = Place::new("output");
    place.rsipc(&["sem", "create", "s"]).assert().success();
    for arguments in [&["ls"][..], &["ls", "--json"], &["stat", "s"], &["sem", "get", "s"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(binary());
        let status =
            command.args(arguments).env("RSIPC_DIR", place.path()).stdout(full).status().unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn lines_that_were_sent_are_counted_when_one_fails() {
    let place = Place::new("lines");
    place.rsipc(&["mq", "create", "q", "--message-size", "3"]).assert().success();
    let output =
        place.rsipc(&["mq", "send", "q", "--lines"]).write_stdin("one\ntwo\nthree\n").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("2 lines were sent before it stopped"), "{said}");
    let output = place.rsipc(&["mq", "send", "q", "x", "--priority", "40000"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("a priority is a number from 0 to 32767"), "{said}");
}

#[test]
fn a_queue_of_another_version_is_told_and_can_be_removed() {
    let place = Place::new("calls-old");
    place.rsipc(&["mq", "create", "old"]).assert().success();
    let data = place.path().join("rsipc-mq.old");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[8] = 3;
    std::fs::write(&data, bytes).unwrap();
    let calls = [
        &["mq", "send", "old", "x"][..],
        &["mq", "recv", "old"],
        &["mq", "peek", "old"],
        &["mq", "create", "old"],
    ];
    for call in calls {
        let output = place.rsipc(call).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let what = "/old: made by another version of librsipc (format 3)\n";
        assert!(said.contains(what), "{call:?}: {said}");
        assert!(said.contains("`rsipc mq rm /old`"), "{call:?}: {said}");
    }
    place.rsipc(&["mq", "rm", "old"]).assert().success();
    place.rsipc(&["mq", "create", "old"]).assert().success();
}
