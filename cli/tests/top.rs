//! `rsipc top` in a terminal: keys in, screen out.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::files::Files;
use common::terminal::{LARGE, SMALL, Size, Terminal, size};
use common::{
    Actor, Cleanup, Place, Way, as_nobody, binary, command, eventually, is_root, program, rsipc,
    unique,
};

/// Looks ten times a second, so that nobody waits for long.
fn top(place: &Place, size: Size) -> Terminal {
    let mut command = Command::new(binary());
    command.args(["top", "--interval", "100ms"]).env("RSIPC_DIR", place.path());
    begin(command, size)
}

fn begin(mut command: Command, size: Size) -> Terminal {
    command.env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8");
    let terminal = Terminal::run(command, size);
    terminal.shows("OPEN");
    terminal
}

/// The words of the line with this name.
fn row(screen: &str, name: &str) -> Vec<String> {
    let line = screen.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Waits until the line with this name is right: kind, name, state, in, out, waiters, holders.
fn row_becomes(terminal: &Terminal, name: &str, is_right: impl Fn(&[&str]) -> bool) -> Vec<String> {
    let screen = terminal.until(|screen| {
        let row = row(screen, name);
        is_right(&row.iter().map(String::as_str).collect::<Vec<_>>())
    });
    row(&screen, name)
}

fn names(screen: &str) -> Vec<String> {
    let rows = screen
        .lines()
        .filter(|line| ["sem ", "mq ", "shm "].iter().any(|kind| line.starts_with(kind)));
    rows.filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

#[test]
fn objects_of_plain_and_preloaded_programs() {
    for size in [SMALL, LARGE] {
        let name = unique("top");
        let _cleanup = Cleanup::of(&[("sem", &name), ("mq", &name)]);
        let mut plain = Actor::new(Way::Glibc);
        let mut preloaded = Actor::new(Way::Preload);
        for actor in [&mut plain, &mut preloaded] {
            actor.does(&format!("sem_open {name} 0"));
            actor.begins(&format!("sem_wait {name}"));
        }
        let mut holder = Actor::new(Way::Preload);
        holder.does(&format!("mq_open {name}"));
        let mut command = Command::new(binary());
        command.args(["top"]).env_remove("RSIPC_DIR");
        let mut terminal = begin(command, size);
        // Others may have objects here too.
        terminal.press(&format!("/{}\r", &name[1..]));
        let of = |screen: &str, kind: &str| {
            let line =
                screen.lines().find(|line| line.starts_with(kind) && line.contains(&name[1..10]));
            line.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let is_complete = |screen: &str| {
            let (semaphore, queue) = (of(screen, "sem "), of(screen, "mq "));
            // There may be a process that not even root may look into.
            let word = |word: &String| match word.trim_end_matches('?') {
                "" => "0".to_owned(),
                known => known.to_owned(),
            };
            let words = |row: &[String]| row.iter().skip(2).map(word).collect::<Vec<_>>().join(" ");
            // In a wide terminal owner, mode and size are in between.
            words(&semaphore).contains("0 0 0 2! 2") && words(&queue).contains("0/4 0 0 0 1")
        };
        let screen = terminal.until(is_complete);
        assert_eq!(screen.contains(&format!(":{}", holder.pid())), size == LARGE, "{screen}");
        for _ in 0..2 {
            rsipc(&["sem", "post", &name]).assert().success();
        }
        assert_eq!((plain.answer().as_str(), preloaded.answer().as_str()), ("ok", "ok"));
        // Nobody waits any more.
        terminal
            .until(|screen| of(screen, "sem ").join(" ").contains(" 0 2") && !screen.contains('!'));
        terminal.press("q");
        assert!(terminal.ends().success());
    }
}

#[test]
fn rates_of_queues_are_exact() {
    let place = Place::new("top-rates");
    for (name, max_messages) in [("small", "4"), ("large", "100")] {
        let sizes = ["--max-messages", max_messages, "--message-size", "64"];
        place.rsipc(&[&["mq", "create", name], &sizes[..]].concat()).assert().success();
    }
    let mut actor = place.actor();
    actor.does("mq_open /small");
    actor.does("mq_open /large");
    let mut terminal = top(&place, SMALL);
    for name in ["/small", "/large"] {
        row_becomes(&terminal, name, |row| row.get(3..5) == Some(&["0", "0"]));
        let sent = eventually(
            || {
                // Nobody ever sees these messages in the queue.
                actor.does(&format!("mq_send {name} x"));
                actor.does(&format!("mq_receive {name}"));
                row(&terminal.screen(), name)
            },
            |row| row.get(3..5).is_some_and(|rates| rates.iter().all(|rate| rate != "0")),
        );
        assert!(sent[3..5].iter().all(|rate| !rate.starts_with('~')), "{sent:?}");
        assert!(terminal.shows(name).contains('█'), "what passed is drawn");
        row_becomes(&terminal, name, |row| row.get(3..5) == Some(&["0", "0"]));
    }
    terminal.press("q");
    assert!(terminal.ends().success());
}

#[test]
fn rates_of_semaphores_are_unknown_and_not_guessed() {
    let place = Place::new("top-unknown");
    let mut poster = place.actor();
    poster.does("sem_open /s 0");
    let mut terminal = top(&place, SMALL);
    poster.does("sem_post /s");
    row_becomes(&terminal, "/s", |row| row.get(2..5) == Some(&["1", "?", "?"]));
    terminal.press("\r");
    terminal.shows("unknown: a semaphore does not count its posts");
    terminal.press("\x1b");
    terminal.shows("KIND");
    terminal.press("q");
    assert!(terminal.ends().success());
}

#[test]
fn the_list_is_sorted_and_filtered() {
    let place = Place::new("top-keys");
    for (name, value) in [("alpha", "1"), ("beta", "30"), ("gamma", "20")] {
        place.rsipc(&["sem", "create", name, "--value", value]).assert().success();
    }
    place.rsipc(&["shm", "create", "delta", "--size", "1"]).assert().success();
    for size in [SMALL, LARGE] {
        let mut terminal = top(&place, size);
        let ordered = |terminal: &Terminal, names_: [&str; 4]| {
            terminal.until(|screen| names(screen) == names_.map(|name| format!("/{name}")));
        };
        ordered(&terminal, ["alpha", "beta", "delta", "gamma"]);
        terminal.press("r");
        ordered(&terminal, ["gamma", "delta", "beta", "alpha"]);
        terminal.press("rs");
        terminal.shows("by state");
        ordered(&terminal, ["beta", "gamma", "alpha", "delta"]);
        terminal.press("/mm");
        terminal.until(|screen| names(screen) == ["/gamma"]);
        terminal.press("\r");
        terminal.shows("filter: mm");
        terminal.press("\x1b");
        ordered(&terminal, ["beta", "gamma", "alpha", "delta"]);
        terminal.press("/SHM");
        terminal.until(|screen| names(screen) == ["/delta"]);
        terminal.press("\x03");
        assert!(terminal.ends().success());
    }
}

#[test]
fn one_object_is_opened() {
    let place = Place::new("top-detail");
    let mut holder = place.actor();
    holder.does("mq_open /queue");
    holder.does("mq_send /queue hello");
    place.rsipc(&["sem", "create", "a"]).assert().success();
    for size in [SMALL, LARGE] {
        let mut terminal = top(&place, size);
        terminal.shows("/queue");
        // The second row.
        terminal.press("j\r");
        let opener = format!(" {}: mapped, and open as", holder.pid());
        let parts = ["/queue: message queue", "messages   1 of 4", "in/s", &opener];
        terminal.until(|screen| parts.iter().all(|part| screen.contains(part)));
        holder.does("mq_receive /queue");
        terminal.shows("messages   0 of 4");
        holder.does("mq_send /queue hello");
        terminal.press("\x1b");
        terminal.shows("KIND");
        terminal.press("?");
        let help = terminal.shows("it receives no message and lowers no value");
        assert!(help.contains("does not count its posts") && help.contains("estimate"), "{help}");
        terminal.press("q");
        terminal.shows("KIND");
        // The choice is where it was.
        terminal.press("\r");
        terminal.shows("/queue: message queue");
        terminal.press("\x1b");
        terminal.shows("KIND");
        terminal.press("q");
        assert!(terminal.ends().success());
    }
    let mut terminal = top(&place, SMALL);
    terminal.shows("/a");
    terminal.press("\r");
    terminal.shows("/a: semaphore");
    place.rsipc(&["sem", "rm", "a"]).assert().success();
    terminal.shows("The object is gone.");
    terminal.press("\x03");
    assert!(terminal.ends().success());
}

#[test]
fn it_follows_the_size_of_the_terminal() {
    let place = Place::new("top-size");
    for number in 0..60 {
        fs::write(place.path().join(format!("memory-{number:02}")), "x").unwrap();
    }
    let mut terminal = top(&place, SMALL);
    let screen = terminal.shows("/memory-19");
    assert!(!screen.contains("/memory-20") && !screen.contains("OWNER"), "{screen}");
    terminal.resize(LARGE);
    let screen = terminal.shows("/memory-45");
    assert!(screen.contains("OWNER") && !screen.contains("/memory-46"), "{screen}");
    // The last row comes into view, also when there is less room for it.
    terminal.press("G");
    terminal.shows("/memory-59");
    terminal.resize(size(80, 10));
    terminal.until(|screen| screen.contains("/memory-59") && screen.lines().count() <= 10);
    for tiny in [size(20, 5), size(3, 2), size(1, 1)] {
        terminal.resize(tiny);
    }
    terminal.resize(SMALL);
    terminal.until(|screen| screen.contains("/memory-59") && screen.contains("q quit"));
    terminal.press("q");
    assert!(terminal.ends().success());
}

/// A key and a new size at the same moment.
#[test]
fn no_key_is_lost() {
    let place = Place::new("top-keys-and-sizes");
    let mut terminal = top(&place, SMALL);
    for rows in 25..45 {
        // Stopped, so that it finds both at once.
        terminal.signal(libc::SIGSTOP);
        terminal.resize(size(80, rows));
        terminal.press("?");
        terminal.signal(libc::SIGCONT);
        terminal.shows("it receives no message and lowers no value");
        terminal.press("q");
        terminal.shows("KIND");
    }
    terminal.press("q");
    assert!(terminal.ends().success());
}

#[test]
fn the_terminal_is_given_back() {
    let place = Place::new("top-back");
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        let mut terminal = top(&place, SMALL);
        assert!(terminal.is_changed() && terminal.read(vt100::Screen::alternate_screen));
        terminal.signal(signal);
        assert_eq!(terminal.ends_by_signal(), Some(signal));
    }
    for key in ["q", "\x03"] {
        let mut terminal = top(&place, SMALL);
        terminal.press(key);
        assert!(terminal.ends().success());
    }
}

#[test]
fn it_is_suspended_and_goes_on() {
    let place = Place::new("top-suspend");
    let mut terminal = top(&place, SMALL);
    terminal.press("\x1a");
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", terminal.pid())).unwrap();
        stat.rsplit(") ").next().unwrap_or_default().chars().next()
    };
    eventually(state, |state| *state == Some('T'));
    assert!(!terminal.is_changed());
    eventually(|| terminal.read(vt100::Screen::alternate_screen), |is_alternate| !is_alternate);
    terminal.signal(libc::SIGCONT);
    terminal.shows("KIND");
    assert!(terminal.is_changed());
    terminal.press("q");
    assert!(terminal.ends().success());
}

#[test]
fn no_colour_where_none_is_wanted() {
    let place = Place::new("top-colour");
    // Stale, which is worth a colour in the note.
    place.rsipc(&["sem", "create", "s"]).assert().success();
    for (no_color, is_coloured) in [("", true), ("1", false)] {
        let mut command = Command::new(binary());
        command.arg("top").env("RSIPC_DIR", place.path()).env("NO_COLOR", no_color);
        let mut terminal = Terminal::run(command, LARGE);
        terminal.shows("stale");
        assert_eq!(terminal.is_coloured(), is_coloured);
        terminal.press("q");
        assert!(terminal.ends().success());
    }
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let output = rsipc(&["top"]).assert().code(1).get_output().clone();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("needs a terminal") && talk.contains("rsipc ls"), "{talk}");
    assert_eq!(output.stdout, b"");
    rsipc(&["top", "--interval", "1ms"]).assert().code(2);
}

#[test]
fn nothing_changes() {
    let place = Place::new("top-looking");
    let mut actor = place.actor();
    let mut waiter = place.actor();
    actor.does("sem_open /s 2");
    actor.does("mq_open /q");
    actor.does("mq_send /q hello");
    actor.does("shm_open /m 4096");
    let files = Files::of(&place);
    let bytes = files.bytes();
    files.age_last_access();
    let times = files.times();
    let mut terminal = top(&place, SMALL);
    terminal.shows("/q");
    terminal.press("j\r");
    terminal.shows("in/s");
    // Each new object is the proof of another look.
    for number in 1..=4 {
        waiter.does(&format!("sem_open /tick{number} 0"));
        terminal.shows(&format!("sem {}", number + 1));
    }
    assert_eq!(files.times(), times, "a look leaves its mark on a time");
    assert!(files.bytes() == bytes, "a byte has changed");
    terminal.press("\x03");
    assert!(terminal.ends().success());
    actor.does("mq_receive /q");
    actor.does("sem_wait /s");
    actor.does("sem_wait /s");
}

#[test]
fn what_others_have_is_unknown() {
    if !is_root() {
        eprintln!("skipped: only the superuser can become another user");
        return;
    }
    let place = Place::new("top-user");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut holder = place.actor();
    holder.does("sem_open /closed 1");
    place
        .rsipc(&["sem", "create", "readable", "--value", "7", "--mode", "0644"])
        .assert()
        .success();
    as_nobody(place.path(), |mut command| {
        command.args(["top", "--interval", "100ms"]);
        let mut terminal = begin(command, SMALL);
        let screen = terminal.shows("unknown");
        assert!(screen.contains("could not be inspected"), "{screen}");
        assert_eq!(row(&screen, "/closed")[2..7], ["?", "?", "?", "?", "?"], "{screen}");
        let readable = row_becomes(&terminal, "/readable", |row| row.get(2) == Some(&"7"));
        assert_eq!(
            readable[2..7],
            ["7", "?", "?", "0", "?"],
            "each waiter of a semaphore is registered in it"
        );
        terminal.press("q");
        assert!(terminal.ends().success());
    });
}

#[test]
fn odd_names_do_not_break_the_screen() {
    let place = Place::new("top-odd");
    let mut command = command(&program("actor.c", Way::Preload), Way::Preload);
    command.env("RSIPC_DIR", place.path());
    let mut actor = Actor::start(command);
    actor.does("sem_open /\u{1b}[2J\u{202e}odd 3");
    let mut terminal = top(&place, LARGE);
    let screen = terminal.shows(r"$'/\033[2J\342\200\256odd'");
    assert!(screen.contains("KIND"), "{screen}");
    terminal.press("q");
    assert!(terminal.ends().success());
}
