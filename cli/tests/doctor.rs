//! `rsipc doctor` and `rsipc generate`, and what holds for all subcommands.

mod common;

use std::fs;

use common::{Place, library_dir, rsipc};
use serde_json::Value;

fn diagnosis(command: &mut assert_cmd::Command) -> (Option<i32>, Vec<(String, String)>) {
    let output = command.output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["version"], 1);
    let findings = found["findings"].as_array().unwrap().iter().map(|finding| {
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        assert!(
            finding["verdict"] == "good" || finding["advice"].is_string(),
            "what is not good has advice"
        );
        (text("check"), text("verdict"))
    });
    (output.status.code(), findings.collect())
}

fn verdict<'f>(findings: &'f [(String, String)], check: &str) -> &'f str {
    &findings
        .iter()
        .find(|(name, _)| name == check)
        .unwrap_or_else(|| panic!("{check} in {findings:?}"))
        .1
}

#[test]
fn a_sound_place() {
    let place = Place::new("doctor");
    let (status, findings) =
        diagnosis(place.rsipc(&["doctor", "--json"]).env("RSIPC_LIB", library_dir()));
    for check in ["directory", "semaphores", "queues", "memory map", "preload", "settings"] {
        assert_eq!(verdict(&findings, check), "good");
    }
    let checks: Vec<&str> = findings.iter().map(|(check, _)| check.as_str()).collect();
    for check in [
        "memory",
        "kernel",
        "futex_waitv",
        "robust list",
        "membarrier",
        "processors",
        "files",
        "/proc",
    ] {
        assert!(checks.contains(&check), "{check} in {checks:?}");
    }
    let is_bad = findings.iter().any(|(_, verdict)| verdict == "bad");
    assert_eq!(status, Some(i32::from(is_bad)));
    assert_eq!(place.files(), [] as [&str; 0], "nothing is left behind");
    place.rsipc(&["doctor"]).env("RSIPC_LIB", library_dir()).assert().code(i32::from(is_bad));
}

#[test]
fn the_json_has_its_shape() {
    let place = Place::new("doctor-shape");
    let output =
        place.rsipc(&["doctor", "--json"]).env("RSIPC_LIB", library_dir()).output().unwrap().stdout;
    let found = serde_json::from_slice::<Value>(&output).unwrap();
    insta::assert_json_snapshot!(found, {
        ".findings[].verdict" => "[good, note or bad]",
        ".findings[].said" => "[text]",
        ".findings[].advice" => "[text or null]",
    });
}

#[test]
fn a_place_where_nothing_works() {
    let place = Place::new("sick");
    let gone = place.path().join("nowhere");
    let (status, findings) =
        diagnosis(rsipc(&["doctor", "--json"]).env("RSIPC_DIR", &gone).env("RSIPC_LIB", "/none"));
    assert_eq!(status, Some(1));
    for check in ["directory", "semaphores", "queues", "memory map", "preload"] {
        assert_eq!(verdict(&findings, check), "bad");
    }
    let text = rsipc(&["doctor"]).env("RSIPC_DIR", &gone).output().unwrap();
    assert!(String::from_utf8(text.stdout).unwrap().contains("-> mount a tmpfs on /dev/shm"));
    for arguments in [&["ls"][..], &["sem", "create", "a"], &["mq", "send", "a", "b"]] {
        let output = rsipc(arguments).env("RSIPC_DIR", &gone).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(talk.contains("cannot read the directory of objects"), "{arguments:?}: {talk}");
    }
}

#[test]
fn wrong_usage_is_status_2() {
    for arguments in
        [&[][..], &["nonsense"], &["ls", "--nonsense"], &["sem"], &["sem", "wait"], &["stat"]]
    {
        let output = rsipc(arguments).assert().code(2).get_output().clone();
        assert_eq!(output.stdout, b"");
        assert!(String::from_utf8(output.stderr).unwrap().contains("Usage: rsipc"));
    }
    rsipc(&["--help"]).assert().success();
    rsipc(&["--version"]).assert().success();
}

/// What it prints on a terminal.
fn on_terminal(command: &mut std::process::Command) -> String {
    use std::io::Read;
    use std::os::fd::FromRawFd;
    let (mut ours, mut theirs) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: both are valid for writing; no name, settings or size are given.
    let opened =
        unsafe { libc::openpty(&raw mut ours, &raw mut theirs, null, null.cast(), null.cast()) };
    assert_eq!(opened, 0);
    // SAFETY: nobody else has these new descriptors.
    let (mut ours, theirs) =
        unsafe { (fs::File::from_raw_fd(ours), fs::File::from_raw_fd(theirs)) };
    let mut child = command.stdout(theirs).spawn().unwrap();
    // Closes the command's copy of the terminal, so that the end is seen.
    command.stdout(std::process::Stdio::null());
    let mut text = Vec::new();
    // The end of a terminal is an error.
    let _ = ours.read_to_end(&mut text);
    child.wait().unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn colours_on_a_terminal_unless_forbidden() {
    let place = Place::new("terminal");
    let ls = |variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new(common::binary());
        command
            .arg("ls")
            .env("RSIPC_DIR", place.path())
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        command.envs(variables.iter().copied());
        on_terminal(&mut command)
    };
    assert!(ls(&[]).contains("\x1b[1mKIND"), "{:?}", ls(&[]));
    assert!(ls(&[("NO_COLOR", "1")]).starts_with("KIND"));
    assert!(ls(&[("TERM", "dumb")]).starts_with("KIND"));
}

#[test]
fn no_colours_in_pipes() {
    let place = Place::new("colours");
    place.rsipc(&["sem", "create", "s"]).assert().success();
    for arguments in
        [&["ls"][..], &["stat", "s"], &["graph"], &["doctor"], &["sem", "post", "none"]]
    {
        let output = place.rsipc(arguments).env("TERM", "xterm-256color").output().unwrap();
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}

fn doctor(command: &mut assert_cmd::Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn settings_are_checked_for_their_spelling_and_their_values() {
    let place = Place::new("doctor-settings");
    let mut command = place.rsipc(&["doctor"]);
    command.env("RSIPC_VERBOS", "1").env("RSIPC_FUTEX", "clasic").env("RSIPC_SYSV", "sem,msg");
    let said = doctor(&mut command);
    assert!(said.contains("RSIPC_VERBOS is not a setting: it has no effect"), "{said}");
    assert!(said.contains("-> RSIPC_VERBOSE is a setting"), "{said}");
    assert!(said.contains("RSIPC_FUTEX=clasic has no effect"), "{said}");
    assert!(said.contains("-> it can be classic or waitv; did you mean classic?"), "{said}");
    assert!(!said.contains("RSIPC_SYSV="), "what is right is not complained of: {said}");
}

#[test]
fn values_that_are_not_what_they_seem_are_told() {
    let place = Place::new("doctor-values");
    let mut command = place.rsipc(&["doctor"]);
    command.env("RSIPC_CHAOS", "abc").env("RSIPC_CHECK", "zzz").env("RSIPC_SEM_TRACK", "1");
    command.env("RSIPC_MQ_TRACK", "1");
    command.env("RSIPC_TRACE", "/nonexistent/a").env("RSIPC_MSGMAX", "99999999999");
    let said = doctor(&mut command);
    for part in [
        "RSIPC_CHAOS=abc is no seed",
        "RSIPC_CHECK=zzz counts as 1",
        "RSIPC_SEM_TRACK=1 is a pattern of names",
        "RSIPC_MQ_TRACK=1 is a pattern of names: it means the object /1 alone",
        "RSIPC_TRACE=/nonexistent/a cannot be written",
        "RSIPC_MSGMAX=99999999999 counts as 16777216",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_missing_directory_is_named_as_such() {
    let mut command = rsipc(&["doctor"]);
    command.env("RSIPC_DIR", "/nonexistent/objects");
    let said = doctor(&mut command);
    assert!(said.contains("/nonexistent/objects does not exist"), "{said}");
    assert!(!said.contains("mount -t proc"), "/proc is there: {said}");
}

#[test]
fn objects_of_another_version_and_what_the_system_offers() {
    let place = Place::new("doctor-formats");
    place.rsipc(&["msg", "create", "0xbeef"]).assert().success();
    let is_queue = |file: &String| file.starts_with("rsipc-svmsg.");
    let file = place.files().into_iter().find(is_queue).unwrap();
    let path = place.path().join(&file);
    let mut bytes = fs::read(&path).unwrap();
    // The version of the format, behind the eight bytes that tell whose file it is.
    bytes[8] = 77;
    fs::write(&path, bytes).unwrap();
    let said = doctor(&mut place.rsipc(&["doctor"]));
    let line = said.lines().find(|line| line.contains("another version of librsipc")).unwrap();
    assert!(line.contains(file.trim_start_matches("rsipc-svmsg.")), "{said}");
    for check in ["libc        glibc ", "pidfd_getfd", "O_TMPFILE", "kernel sysv"] {
        assert!(said.contains(check), "{check} in {said}");
    }
}
