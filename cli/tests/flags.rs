//! A deadlock is flagged wherever objects are listed.

mod common;

use std::process::Command;

use common::terminal::{LARGE, SMALL, Terminal};
use common::{Place, binary};

#[test]
fn a_deadlock_is_flagged() {
    for size in [SMALL, LARGE] {
        let place = Place::new("top-deadlock");
        let mut actors = [place.actor(), place.actor()];
        for actor in &mut actors {
            actor.does("sem_open /a 0");
            actor.does("sem_open /b 0");
        }
        actors[0].begins("sem_wait /a");
        actors[1].begins("sem_wait /b");
        let mut command = Command::new(binary());
        command.args(["top", "--interval", "100ms"]).env("RSIPC_DIR", place.path());
        let mut terminal = Terminal::run(command, size);
        let screen = terminal.shows("deadlock: actor");
        let is_marked = |line: &str| line.contains(" /a ") && line.contains('!');
        assert!(screen.lines().any(is_marked), "{screen}");
        assert!(screen.contains(" wait for each other on ") || size == SMALL, "{screen}");
        terminal.press("q");
        assert!(terminal.ends().success());
        let table = place.rsipc(&["ls"]).output().unwrap().stdout;
        let table = String::from_utf8(table).unwrap();
        let notes = table.lines().filter(|line| line.trim_end().ends_with("  deadlock"));
        assert_eq!(notes.count(), 2, "{table}");
        let told = place.rsipc(&["stat", "a", "b"]).output().unwrap().stdout;
        let told = String::from_utf8(told).unwrap();
        assert_eq!(told.matches("  deadlock   threads wait in it for ever").count(), 2, "{told}");
    }
}
