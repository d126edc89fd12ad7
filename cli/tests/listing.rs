//! `rsipc ls`: its layout, names and patterns, again and again; completions of names.

mod common;

use std::process::Command;

use common::sets::text;
use common::terminal::{LARGE, SMALL, Terminal, size};
use common::{Place, binary, eventually};

fn place_with_objects(what: &str) -> Place {
    let place = Place::new(what);
    for (name, value) in [("job-1", "3"), ("job-2", "10"), ("other", "1")] {
        place.rsipc(&["sem", "create", name, "--value", value]).assert().success();
    }
    place.rsipc(&["mq", "create", "jobs"]).assert().success();
    place
}

/// Without what the kernel has of others.
fn names(place: &Place, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["ls", "--noheadings", "-o", "name"], arguments].concat();
    let names = text(place, &arguments);
    names.lines().filter(|name| name.starts_with('/')).map(str::to_owned).collect()
}

/// crossterm asks tput(1) for the size where there is no terminal.
#[test]
fn no_program_is_run_for_the_width() {
    let place = place_with_objects("width");
    let programs = place.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let (tput, mark) = (programs.join("tput"), place.path().join("asked"));
    std::fs::write(&tput, format!("#!/bin/sh\n: >'{}'\necho 80\n", mark.display())).unwrap();
    Command::new("chmod").arg("755").arg(&tput).status().unwrap();
    place.rsipc(&["ls"]).env("PATH", &programs).assert().success();
    assert!(!mark.exists(), "tput was run");
}

/// Names, values and waiters stay; nothing is broken into two lines.
#[test]
fn a_very_narrow_terminal_has_whole_lines() {
    let place = place_with_objects("narrow");
    let screen = in_terminal(&place, &["job-1", "other"], (40, 12)).shows("/other");
    let line = screen.lines().find(|line| line.contains("/other")).expect("it is listed");
    assert!(!line.contains("0600") && !screen.contains("OPEN BY"), "{screen}");
}

/// The width counts also where the terminal does not know its height.
#[test]
fn no_line_is_wider_than_the_terminal() {
    let place = place_with_objects("narrower");
    place.rsipc(&["sem", "create", "a-rather-long-name-of-a-semaphore"]).assert().success();
    let _actor = {
        let mut actor = place.actor();
        actor.does("sem_open /other 0");
        actor
    };
    for size in [(30, 24), (36, 24), (50, 24)] {
        let screen = in_terminal(&place, &["sem"], size).shows("/other");
        // What could not be inspected may be told below.
        let table = screen.split("rsipc: ").next().unwrap();
        let lines = table.lines().filter(|line| !line.trim().is_empty());
        assert_eq!(lines.count(), 5, "a line for each object and the headings: {screen}");
    }
}

/// The others keep their columns; asked for by itself, the name is whole.
#[test]
fn a_long_name_does_not_cost_the_others_their_columns() {
    let place = place_with_objects("long");
    let long = format!("/{}", "long".repeat(60));
    place.rsipc(&["sem", "create", &long]).assert().success();
    for (columns, kept) in [(80, "KIND"), (200, "OPEN BY")] {
        let screen = in_terminal(&place, &["sem", "mq"], (columns, 24)).shows("/other");
        let cut = screen.lines().filter(|line| line.contains("/longlong"));
        assert!(cut.count() == 1 && screen.contains('\u{2026}'), "{screen}");
        assert!(screen.contains(kept) && screen.contains("NOTE"), "{screen}");
    }
    assert_eq!(names(&place, &["long*"]), [long]);
}

#[test]
fn columns_order_and_names_are_chosen() {
    let place = place_with_objects("listing");
    assert_eq!(names(&place, &[]), ["/job-1", "/job-2", "/jobs", "/other"]);
    assert_eq!(names(&place, &["job-*"]), ["/job-1", "/job-2"]);
    assert_eq!(names(&place, &["mq", "job*"]), ["/jobs"]);
    assert_eq!(names(&place, &["other", "/jobs"]), ["/jobs", "/other"]);
    assert_eq!(names(&place, &["sem", "--sort", "state"]), ["/job-2", "/job-1", "/other"]);
    assert_eq!(names(&place, &["sem", "--sort", "state", "-r"]), ["/other", "/job-1", "/job-2"]);
    assert_eq!(text(&place, &["ls", "-o", "state,name", "job-2"]), "STATE  NAME\n   10  /job-2\n");
    let total = text(&place, &["ls", "--total", "job-*"]);
    assert!(total.ends_with("\n2 objects, 8192 bytes allocated, 0 waiters\n"), "{total}");
    place.rsipc(&["ls", "-o", "colour"]).assert().code(2);
    let missing = place.rsipc(&["ls", "nothing"]).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8(missing).unwrap().contains("there is no object /nothing"));
}

#[test]
fn stat_takes_several_names() {
    let place = place_with_objects("stat-names");
    let told = text(&place, &["stat", "job-1", "jobs"]);
    assert!(told.contains("/job-1: semaphore\n") && told.contains("\n/jobs: message queue\n"));
    let output = place.rsipc(&["stat", "other", "nothing"]).assert().code(1).get_output().clone();
    assert!(
        String::from_utf8(output.stdout).unwrap().contains("/other: semaphore"),
        "what is there"
    );
    assert!(String::from_utf8(output.stderr).unwrap().contains("no object /nothing"));
}

/// Runs `ls` in a terminal.
fn in_terminal(place: &Place, arguments: &[&str], columns: (u16, u16)) -> Terminal {
    let mut command = Command::new(binary());
    command.arg("ls").args(arguments).env("RSIPC_DIR", place.path());
    Terminal::run(command, size(columns.0, columns.1))
}

#[test]
fn a_table_fits_the_terminal() {
    let place = place_with_objects("listing-fits");
    let mut actor = place.actor();
    for name in ["job-1", "job-2", "other"] {
        actor.does(&format!("sem_open /{name} 0"));
    }
    for (columns, has_mode) in [((60, 24), false), ((200, 50), true)] {
        // By their names: the kernel may have a set of others, which takes more room.
        let mut terminal = in_terminal(&place, &["job-1", "job-2", "other"], columns);
        let screen = terminal.shows("/other");
        assert!(terminal.ends().success());
        let heading = screen.lines().next().unwrap();
        assert!(heading.starts_with("KIND") && heading.contains("OPEN BY"), "{screen}");
        assert_eq!(heading.contains("MODE"), has_mode, "{screen}");
        let rows = screen.lines().filter(|line| line.starts_with("sem "));
        assert_eq!(rows.count(), 3, "each object has a line, and no line is broken: {screen}");
    }
}

/// The lines of a graph are folded between words, and the words are those that a pipe gets.
#[test]
fn a_graph_fits_the_terminal() {
    let place = place_with_objects("listing-graph");
    let name = format!("/{}", "long".repeat(12));
    let mut actors: Vec<_> = (0..8).map(|_| place.actor()).collect();
    for actor in &mut actors {
        actor.does(&format!("sem_open {name} 0"));
    }
    actors[0].begins(&format!("sem_wait {name}"));
    let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    let piped = eventually(
        || {
            let output = place.rsipc(&["graph", &name]).output().expect("it ends in time");
            String::from_utf8(output.stdout).expect("text")
        },
        |text| text.contains(" waits for "),
    );
    assert!(piped.lines().any(|line| line.len() > 161), "a pipe gets long lines: {piped}");
    let mut command = Command::new(binary());
    command.args(["graph", &name]).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, SMALL);
    terminal.shows(" waits for ");
    assert!(terminal.ends().success());
    let screen = terminal.screen();
    assert!(screen.lines().all(|line| line.len() <= 80), "{screen}");
    // A note about processes that could not be inspected may follow.
    assert!(words(&screen).starts_with(&words(&piped)), "{screen}\n{piped}");
}

#[test]
fn it_looks_again_and_again() {
    for size in [SMALL, LARGE] {
        let place = place_with_objects("listing-watch");
        let mut command = Command::new(binary());
        command.args(["ls", "--watch=100ms", "sem"]).env("RSIPC_DIR", place.path());
        let mut terminal = Terminal::run(command, size);
        terminal.shows("/job-2");
        place.rsipc(&["sem", "create", "later", "--value", "1"]).assert().success();
        terminal.shows("/later");
        place.rsipc(&["sem", "rm", "job-2", "later"]).assert().success();
        // What was below is gone, too.
        terminal.until(|screen| {
            let is_gone = !screen.contains("/job-2") && !screen.contains("/later");
            is_gone && screen.matches("/other").count() == 1 && screen.matches("KIND").count() == 1
        });
        terminal.press("\x03");
        assert_eq!(terminal.ends_by_signal(), Some(libc::SIGINT));
    }
}

#[test]
fn rows_without_space_are_counted() {
    let place = Place::new("listing-more");
    for number in 0..40 {
        place.rsipc(&["sem", "create", &format!("many-{number:02}")]).assert().success();
    }
    let mut command = Command::new(binary());
    command.args(["ls", "--watch=100ms", "--total"]).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, SMALL);
    // The headings, 20 rows, the total and the line of the cursor find room beside it.
    let screen = terminal.shows("20 more; `rsipc ls` shows them all");
    assert!(screen.contains("many-19") && !screen.contains("many-20"), "{screen}");
    assert!(screen.contains("40 objects, "), "{screen}");
    terminal.resize(LARGE);
    terminal.until(|screen| screen.contains("many-39") && !screen.contains("more;"));
    terminal.press("\x03");
    assert_eq!(terminal.ends_by_signal(), Some(libc::SIGINT));
}

/// What bash offers for these words, the last of which is begun.
fn offered(place: &Place, script: &std::path::Path, words: &[&str]) -> Vec<String> {
    let ask = "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); \
        COMP_LINE=\"$*\"; COMP_POINT=${#COMP_LINE}; \
        _rsipc_with_objects \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; \
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["-c", ask]).arg(script).arg(binary()).args(words).env("RSIPC_DIR", place.path());
    let output = bash.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let offered = String::from_utf8(output.stdout).unwrap();
    offered
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn names_of_objects_are_completed() {
    let place = place_with_objects("completion");
    let directory = place.path().join("completions");
    let shown = directory.to_str().unwrap();
    place.rsipc(&["generate", "completions", shown]).assert().success();
    let script = directory.join("rsipc.bash");
    let offered = |words: &[&str]| offered(&place, &script, words);
    assert_eq!(offered(&["stat", "job"]), ["job-1", "job-2", "jobs"]);
    assert_eq!(offered(&["sem", "post", "/j"]), ["/job-1", "/job-2"]);
    assert_eq!(offered(&["mq", "recv", "j"]), ["jobs"]);
    assert_eq!(offered(&["sem", "create", "j"]), [] as [&str; 0]);
    place.rsipc(&["sem", "create", "name-1"]).assert().success();
    assert_eq!(offered(&["ls", "--sort", "n"]), ["name", "note"], "no objects among the values");
    assert_eq!(offered(&["graph", "--format", "j"]), ["json"]);
    assert!(offered(&["st"]).contains(&"stat".to_owned()), "and commands as before");
    let zsh = std::fs::read_to_string(directory.join("_rsipc")).unwrap();
    assert!(zsh.matches(":_rsipc_objects'").count() > 10 && zsh.contains("_rsipc_objects() {"));
    let fish = std::fs::read_to_string(directory.join("rsipc.fish")).unwrap();
    assert!(fish.contains("(__rsipc_objects)"));
    assert!(shells_accept(&directory));
}

/// Where there is a zsh: a user types a part of a name, and Tab.
#[test]
fn zsh_completes_names() {
    let place = place_with_objects("zsh");
    let directory = place.path().join("completions");
    let shown = directory.to_str().unwrap();
    place.rsipc(&["generate", "completions", shown]).assert().success();
    let start =
        format!("fpath=({shown} $fpath); autoload -Uz compinit; compinit -u -D; PS1='> '\n");
    std::fs::write(directory.join(".zshrc"), start).unwrap();
    let own = binary().parent().unwrap().display().to_string();
    let path = format!("{own}:{}", std::env::var("PATH").unwrap_or_default());
    if Command::new("zsh").arg("--version").output().is_err() {
        return;
    }
    let mut command = Command::new("zsh");
    command.arg("-i").env("ZDOTDIR", &directory).env("PATH", path).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, SMALL);
    terminal.until(|screen| screen.starts_with("> "));
    terminal.press("rsipc stat oth\t");
    terminal.shows("rsipc stat other");
    terminal.press("\x15rsipc mq recv j\t");
    terminal.shows("rsipc mq recv jobs");
    place.rsipc(&["msg", "create", "0xbeef"]).assert().success();
    terminal.press("\x15rsipc msg recv 0x\t");
    terminal.shows("rsipc msg recv 0x0000beef");
}

/// Where there is a fish.
#[test]
fn fish_offers_only_names_that_can_be_typed() {
    let place = place_with_objects("fish");
    let directory = place.path().join("completions");
    let shown = directory.to_str().unwrap();
    place.rsipc(&["generate", "completions", shown]).assert().success();
    place.rsipc(&["sem", "create", "other one"]).assert().success();
    let own = binary().parent().unwrap().display().to_string();
    let path = format!("{own}:{}", std::env::var("PATH").unwrap_or_default());
    let script = format!("source {shown}/rsipc.fish; complete -C 'rsipc stat '");
    let mut fish = Command::new("fish");
    fish.args(["--no-config", "-c", &script]).env("PATH", path).env("RSIPC_DIR", place.path());
    let Ok(output) = fish.output() else { return };
    let offered = String::from_utf8(output.stdout).unwrap();
    assert!(offered.contains("other") && !offered.contains('$'), "{offered}");
}

#[test]
fn a_name_that_nothing_has_costs_nobody_else_the_list() {
    let place = place_with_objects("partly");
    let output = place.rsipc(&["ls", "job-1", "nosuch"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("/job-1"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no object /nosuch"));
    // It would wait for an object of this name for ever.
    let output = place.rsipc(&["ls", "--watch", "2s"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--watch=2s"));
}

#[test]
fn json_knows_no_layout_but_what_ipcs_tells() {
    let place = place_with_objects("aspects");
    for layout in [&["--reverse"][..], &["-o", "name"], &["--total"], &["--noheadings"]] {
        place.rsipc(&[&["ls", "--json"], layout].concat()).assert().code(2);
    }
    place.rsipc(&["msg", "create", "0xbeef"]).assert().success();
    let document = |aspect| {
        let output = place.rsipc(&["ls", "--json", aspect, "msg"]).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    for aspect in ["-t", "-p", "-c"] {
        let objects = document(aspect)["objects"].as_array().unwrap().clone();
        assert_eq!((objects.len(), &objects[0]["name"]), (1, &"0x0000beef".into()));
    }
    let summary = &document("-u")["summary"][0];
    assert_eq!((&summary["kind"], &summary["of"]), (&"svmsg".into(), &"librsipc".into()));
    assert_eq!(summary["objects"], 1);
    assert_eq!(document("-l")["limits"][1]["limit"], "bytes of a message");
}

#[test]
fn a_pattern_that_is_the_name_of_an_object_is_that_name() {
    let place = Place::new("exact");
    for name in ["[br]", "b", "r"] {
        place.rsipc(&["sem", "create", name]).assert().success();
    }
    let listing = text(&place, &["ls", "--noheadings", "-o", "name", "sem", "/[br]"]);
    assert!(listing.contains("/[br]") && listing.lines().count() == 1, "{listing}");
    let told = text(&place, &["stat", "/[br]"]);
    assert_eq!(told.matches("  value ").count(), 1, "{told}");
    place.rsipc(&["sem", "rm", "[br]"]).assert().success();
    assert_eq!(names(&place, &["/[br]"]), ["/b", "/r"]);
    // Names to be removed are written out.
    let output = place.rsipc(&["rm", "[a-z]"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("rm takes no patterns"));
}

/// Those shells that are there.
fn shells_accept(directory: &std::path::Path) -> bool {
    [("bash", "rsipc.bash"), ("zsh", "_rsipc"), ("fish", "rsipc.fish")].iter().all(
        |(shell, file)| {
            let checked = Command::new(shell).arg("-n").arg(directory.join(file)).status();
            checked.map_or(true, |status| status.success())
        },
    )
}
