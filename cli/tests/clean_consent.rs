//! `rsipc clean`: nothing goes without consent, and nothing but what was meant.

mod common;

use std::process::Output;

use common::Place;
use common::terminal::{SMALL, Terminal};

fn clean(place: &Place, arguments: &[&str]) -> Output {
    let arguments = [&["clean", "--older-than", "0s"], arguments].concat();
    place.rsipc(&arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn without_a_terminal_to_ask_on_nothing_goes() {
    let place = Place::new("clean-script");
    place.rsipc(&["sem", "create", "s", "--value", "1"]).assert().success();
    let output = clean(&place, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("would remove sem /s: "), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("nothing was removed: there is no terminal to ask on"), "{said}");
    assert!(said.contains("--yes removes without asking"), "{said}");
    assert_eq!(place.files(), ["sem.s"]);
    assert!(clean(&place, &["--yes"]).status.success());
    assert_eq!(place.files(), [] as [&str; 0]);
    let output = clean(&place, &[]);
    assert!(output.status.success(), "there is nothing to ask about: {output:?}");
    place.rsipc(&["sem", "create", "s"]).assert().success();
    assert!(clean(&place, &["--force"]).status.success(), "who says so need not say it twice");
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn a_name_that_nothing_has_is_a_failure() {
    let place = Place::new("clean-nosuch");
    place.rsipc(&["sem", "create", "s", "--value", "1"]).assert().success();
    for name in ["nosuch", "no*", "0xbeef"] {
        let output = clean(&place, &["--yes", name]);
        assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
        assert!(text(&output.stderr).contains("there is no object"), "{output:?}");
    }
    assert!(clean(&place, &["--yes", "shm"]).status.success(), "a kind may have no objects");
    assert_eq!(place.files(), ["sem.s"]);
}

#[test]
fn a_name_with_brackets_is_that_name_first() {
    let place = Place::new("clean-brackets");
    for name in ["/[br]", "/b", "/r"] {
        place.rsipc(&["sem", "create", name, "--value", "1"]).assert().success();
    }
    assert!(clean(&place, &["--yes", "[br]"]).status.success());
    assert_eq!(place.files(), ["sem.b", "sem.r"]);
    assert!(clean(&place, &["--yes", "[br]"]).status.success());
    assert_eq!(place.files(), [] as [&str; 0], "where nothing is called so, it is a pattern");
}

#[test]
fn what_was_asked_for_by_name_and_stays_is_told() {
    let place = Place::new("clean-held");
    let mut actor = place.actor();
    actor.does("sem_open /held 1");
    let output = clean(&place, &["--yes", "held"]);
    assert!(output.status.success(), "{output:?}");
    let pid = actor.pid();
    let kept = text(&output.stdout);
    assert!(kept.starts_with("kept sem /held: ") && kept.contains(&format!("{pid} has it open")));
    assert_eq!(text(&clean(&place, &["--yes"]).stdout), "", "it is none of what nobody has");
    assert_eq!(place.files(), ["sem.held"]);
}

#[test]
fn only_what_was_shown_goes_after_the_answer() {
    let place = Place::new("clean-shown");
    place.rsipc(&["sem", "create", "[br]", "--value", "1"]).assert().success();
    let mut command = std::process::Command::new(common::binary());
    command.args(["clean", "--older-than", "0s", "[br]"]).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, SMALL);
    terminal.shows("Remove 1 object? [y/N]");
    place.rsipc(&["sem", "rm", "[br]"]).assert().success();
    place.rsipc(&["sem", "create", "b", "--value", "1"]).assert().success();
    terminal.enter("y");
    terminal.shows("nothing to remove");
    assert!(terminal.ends().success());
    assert_eq!(place.files(), ["sem.b"]);
}
