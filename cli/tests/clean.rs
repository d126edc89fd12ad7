//! `rsipc clean`: what nobody has goes, and nothing else.

mod common;

use common::terminal::{SMALL, Terminal};
use common::{Place, is_root};

#[test]
fn what_nobody_has_goes_and_what_is_held_stays() {
    let place = Place::new("clean");
    for name in ["loose", "held"] {
        place.rsipc(&["sem", "create", name, "--value", "1"]).assert().success();
        place.rsipc(&["mq", "create", name]).assert().success();
        place.rsipc(&["shm", "create", name, "--size", "4096"]).assert().success();
    }
    let mut actor = place.actor();
    actor.does("sem_open /held 0");
    actor.does("mq_open /held");
    actor.does("shm_open /held 4096");
    let before = place.files();
    let said = place
        .rsipc(&["clean", "--older-than", "0s", "--dry-run"])
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(place.files(), before, "a dry run removes nothing");
    for kind in ["sem", "mq", "shm"] {
        let line =
            said.lines().find(|line| line.starts_with(&format!("would remove {kind} /loose: ")));
        // Where some process cannot be inspected, no process was seen to have it.
        let line = line.unwrap_or_else(|| panic!("{said}"));
        assert!(
            line.contains(": no process ")
                && (line.contains("have it, last used ") || line.contains("has it, last used "))
                && line.ends_with("s ago"),
            "{line}"
        );
    }
    assert!(!said.contains("held"), "{said}");

    let said = place
        .rsipc(&["clean", "--yes", "--older-than", "0s"])
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    assert_eq!(String::from_utf8(said).unwrap().matches("removed").count(), 3);
    let left: Vec<String> =
        place.files().into_iter().filter(|file| !file.starts_with("rsipc-mqf.")).collect();
    assert_eq!(left, ["held", "rsipc-mq.held", "sem.held"]);
    assert_eq!(place.files().len(), 4, "the FIFO of the queue that is held");
    actor.does("sem_wait /held");
    drop(actor);
    place.rsipc(&["sem", "post", "held"]).assert().success();
    place.rsipc(&["clean", "--yes", "--older-than", "0s"]).assert().success();
    assert_eq!(place.files(), [] as [&str; 0]);
}

fn clean(place: &Place, arguments: &[&str]) -> String {
    let arguments = [&["clean", "--yes", "--older-than", "0s"], arguments].concat();
    String::from_utf8(place.rsipc(&arguments).assert().success().get_output().stdout.clone())
        .unwrap()
}

#[test]
fn what_holds_something_stays_unless_forced() {
    let place = Place::new("clean-full");
    place.rsipc(&["sem", "create", "taken"]).assert().success();
    for (queue, messages) in [("one", 1), ("two", 2)] {
        place.rsipc(&["mq", "create", queue]).assert().success();
        for _ in 0..messages {
            place.rsipc(&["mq", "send", queue, "x"]).assert().success();
        }
    }
    let before = place.files();
    for dry_run in [&["--dry-run"][..], &[]] {
        let said = clean(&place, dry_run);
        for why in [
            "kept sem /taken: its value is 0: it may be taken; --force removes it\n",
            "kept mq /one: it holds 1 message; --force removes it\n",
            "kept mq /two: it holds 2 messages; --force removes it\n",
        ] {
            assert!(said.contains(why), "{said}");
        }
        assert_eq!(place.files(), before);
    }
    assert_eq!(clean(&place, &["--force", "--dry-run"]).matches("would remove").count(), 3);
    assert_eq!(clean(&place, &["--force"]).matches("removed").count(), 3);
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn what_cannot_be_looked_into_stays_unless_forced() {
    let place = Place::new("clean-unknown");
    place.rsipc(&["mq", "create", "old"]).assert().success();
    let data = place.path().join("rsipc-mq.old");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[8] = 3;
    std::fs::write(&data, bytes).unwrap();
    std::fs::write(place.path().join("sem.short"), "x").unwrap();
    let before = place.files();
    let said = clean(&place, &[]);
    assert!(
        said.contains(
            "kept mq /old: it cannot be inspected: made by another version of librsipc (format 3)"
        ),
        "{said}"
    );
    assert!(
        said.contains("kept sem /short: it cannot be inspected: the file is too short"),
        "{said}"
    );
    assert!(said.contains("it may belong to a queue that cannot be inspected"), "{said}");
    assert_eq!(place.files(), before);
    clean(&place, &["--force"]);
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn parts_go_with_their_queue() {
    let place = Place::new("clean-parts");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -f 16; exec \"$0\" mq create q"]).arg(common::binary());
    assert!(limited.env("RSIPC_DIR", place.path()).status().unwrap().success());
    assert!(place.files().iter().filter(|file| file.starts_with("rsipc-mqp.")).count() >= 5);
    place.rsipc(&["mq", "send", "q", "x"]).assert().success();
    place.rsipc(&["mq", "recv", "q"]).assert().success().stdout("x");
    clean(&place, &[]);
    assert_eq!(place.files(), [] as [&str; 0]);
    std::fs::write(place.path().join("rsipc-mqp.1f.0123456789abcdef.1"), "half").unwrap();
    assert!(clean(&place, &[]).contains("its queue is gone"));
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn what_is_young_may_stay() {
    let place = Place::new("young");
    place.rsipc(&["sem", "create", "s"]).assert().success();
    place.rsipc(&["clean", "--yes", "--older-than", "1h"]).assert().success().stdout("");
    assert_eq!(place.files(), ["sem.s"]);
    place.rsipc(&["clean", "--older-than", "soon"]).assert().code(2);
}

#[test]
fn what_was_used_within_the_hour_stays_unless_asked_for() {
    let place = Place::new("clean-hour");
    place.rsipc(&["sem", "create", "s", "--value", "1"]).assert().success();
    let output = place.rsipc(&["clean"]).assert().success().stdout("").get_output().clone();
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(summary.contains("nothing to remove; 1 object was used within 1h"), "{summary}");
    assert_eq!(place.files(), ["sem.s"]);
    clean(&place, &[]);
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn memory_with_data_stays_and_memory_of_zeros_goes() {
    let place = Place::new("clean-data");
    for name in ["zeros", "data"] {
        place.rsipc(&["shm", "create", name, "--size", "300000"]).assert().success();
    }
    let write = ["shm", "write", "data", "--offset", "299999"];
    place.rsipc(&write).write_stdin("x").assert().success();
    let said = clean(&place, &[]);
    assert!(said.contains("kept shm /data: it holds data; --force removes it\n"), "{said}");
    assert_eq!(place.files(), ["data"]);
    clean(&place, &["--force"]);
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn names_and_patterns_choose_and_a_summary_counts() {
    let place = Place::new("clean-names");
    for name in ["job-1", "job-2", "other", "full"] {
        place.rsipc(&["mq", "create", name]).assert().success();
    }
    place.rsipc(&["mq", "send", "full", "x"]).assert().success();
    let clean = |arguments: &[&str]| {
        let arguments = [&["clean", "--yes", "--older-than", "0s"], arguments].concat();
        let output = place.rsipc(&arguments).assert().success().get_output().clone();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let said = clean(&["sem", "job*"]);
    assert!(said.ends_with("nothing to remove\n"), "they are no semaphores: {said}");
    let said = clean(&["job*", "/full"]);
    assert!(said.contains("removed 2 objects, ") && said.contains("; kept 1 object\n"), "{said}");
    let left = |place: &Place| place.files().iter().filter(|file| file.contains("mq.")).count();
    assert_eq!(left(&place), 2, "the one with a message, and the other");
    clean(&["other"]);
    assert_eq!(left(&place), 1);
}

#[test]
fn on_a_terminal_it_asks() {
    let place = Place::new("clean-asks");
    let ask = |arguments: &[&str], answer: &str| {
        let mut command = std::process::Command::new(common::binary());
        command.args(["clean", "--older-than", "0s"]).args(arguments);
        command.env("RSIPC_DIR", place.path());
        let mut terminal = Terminal::run(command, SMALL);
        if !answer.is_empty() {
            terminal.shows("Remove 1 object? [y/N]");
            terminal.enter(answer);
        }
        let screen = terminal.until(|screen| screen.contains("object, 4096 bytes of memory"));
        assert!(terminal.ends().success());
        screen
    };
    place.rsipc(&["sem", "create", "s", "--value", "1"]).assert().success();
    let mut command = std::process::Command::new(common::binary());
    command.args(["clean", "--older-than", "0s"]).env("RSIPC_DIR", place.path());
    let mut terminal = Terminal::run(command, SMALL);
    terminal.shows("would remove sem /s: no process ");
    terminal.shows("Remove 1 object? [y/N]");
    terminal.enter("");
    terminal.shows("nothing was removed");
    assert!(terminal.ends().success());
    assert_eq!(place.files(), ["sem.s"], "no answer is no");
    ask(&[], "y");
    assert_eq!(place.files(), [] as [&str; 0]);
    place.rsipc(&["sem", "create", "s", "--value", "1"]).assert().success();
    ask(&["--yes"], "");
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn only_the_kinds_that_were_asked_for() {
    let place = Place::new("clean-kinds");
    place.rsipc(&["sem", "create", "a"]).assert().success();
    place.rsipc(&["shm", "create", "a", "--size", "1"]).assert().success();
    place.rsipc(&["clean", "--yes", "--older-than", "0s", "shm"]).assert().success();
    assert_eq!(place.files(), ["sem.a"]);
}

#[test]
fn fifos_and_unfinished_files_without_an_owner_go() {
    let place = Place::new("leftovers");
    let fifo = place.path().join("rsipc-mqf.0123456789abcdef");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    std::fs::write(place.path().join(".rsipc-1-0"), "half").unwrap();
    let mut actor = place.actor();
    actor.does("mq_open /q");
    // As of a queue that was removed between its opening and the making of this FIFO.
    let open = place.path().join("rsipc-mqf.fedcba9876543210");
    assert!(std::process::Command::new("mkfifo").arg(&open).status().unwrap().success());
    let _open = std::fs::File::options().read(true).write(true).open(&open).unwrap();
    let said = place
        .rsipc(&["clean", "--yes", "--older-than", "0s"])
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let said = String::from_utf8(said).unwrap();
    assert!(open.exists(), "{said}");
    assert!(said.contains("its queue is gone") && said.contains("never finished"), "{said}");
    assert_eq!(place.files().len(), 3, "{:?}", place.files());
    actor.does("mq_send /q x");
}

#[test]
fn what_is_held_by_one_who_is_not_seen_stays() {
    if !is_root() {
        eprintln!(
            "skipped: only the superuser can be a process that an ordinary user may not look into"
        );
        return;
    }
    let place = Place::new("unseen");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    std::fs::set_permissions(place.path(), everybody).unwrap();
    let as_nobody = |arguments: &[&str]| {
        let output = common::rsipc_as_nobody_in(place.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for family in ["sem", "mq"] {
        as_nobody(&[family, "create", "held"]);
    }
    as_nobody(&["sem", "post", "held"]);
    let mut holder = place.actor();
    holder.does("sem_open /held 0");
    holder.does("mq_open /held");
    let said = as_nobody(&["clean", "--yes", "--older-than", "0s"]);
    for kind in ["sem", "mq"] {
        let kept = format!("kept {kind} /held: a process that could not be inspected has it\n");
        assert!(said.contains(&kept), "{said}");
    }
    holder.does("mq_send /held x");
    place.rsipc(&["mq", "recv", "held"]).assert().success();
    drop(holder);
    let said = as_nobody(&["clean", "--yes", "--older-than", "0s"]);
    assert_eq!(said.matches("removed").count(), 2, "{said}");
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn others_objects_are_not_touched() {
    if !is_root() {
        eprintln!("skipped: only the superuser can become another user");
        return;
    }
    let name = common::unique("others");
    let _cleanup = common::Cleanup::of(&[("sem", &name)]);
    common::rsipc(&["sem", "create", &name, "--mode", "0666"]).assert().success();
    let output = common::rsipc_as_nobody(&["clean", "--older-than", "0s", "--dry-run", "sem"]);
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stdout).contains(&name));
}
