//! A standard output that is closed, full, or a pipe that nobody reads: the command says so, and
//! fails.

mod common;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use common::{Place, binary, library_dir};

/// Commands that print something.
const COMMANDS: [&[&str]; 20] = [
    &["ls"],
    &["ls", "--json"],
    &["ls", "--watch"],
    &["stat", "s"],
    &["stat", "s", "--json"],
    &["graph"],
    &["graph", "--format", "svg"],
    &["graph", "--format", "json"],
    &["doctor"],
    &["mq", "peek", "q"],
    &["mq", "peek", "q", "--json"],
    &["shm", "read", "m"],
    &["shm", "read", "--hex", "m"],
    &["console"],
    &["--help"],
    &["--version"],
    &["ls", "--help"],
    &["help", "run"],
    &["mq", "recv", "q"],
    &["msg", "recv", "0x51"],
];

fn filled(what: &str) -> Place {
    let place = Place::new(&format!("stdout-{what}"));
    place.rsipc(&["sem", "create", "s"]).assert().success();
    place.rsipc(&["mq", "create", "q"]).assert().success();
    place.rsipc(&["mq", "send", "q", "hello"]).assert().success();
    place.rsipc(&["msg", "create", "0x51"]).assert().success();
    place.rsipc(&["msg", "send", "0x51", "hello"]).assert().success();
    place.rsipc(&["shm", "create", "m", "--size", "4096"]).assert().success();
    place
}

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env("RSIPC_DIR", place.path()).env("RSIPC_LIB", library_dir());
    // A line for the console.
    let (reader, writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut &writer, b"help\n").unwrap();
    command.stdin(reader).stderr(Stdio::piped());
    command
}

fn complains(output: &Output, why: &str, arguments: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains("standard output: ") && said.contains(why), "{arguments:?}: {said}");
}

fn close_stdout(command: &mut Command) {
    // SAFETY: close(2) is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::close(1);
            Ok(())
        });
    }
}

#[test]
fn a_closed_standard_output_is_a_failure() {
    let place = filled("closed");
    for arguments in COMMANDS {
        let mut command = command(&place, arguments);
        close_stdout(&mut command);
        complains(&command.output().unwrap(), "Bad file descriptor", arguments);
    }
    // Nothing was taken out for nobody.
    place.rsipc(&["mq", "recv", "q"]).assert().success().stdout("hello");
    place.rsipc(&["msg", "recv", "0x51", "--no-wait"]).assert().success().stdout("hello");
}

#[test]
fn a_full_device_is_a_failure() {
    let place = filled("full");
    for arguments in COMMANDS {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command(&place, arguments).stdout(full).spawn().unwrap();
        complains(&output.wait_with_output().unwrap(), "No space left on device", arguments);
    }
    // What could not be written is still there.
    place.rsipc(&["mq", "recv", "q"]).assert().success().stdout("hello");
    place.rsipc(&["msg", "recv", "0x51", "--no-wait"]).assert().success().stdout("hello");
}

#[test]
fn what_nobody_reads_is_still_there() {
    let place = filled("unread");
    for arguments in [["mq", "recv", "q"], ["msg", "recv", "0x51"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let command = command(&place, &arguments).stdout(writer).spawn().unwrap();
        let status = command.wait_with_output().unwrap().status;
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(libc::SIGPIPE), "{arguments:?}");
    }
    place.rsipc(&["msg", "recv", "0x51", "--no-wait"]).assert().success().stdout("hello");
    place.rsipc(&["mq", "recv", "q", "--timeout", "20s"]).assert().success().stdout("hello");
}

/// As for ls(1): SIGPIPE ends the command quietly, unless it is ignored.
#[test]
fn a_broken_pipe_ends_the_command() {
    let place = filled("pipe");
    let broken = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        OwnedFd::from(writer)
    };
    let quiet = command(&place, &["ls"]).stdout(broken()).spawn().unwrap();
    let quiet = quiet.wait_with_output().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&quiet.status), Some(libc::SIGPIPE));
    assert!(quiet.stderr.is_empty());
    let mut ignoring = command(&place, &["ls"]);
    // SAFETY: signal(2) is async-signal-safe.
    unsafe {
        ignoring.pre_exec(|| {
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            Ok(())
        });
    }
    let output = ignoring.stdout(broken()).spawn().unwrap().wait_with_output().unwrap();
    complains(&output, "Broken pipe", &["ls"]);
}

/// What prints nothing does not need it, and the program of `run` gets none, as without `run`.
#[test]
fn what_prints_nothing_goes_on() {
    let place = filled("quiet");
    for arguments in [&["sem", "post", "s"][..], &["sem", "wait", "s"], &["rm", "s"]] {
        let mut command = command(&place, arguments);
        close_stdout(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    for watched in [&[][..], &["--check"]] {
        let program = ["--", "sh", "-c", "test ! -e /proc/self/fd/1 && test -e /proc/self/fd/2"];
        let mut command = command(&place, &[&["run"], watched, &program].concat());
        close_stdout(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{watched:?}: {output:?}");
    }
}
