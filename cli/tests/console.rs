//! `rsipc console`: typed into a terminal, and piped in.

mod common;

use std::process::Command;

use common::terminal::{LARGE, SMALL, Size, Terminal, size};
use common::{Actor, Cleanup, Place, Way, binary, eventually, listed, unique};
use serde_json::Value;

const PROMPT: &str = "rsipc>";
const CTRL_C: &str = "\x03";
const CLEAR: &str = "\x0c";
const CTRL_D: &str = "\x04";

/// A console on this directory of objects, with its history in it.
fn console(place: &Place, size: Size) -> Terminal {
    let mut command = Command::new(binary());
    command.arg("console").env("RSIPC_DIR", place.path()).env("XDG_STATE_HOME", place.path());
    begin(command, size)
}

/// Waits for the prompt.
fn begin(mut command: Command, size: Size) -> Terminal {
    command.env_remove("NO_COLOR");
    let terminal = Terminal::run(command, size);
    terminal.shows("rsipc> ");
    terminal
}

/// What the console says to a line.
fn answer(terminal: &mut Terminal, line: &str) -> String {
    terminal.press(CLEAR);
    terminal.until(|screen| screen.trim() == PROMPT);
    terminal.enter(line);
    let typed = format!("{PROMPT} {line}");
    let screen = terminal
        .until(|screen| screen.starts_with(&typed) && screen.trim_end().ends_with("\nrsipc>"));
    screen[typed.len()..].trim_end().trim_end_matches(PROMPT).trim().to_owned()
}

fn object(place: &Place) -> Value {
    let output = place.rsipc(&["ls", "--json"]).output().unwrap().stdout;
    let listing: Value = serde_json::from_slice(&output).unwrap();
    listing["objects"].as_array().unwrap().first().cloned().unwrap_or_default()
}

#[test]
fn every_call_on_a_named_semaphore() {
    let place = Place::new("console-sem");
    for size in [SMALL, LARGE] {
        let mut terminal = console(&place, size);
        let opened = answer(&mut terminal, "sem_open /s O_CREAT 0600 2");
        assert!(opened.starts_with("sem_open = 0x"), "{opened}");
        let again = answer(&mut terminal, "sem_open /s");
        assert!(again.starts_with(&opened) && again.contains("open 2 times"), "{again}");
        assert_eq!(answer(&mut terminal, "sem_wait /s"), "sem_wait = 0");
        assert_eq!(object(&place)["semaphore"]["value"], 1, "the object is a real one");
        assert_eq!(answer(&mut terminal, "sem_trywait /s"), "sem_trywait = 0");
        assert!(answer(&mut terminal, "sem_trywait /s").contains("sem_trywait = -1: EAGAIN"));
        assert!(
            answer(&mut terminal, "sem_timedwait /s 20ms")
                .contains("sem_timedwait = -1: ETIMEDOUT")
        );
        assert!(
            answer(&mut terminal, "sem_clockwait /s CLOCK_MONOTONIC 20ms").contains("ETIMEDOUT")
        );
        assert_eq!(answer(&mut terminal, "sem_post /s"), "sem_post = 0");
        assert_eq!(answer(&mut terminal, "sem_getvalue /s"), "sem_getvalue = 0: value 1");
        assert_eq!(answer(&mut terminal, "sem_close /s"), "sem_close = 0");
        assert_eq!(answer(&mut terminal, "sem_close /s"), "sem_close = 0");
        assert!(answer(&mut terminal, "sem_post /s").contains("no semaphore /s is open"));
        assert_eq!(answer(&mut terminal, "sem_unlink /s"), "sem_unlink = 0");
        assert_eq!(object(&place), Value::Null);
        terminal.press(CTRL_D);
        assert!(terminal.ends().success());
    }
}

#[test]
fn unnamed_semaphores_and_calls_in_the_background() {
    let place = Place::new("console-unnamed");
    let mut terminal = console(&place, SMALL);
    assert_eq!(answer(&mut terminal, "sem_init s 0 0"), "sem_init = 0");
    terminal.enter("sem_wait s &");
    terminal.shows("[1] sem_wait s");
    eventually(
        || answer(&mut terminal, "sem_getvalue s"),
        |said| said.ends_with("value 0, 1 wait is registered"),
    );
    assert!(answer(&mut terminal, "sem_destroy s").contains("undefined"));
    assert!(answer(&mut terminal, "list").contains("sleeps: sem_wait s"));
    terminal.enter("sem_post s");
    terminal.shows("[1] sem_wait = 0");
    terminal.enter("sem_wait s &");
    terminal.shows("[2] sem_wait s");
    terminal.enter("interrupt 2");
    terminal.shows("[2] sem_wait = -1: EINTR");
    assert_eq!(answer(&mut terminal, "sem_destroy s"), "sem_destroy = 0");
    terminal.enter("quit");
    assert!(terminal.ends().success());
}

#[test]
fn a_sleep_is_announced_and_interrupted() {
    let place = Place::new("console-interrupt");
    let mut terminal = console(&place, SMALL);
    answer(&mut terminal, "sem_open /s O_CREAT");
    terminal.enter("sem_wait /s");
    terminal.shows("sem_wait sleeps until there is a post; Ctrl-C interrupts it");
    eventually(|| object(&place), |object| object["waiters"][0]["waits_for"] == "token");
    terminal.press(CTRL_C);
    terminal.shows("sem_wait = -1: EINTR");
    assert_eq!(object(&place)["semaphore"]["registered"], 0, "the wait is taken back");
    assert!(answer(&mut terminal, "sem_getvalue /s").contains("value 0"), "the console lives on");
    terminal.press(CTRL_D);
    assert!(terminal.ends().success());
}

#[test]
fn the_end_by_a_signal_leaves_no_waiter_and_no_mess() {
    let place = Place::new("console-signal");
    for signal in [libc::SIGTERM, libc::SIGHUP] {
        let mut terminal = console(&place, SMALL);
        answer(&mut terminal, "sem_open /s O_CREAT");
        terminal.enter("sem_wait /s &");
        eventually(|| object(&place), |object| object["semaphore"]["registered"] == 1);
        terminal.until(|screen| screen.trim_end().ends_with("rsipc>"));
        assert!(terminal.is_changed(), "a line is being typed");
        terminal.signal(signal);
        assert_eq!(terminal.ends_by_signal(), Some(signal));
        assert_eq!(object(&place)["semaphore"]["registered"], 0);
    }
}

#[test]
fn programs_on_the_other_side() {
    for way in [Way::Glibc, Way::Preload] {
        let name = unique("console");
        let _cleanup = Cleanup::of(&[("sem", &name), ("shm", &name)]);
        let mut actor = Actor::new(way);
        actor.does(&format!("sem_open {name} 0"));
        actor.does(&format!("shm_open {name} 4096"));
        actor.does(&format!("shm_sem {name}"));
        let home = Place::new("console-other");
        let mut command = Command::new(binary());
        command.arg("console").env_remove("RSIPC_DIR").env("XDG_STATE_HOME", home.path());
        let mut terminal = begin(command, LARGE);
        answer(&mut terminal, &format!("sem_open {name}"));
        actor.begins(&format!("sem_wait {name}"));
        eventually(|| listed("sem", &name)["semaphore"]["registered"].clone(), |count| *count == 1);
        assert_eq!(answer(&mut terminal, &format!("sem_post {name}")), "sem_post = 0");
        assert_eq!(actor.answer(), "ok", "{way}");
        // The unnamed one that the program has made in its shared memory.
        answer(&mut terminal, &format!("shm_open {name} O_RDWR"));
        answer(&mut terminal, &format!("mmap {name}"));
        actor.begins(&format!("shm_sem_wait {name}"));
        eventually(|| listed("shm", &name)["waiters"].clone(), |waiters| waiters[0].is_object());
        assert_eq!(answer(&mut terminal, &format!("sem_post {name}:64")), "sem_post = 0");
        assert_eq!(actor.answer(), "ok", "{way}");
        terminal.press(CTRL_D);
        assert!(terminal.ends().success());
    }
}

#[test]
fn every_call_on_a_queue() {
    let place = Place::new("console-mq");
    let mut terminal = console(&place, LARGE);
    let opened = answer(&mut terminal, "mq_open /q O_RDWR | O_CREAT 0600 2 16");
    let mqd = opened.strip_prefix("mq_open = ").expect("it returns a descriptor");
    assert_eq!(answer(&mut terminal, "mq_send /q low"), "mq_send = 0");
    assert_eq!(answer(&mut terminal, "mq_timedsend /q $'h\\377' 9 1s"), "mq_timedsend = 0");
    assert!(answer(&mut terminal, "mq_timedsend /q x 0 20ms").contains("`rsipc stat NAME`"));
    assert_eq!(
        answer(&mut terminal, "mq_getattr /q"),
        "mq_getattr = 0: flags 0, maxmsg 2, msgsize 16, curmsgs 2"
    );
    assert!(
        answer(&mut terminal, &format!("mq_setattr {mqd} O_NONBLOCK")).contains("before: flags 0")
    );
    assert!(answer(&mut terminal, "mq_send /q x").contains("EAGAIN"));
    assert!(answer(&mut terminal, "mq_receive /q 15").contains("EMSGSIZE"));
    assert_eq!(answer(&mut terminal, "mq_receive /q"), r"mq_receive = 2: priority 9: h\377");
    assert_eq!(
        answer(&mut terminal, "mq_timedreceive /q 1s"),
        "mq_timedreceive = 3: priority 0: low"
    );
    assert!(answer(&mut terminal, "mq_setattr /q 0").contains("before: flags O_NONBLOCK"));
    assert_eq!(answer(&mut terminal, "mq_notify /q SIGEV_THREAD"), "mq_notify = 0");
    assert!(answer(&mut terminal, "mq_notify /q").contains("EBUSY"));
    terminal.enter("mq_send /q x");
    terminal.shows("the thread runs; a message arrived in the empty queue");
    answer(&mut terminal, "mq_receive /q");
    assert_eq!(answer(&mut terminal, "mq_notify /q SIGEV_SIGNAL SIGUSR2"), "mq_notify = 0");
    place.rsipc(&["mq", "send", "q", "hi"]).assert().success();
    terminal.shows(&format!("notification of mqd {mqd}: SIGUSR2; process"));
    assert_eq!(answer(&mut terminal, "mq_close /q"), "mq_close = 0");
    assert!(answer(&mut terminal, &format!("mq_receive {mqd}")).contains("EBADF"));
    assert_eq!(answer(&mut terminal, "mq_unlink /q"), "mq_unlink = 0");
    assert_eq!(object(&place), Value::Null);
    terminal.press(CTRL_D);
    assert!(terminal.ends().success());
}

#[test]
fn every_call_on_shared_memory() {
    let place = Place::new("console-shm");
    let mut terminal = console(&place, LARGE);
    assert!(answer(&mut terminal, "shm_open /m O_RDWR|O_CREAT").starts_with("shm_open = "));
    assert!(answer(&mut terminal, "mmap /m").contains("mmap = MAP_FAILED: EINVAL"));
    assert_eq!(answer(&mut terminal, "ftruncate /m 4K"), "ftruncate = 0");
    assert!(answer(&mut terminal, "fstat /m").starts_with("fstat = 0: size 4096, mode 0600"));
    assert!(answer(&mut terminal, "mmap /m").starts_with("mmap = 0x"));
    assert_eq!(answer(&mut terminal, "write /m 10 hello"), "5 bytes written at byte 10");
    assert_eq!(&std::fs::read(place.path().join("m")).unwrap()[10..15], b"hello");
    assert_eq!(answer(&mut terminal, "read /m 9 7"), r"\000hello\000");
    assert!(answer(&mut terminal, "read /m 4095 2").contains("SIGSEGV"));
    assert_eq!(answer(&mut terminal, "ftruncate /m 0"), "ftruncate = 0");
    assert!(answer(&mut terminal, "read /m 0 1").contains("SIGBUS"));
    assert_eq!(answer(&mut terminal, "munmap /m"), "munmap = 0");
    assert_eq!(answer(&mut terminal, "close /m"), "close = 0");
    assert_eq!(answer(&mut terminal, "shm_unlink /m"), "shm_unlink = 0");
    assert_eq!(object(&place), Value::Null);
    terminal.press(CTRL_D);
    assert!(terminal.ends().success());
}

#[test]
fn errors_are_explained_and_commands_are_told() {
    let place = Place::new("console-help");
    let mut terminal = console(&place, LARGE);
    let missing = answer(&mut terminal, "sem_open /none");
    assert!(missing.contains("SEM_FAILED: ENOENT (No such file or directory)"), "{missing}");
    assert!(
        missing.contains("O_CREAT was not given") && missing.contains("add O_CREAT"),
        "{missing}"
    );
    let slash = answer(&mut terminal, "mq_open q");
    assert!(slash.contains("EINVAL") && slash.contains("no slash in front"), "{slash}");
    assert!(answer(&mut terminal, "sem_pots s").contains("did you mean sem_post?"));
    assert!(answer(&mut terminal, "sem_init s").contains("usage: sem_init SEM PSHARED VALUE"));
    let help = answer(&mut terminal, "help mq_send");
    assert!(help.contains("Errors:") && help.contains("EMSGSIZE"), "{help}");
    assert!(answer(&mut terminal, "errno EAGAIN").contains("sem_trywait"));
    terminal.resize(size(100, 80));
    assert!(answer(&mut terminal, "help").contains("Message queues"));
    terminal.press(CTRL_D);
    assert!(terminal.ends().success());
}

#[test]
fn lines_are_edited_completed_and_remembered() {
    let place = Place::new("console-edit");
    place.rsipc(&["sem", "create", "seen-by-tab", "--value", "7"]).assert().success();
    let mut terminal = console(&place, SMALL);
    terminal.press("sem_o\t");
    terminal.shows("rsipc> sem_open ");
    terminal.press("/se\t\r");
    terminal.shows("sem_open = 0x");
    terminal.press("sem_getvalue /se\t\r");
    terminal.shows("value 7");
    // Over the last line, to its end, and out with the last character.
    terminal.press(
        "sem_postt /seen-by-tab\x01\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[3~\r",
    );
    terminal.shows("sem_post = 0");
    terminal.press("\x1b[A\x1b[A\r");
    terminal.shows("value 8");
    // A line that is given up.
    terminal.press(&format!("sem_wait /seen{CTRL_C}"));
    terminal.until(|screen| screen.trim_end().ends_with("rsipc> sem_wait /seen\nrsipc>"));
    assert_eq!(answer(&mut terminal, "sem_trywait /seen-by-tab"), "sem_trywait = 0");
    terminal.press(CTRL_D);
    assert!(terminal.ends().success());
    let mut again = console(&place, SMALL);
    again.press("\x1b[A");
    again.shows("rsipc> sem_trywait /seen-by-tab");
    again.press(CTRL_C);
    again.until(|screen| screen.trim_end().ends_with("\nrsipc>"));
    again.press(CTRL_D);
    assert!(again.ends().success());
}

#[test]
fn pasted_lines_are_all_done() {
    let place = Place::new("console-paste");
    let mut terminal = console(&place, SMALL);
    terminal
        .press("sem_open /s O_CREAT\rsem_post /s\rsem_post /s\rsem_wait /s\rsem_post /s\rsem_getvalue /s\r");
    terminal.shows("sem_getvalue = 0: value 2");
    terminal.press(CTRL_D);
    assert!(terminal.ends().success());
}

#[test]
fn no_colour_where_none_is_wanted() {
    let place = Place::new("console-colour");
    let is_coloured = |no_color: Option<&str>| {
        let mut command = Command::new(binary());
        command.arg("console").env("RSIPC_DIR", place.path()).env("XDG_STATE_HOME", place.path());
        command.env_remove("NO_COLOR").envs(no_color.map(|value| ("NO_COLOR", value)));
        let mut terminal = Terminal::run(command, SMALL);
        terminal.shows("rsipc> ");
        answer(&mut terminal, "sem_open /none");
        let coloured = terminal.is_coloured();
        terminal.press(CTRL_D);
        assert!(terminal.ends().success());
        coloured
    };
    assert!(is_coloured(None) && !is_coloured(Some("1")));
}

#[test]
fn a_script_goes_on_and_tells_what_failed() {
    let place = Place::new("console-script");
    let script = "# made by hand\n\
        sem_open /s O_CREAT 0600 1\n\
        sem_trywait /s\n\
        sem_trywait /s\n\
        sem_post /s\n";
    let run = |arguments: &[&str], script: &str| {
        let output = place.rsipc(arguments).write_stdin(script).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (status, said, complaints) = run(&["console"], script);
    assert_eq!(status, Some(1));
    assert!(
        said.ends_with("sem_trywait = 0\nsem_post = 0\n") && !said.contains("rsipc>"),
        "{said}"
    );
    assert!(complaints.contains("line 4: sem_trywait = -1: EAGAIN"), "{complaints}");
    assert!(complaints.ends_with("rsipc: 1 command failed\n"), "{complaints}");
    let (status, said, _) = run(&["console", "--stop"], &format!("{script}sem_getvalue /s"));
    assert_eq!(status, Some(1));
    assert!(said.contains("sem_trywait") && !said.contains("sem_getvalue"), "{said}");
    let (status, said, complaints) =
        run(&["console"], "sem_init s 0 0\nsem_wait s &\nsem_post s\nwait\nsem_destroy s");
    assert_eq!((status, complaints.as_str()), (Some(0), ""));
    // The call in the background and the post that it waits for end in either order.
    let mut in_between: Vec<&str> = said.lines().rev().skip(1).take(2).collect();
    in_between.sort_unstable();
    assert_eq!(in_between, ["[1] sem_wait = 0", "sem_post = 0"], "{said}");
    assert!(said.ends_with("sem_destroy = 0\n"), "{said}");
}

#[test]
fn a_script_that_ends_leaves_no_waiter() {
    let place = Place::new("console-script-end");
    let script = "sem_open /s O_CREAT\nsem_wait /s &\n";
    let output = place.rsipc(&["console"]).write_stdin(script).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("[1]"));
    assert_eq!(object(&place)["semaphore"]["registered"], 0);
}
