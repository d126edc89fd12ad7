//! A deadlock is flagged wherever objects are listed.

mod common;

use std::process::Command;

use common::terminal::{LARGE, SMALL, Terminal};
use common::{Actor, Place, binary};

/// Two processes, each of which waits for what only the other one could post.
fn crossed(place: &Place) -> [Actor; 2] {
    let mut actors = [place.actor(), place.actor()];
    for actor in &mut actors {
        actor.does("sem_open /a 0");
        actor.does("sem_open /b 0");
    }
    actors[0].begins("sem_wait /a");
    actors[1].begins("sem_wait /b");
    actors
}

#[test]
fn a_deadlock_is_flagged() {
    for size in [SMALL, LARGE] {
        let place = Place::new("top-deadlock");
        let _actors = crossed(&place);
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

#[test]
fn the_deadlocks_of_other_directories_come_behind() {
    let (elsewhere, place) = (Place::new("top-elsewhere"), Place::new("top-here"));
    let _others = crossed(&elsewhere);
    let actors = crossed(&place);
    let mut command = Command::new(binary());
    command.args(["top", "--interval", "100ms"]).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, LARGE);
    let screen = terminal.shows("deadlock: actor");
    let line = screen.lines().find(|line| line.contains("deadlock: ")).unwrap();
    assert!(actors.iter().all(|actor| line.contains(&format!(" {} ", actor.pid()))), "{screen}");
    terminal.press("q");
    assert!(terminal.ends().success());
}
