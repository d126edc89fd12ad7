//! System V semaphore sets in `rsipc console` and `rsipc top`.

mod common;

use std::process::Command;

use common::sets::{document, operator};
use common::terminal::{LARGE, Terminal};
use common::{Place, binary, eventually};
use serde_json::Value;

/// The first set of a place, or null.
fn set(place: &Place) -> Value {
    let listing = document(place, &["ls", "--json", "svsem"]);
    listing["objects"].as_array().unwrap().first().cloned().unwrap_or_default()
}

/// What the console says to these lines, and whether all succeeded.
fn console(place: &Place, lines: &[&str]) -> (String, String, bool) {
    let output = place.rsipc(&["console"]).write_stdin(lines.join("\n")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

#[test]
fn every_call_on_a_set() {
    let place = Place::new("console-set");
    let (said, wrong, all) = console(
        &place,
        &[
            "semget 0xbeef 3 IPC_CREAT|IPC_EXCL 0640",
            "semctl 0xbeef 0 SETALL 1 2 3",
            "semctl 0xbeef 1 SETVAL 5",
            "semop 0xbeef 0:-1 2:+4:SEM_UNDO",
            "semctl 0xbeef 1 GETVAL",
            "semctl 0xbeef 0 GETALL",
            "semctl 0xbeef 0 GETNCNT",
            "semctl 0xbeef 0 IPC_SET 7 8 0666",
            "semctl 0xbeef 0 IPC_STAT",
            "ftok / 66",
        ],
    );
    assert!(all, "{wrong}");
    for part in [
        ": 0x0000beef leads to this set\n",
        "semop = 0\nsemctl = 5\n",
        "semctl = 0: values 0 5 7\nsemctl = 0\n",
        "key 0x0000beef, 3 semaphores, owner 7, group ",
        "mode 0666, sem_otime ",
        "ftok = 0x42",
    ] {
        let said = said.replace("owner lp", "owner 7");
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("never"), "semop set sem_otime: {said}");
    let left = set(&place);
    assert_eq!((&left["mode"], &left["owner"]["uid"]), (&"0666".into(), &7.into()));
    assert_eq!(left["set"]["semaphores"][2]["value"].as_u64(), Some(7), "not undone yet");
    assert_eq!(left["set"]["undo"][0]["ended"], true, "{left:#}");
    let (said, ..) = console(&place, &["semctl 0xbeef 0 GETALL", "semctl 0xbeef 0 IPC_RMID"]);
    assert_eq!(said, "semctl = 0: values 0 5 3\nsemctl = 0\n", "whoever looks undoes it");
    assert_eq!(set(&place), Value::Null);
}

#[test]
fn errors_are_explained() {
    let place = Place::new("console-set-errors");
    let cases = [
        ("semget 0xbeef 1", "semget = -1: ENOENT", "IPC_CREAT was not given"),
        ("semget 0xa1 40000 IPC_CREAT", "semget = -1: EINVAL", "COUNT is not 1 to 32000"),
        ("semget 0xa1 1 IPC_CREAT|IPC_EXCL", "semget = -1: EEXIST", "has this key already"),
        ("semop 0xa1 5:+1", "semop = -1: EFBIG", "no semaphore with such a number"),
        ("semop 0xa1 0:-1:IPC_NOWAIT", "semop = -1: EAGAIN", "has IPC_NOWAIT"),
        ("semop 0xa1 0:+32767 0:+1", "semop = -1: ERANGE", "leave its range"),
        ("semtimedop 0xa1 20ms 0:-1", "semtimedop = -1: EAGAIN", "could not be performed in time"),
        ("semctl 0xa1 0 SETVAL 40000", "semctl = -1: ERANGE", "0 to 32767"),
        ("semctl 0xa1 9 GETVAL", "semctl = -1: EINVAL", "counted from 0"),
        ("semctl 0xa1 0 GETSOME", "GETSOME is not a command of semctl", "help semctl"),
        ("semctl 0xa1 0 SETALL 1 2 3", "3 values for a set of 2", "usage"),
        ("semop 0xa1 0-1", "write NUMBER:AMOUNT", "usage"),
        ("semop me 0:1", "me is no id", "usage"),
        ("ftok /none 1", "ftok = -1: ENOENT", "no such file"),
    ];
    console(&place, &["semget 0xa1 2 IPC_CREAT"]);
    for (line, first, more) in cases {
        let (_, wrong, all) = console(&place, &[line]);
        assert!(!all && wrong.contains(first) && wrong.contains(more), "{line}: {wrong}");
    }
}

#[test]
fn a_call_that_sleeps_in_the_background_is_interrupted() {
    let place = Place::new("console-set-wait");
    let mut command = Command::new(binary());
    command.arg("console").env("RSIPC_DIR", place.path()).env("XDG_STATE_HOME", place.path());
    let mut terminal = Terminal::run(command, LARGE);
    terminal.shows("rsipc> ");
    terminal.enter("semget 0xa1 1 IPC_CREAT");
    terminal.shows("leads to this set");
    terminal.enter("semop 0xa1 0:-1 &");
    eventually(|| set(&place), |set| set["set"]["semaphores"][0]["waiting_for_increase"] == 1);
    terminal.enter("interrupt");
    terminal.shows("semop = -1: EINTR");
    eventually(|| set(&place), |set| set["set"]["semaphores"][0]["waiting_for_increase"] == 0);
    terminal.enter("semop 0xa1 0:-1 &");
    eventually(|| set(&place), |set| set["set"]["semaphores"][0]["waiting_for_increase"] == 1);
    terminal.enter("semctl 0xa1 0 IPC_RMID");
    terminal.shows("semop = -1: EIDRM");
}

#[test]
fn a_set_is_watched_live() {
    let place = Place::new("top-set");
    let mut command_line = Command::new(binary());
    command_line.args(["top", "--interval", "100ms"]).env("RSIPC_DIR", place.path());
    let start = |line: &str| {
        let mut actor = operator(&place);
        actor.does("get beef 2");
        actor.does(line);
        actor
    };
    let (mut one, mut waiter) = (start("set beef 1 3"), start("op beef 0:0"));
    waiter.begins("op beef 0:-1");
    let mut terminal = Terminal::run(command_line, LARGE);
    let row = |screen: &str| {
        let line = screen.lines().find(|line| line.starts_with("svsem 0x0000beef"));
        line.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    // Kind, name, owner, mode, size, state, in, out, waiters.
    terminal.until(|screen| {
        let row = row(screen);
        row.len() > 8 && row[5] == "0,3" && row[6] == "0" && row[7] == "-" && row[8] == "1"
    });
    let moved = || {
        for _ in 0..10 {
            one.does("op beef 1:+1 1:-1");
        }
        row(&terminal.screen()).get(6).cloned().unwrap_or_default()
    };
    let rate = eventually(moved, |rate| !matches!(rate.as_str(), "" | "0" | "?"));
    assert!(!rate.starts_with('~'), "it is counted: {rate}");
    terminal.press("\r");
    let detail = terminal.shows("waits for an increase of semaphore 0");
    assert!(detail.contains("changes/s"), "{detail}");
}
