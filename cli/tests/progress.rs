//! Long work says how far it is: on the standard error, and only on a terminal.

mod common;

use std::process::Command;

use common::terminal::{SMALL, Terminal};
use common::{Place, binary};

const SIZE: usize = 4 << 20;

/// A pipe that goes on when the file `go` is there: `$0` is the command.
fn shell(place: &Place, script: &str) -> Command {
    let mut command = Command::new("sh");
    let wait = "slow() { head -c 100000; until [ -e \"$GO\" ]; do sleep 0.3; head -c 100000; done; \
                cat; };";
    command.args(["-c", &format!("{wait} {script}")]).arg(binary());
    command.env("RSIPC_DIR", place.path()).env("GO", place.path().join(".go"));
    command
}

fn go(place: &Place) {
    std::fs::write(place.path().join(".go"), "").unwrap();
}

#[test]
fn a_long_write_says_how_much_is_written() {
    let place = Place::new("progress-write");
    place.rsipc(&["shm", "create", "m", "--size", "0"]).assert().success();
    let script = format!("head -c {SIZE} /dev/zero | slow | \"$0\" shm write m; echo done");
    let mut terminal = Terminal::run(shell(&place, &script), SMALL);
    terminal.until(|screen| screen.lines().any(|line| line.ends_with('K')));
    go(&place);
    terminal.shows("done");
    assert!(terminal.ends().success());
    assert_eq!(terminal.screen().trim(), "done", "nothing of it stays");
    let written = std::fs::metadata(place.path().join("m")).unwrap().len();
    assert_eq!(written, SIZE as u64);
}

#[test]
fn a_long_read_says_how_much_of_the_whole_is_read() {
    let place = Place::new("progress-read");
    place.rsipc(&["shm", "create", "m", "--size", "4M"]).assert().success();
    let mut terminal =
        Terminal::run(shell(&place, "\"$0\" shm read m | slow | wc -c; echo done"), SMALL);
    terminal.until(|screen| screen.contains(" of 4.0M, ") && screen.contains('%'));
    go(&place);
    let screen = terminal.shows("done");
    assert!(screen.contains(&SIZE.to_string()), "{screen}");
    assert!(terminal.ends().success());
}

#[test]
fn nothing_is_said_in_a_pipe() {
    let place = Place::new("progress-pipe");
    place.rsipc(&["shm", "create", "m", "--size", "4M"]).assert().success();
    go(&place);
    let script = "\"$0\" shm read m | { sleep 1.2; head -c 100000; sleep 0.3; cat; } | wc -c";
    let output = shell(&place, script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), SIZE.to_string());
}
