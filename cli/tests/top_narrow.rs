//! `rsipc top` in a terminal that is narrower than its lines: nothing is cut without a mark, and
//! what matters most stays.

mod common;

use std::process::Command;

use common::terminal::{SMALL, Size, Terminal, size};
use common::{Place, binary};

fn top(place: &Place, size: Size) -> Terminal {
    let mut command = Command::new(binary());
    command.args(["top", "--interval", "100ms"]).env("RSIPC_DIR", place.path());
    command.env("LC_ALL", "C.UTF-8");
    let terminal = Terminal::run(command, size);
    terminal.shows("KIND");
    terminal
}

/// The words of the screen, wherever its lines end.
fn words(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_numbers_stay_and_the_directory_is_cut() {
    let place = Place::new("a-directory-whose-name-is-longer-than-a-terminal-is-wide-as-it-may-be");
    place.rsipc(&["sem", "create", "a"]).assert().success();
    for (size, title) in [(SMALL, "…   sem 1"), (size(56, 20), "rsipc top   sem 1")] {
        let mut terminal = top(&place, size);
        let screen = terminal.shows("waiters 0");
        assert!(screen.lines().next().unwrap().contains(title), "{screen}");
        terminal.press("q");
        assert!(terminal.ends().success());
    }
}

#[test]
fn the_way_out_stays() {
    let place = Place::new("top-narrow-keys");
    for size in [SMALL, size(60, 15), size(30, 10)] {
        let mut terminal = top(&place, size);
        let last = terminal.shows("? help  q quit").lines().last().unwrap().to_owned();
        assert_eq!(last.contains("up/down"), size == SMALL, "{last}");
        terminal.press("?");
        terminal.shows("esc back to the list");
        terminal.press("\x1b");
        terminal.shows("q quit");
        terminal.press("q");
        assert!(terminal.ends().success());
    }
}

#[test]
fn long_lines_about_an_object_are_folded() {
    let place = Place::new("top-narrow-lines");
    place.rsipc(&["sem", "create", "a"]).assert().success();
    let mut terminal = top(&place, size(60, 24));
    terminal.shows("sem   /a");
    terminal.press("\r");
    let advice = "RSIPC_SEM_TRACK=/a in the environment of its processes records who takes it";
    let screen = terminal.until(|screen| words(screen).contains(advice));
    assert!(screen.lines().all(|line| line.chars().count() <= 60), "{screen}");
    terminal.press("q");
    terminal.shows("KIND");
    terminal.press("q");
    assert!(terminal.ends().success());
}
