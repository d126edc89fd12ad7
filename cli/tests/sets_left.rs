//! System V semaphore sets that were left behind, by whatever: `clean`, and bytes that may be any.

mod common;

use std::fs;

use common::sets::{document, operator, set, set_file, text, values};
use common::{Place, eventually};
use serde_json::json;

#[test]
fn a_holder_that_runs_another_program_is_still_one() {
    let place = Place::new("sets-exec");
    let mut one = operator(&place);
    one.does("get beef 1");
    one.does("set beef 0 1");
    one.does("op beef 0:-1:u");
    one.begins("exec sleep 1000");
    let held = eventually(|| set(&place), |set| set["holders"] == json!([]));
    assert_eq!(held["set"]["undo"][0]["program"], "sleep");
    assert_ne!(held["stale"], true);
    let said = text(&place, &["clean", "--yes", "--older-than", "0s"]);
    assert!(said.contains("to semaphore 0 will be undone; --force removes it"), "{said}");
    assert_eq!(values(&set(&place)), [0]);
    one.kill();
    // What is owed by the dead counts: the value is 1 in truth.
    let said = eventually(
        || text(&place, &["clean", "--yes", "--older-than", "0s"]),
        |said| said.contains("removed svsem"),
    );
    assert!(said.contains("removed svsem 0x0000beef: no process has it"), "{said}");
    assert_eq!(place.files(), [] as [&str; 0], "with its key, and what told of the process");
}

#[test]
fn sets_in_use_and_taken_ones_stay() {
    let place = Place::new("sets-clean");
    let mut one = operator(&place);
    one.does("get a1 2");
    one.does("get b2 1");
    one.does("set a1 0 1");
    one.does("set b2 0 1");
    let before = place.files();
    assert!(
        !text(&place, &["clean", "--yes", "--older-than", "0s"]).contains("svsem"),
        "somebody has them"
    );
    assert_eq!(place.files(), before);
    one.kill();
    let said = text(&place, &["clean", "--older-than", "0s", "--dry-run"]);
    assert!(said.contains("kept svsem 0x000000a1: its semaphore 1 is 0: it may be taken; --force"));
    assert!(said.contains("would remove svsem 0x000000b2: no process "), "{said}");
    assert_eq!(place.files(), before);
    text(&place, &["clean", "--yes", "--older-than", "0s", "svsem"]);
    assert_eq!(place.files().iter().filter(|file| file.contains("svsem")).count(), 2);
    text(&place, &["clean", "--older-than", "0s", "--force"]);
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn what_was_left_half_made_or_half_removed_goes() {
    const LIFE: usize = 48;
    let place = Place::new("sets-half");
    for (life, trouble) in
        [(0, "the process that created it was killed"), (2, "removed, its file is left")]
    {
        let mut one = operator(&place);
        one.does("get beef 1");
        one.kill();
        let file = set_file(&place);
        let mut bytes = fs::read(&file).unwrap();
        bytes[LIFE] = life;
        fs::write(&file, bytes).unwrap();
        assert_eq!(set(&place)["set"]["trouble"], trouble);
        let said = text(&place, &["clean", "--yes", "--older-than", "0s"]);
        assert!(said.contains(&format!("removed svsem 0x0000beef: {trouble}")), "{said}");
        assert_eq!(place.files(), [] as [&str; 0]);
    }
    let key = place.path().join("rsipc-svsem-key.0000beef.0");
    std::os::unix::fs::symlink("rsipc-svsem.123456789", &key).unwrap();
    let mut one = operator(&place);
    one.does("get a1 1");
    let said = text(&place, &["clean", "--yes", "--older-than", "0s"]);
    assert!(said.contains("key.0000beef.0: its object is gone"), "{said}");
    assert!(!said.contains("000000a1") && place.files().len() == 2, "{said}");
}

/// Who claims by a presence, which the kernel does not watch, may die unnoticed.
#[test]
fn an_object_whose_maker_had_but_a_presence_is_not_called_alive() {
    const LIFE: usize = 48;
    const BIRTH: usize = 52;
    /// A presence that no process has.
    const CLAIM: u32 = 0x8000_0000 | 0x1_2345 << 12;
    let place = Place::new("sets-presence");
    let mut one = operator(&place);
    one.does("get beef 1");
    one.kill();
    let mut console = place.rsipc(&["console"]);
    console.env("RSIPC_SYSV", "shm");
    console.write_stdin("shmget 0xbeef 4096 IPC_CREAT\n").assert().success();
    text(&place, &["msg", "create", "0xbeef"]);
    for file in place.files().iter().filter(|file| {
        ["rsipc-svsem.", "rsipc-svmsg.", "rsipc-svshm."].iter().any(|kind| file.starts_with(kind))
    }) {
        let path = place.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[LIFE] = 0;
        bytes[BIRTH..BIRTH + 4].copy_from_slice(&CLAIM.to_ne_bytes());
        fs::write(&path, bytes).unwrap();
    }
    let listing = document(&place, &["ls", "--json"]);
    let objects = listing["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 3);
    for object in objects {
        assert_eq!(
            object["sysv"]["trouble"], "the process that created it was killed",
            "{object:#}"
        );
    }
    let said = text(&place, &["clean", "--yes", "--older-than", "0s"]);
    for kind in ["svsem", "svmsg", "svshm"] {
        let line = format!("removed {kind} 0x0000beef: the process that created it was killed");
        assert!(said.contains(&line), "{said}");
    }
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[test]
fn any_bytes_are_an_error_at_worst() {
    const ID: usize = 16;
    let place = Place::new("sets-hostile");
    let (mut one, mut other) = (operator(&place), operator(&place));
    one.does("get beef 70");
    one.does("op beef 3:+1:u");
    other.begins("op beef 1:-1 2:-1 3:0");
    eventually(|| set(&place), |set| set["waiters"].as_array().unwrap().len() == 1);
    let (original, size) = (fs::read(set_file(&place)).unwrap(), 45_000);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(random >> 33).unwrap() % below
    };
    for number in 0..200_i32 {
        let id = 2_000_000 + number;
        let mut bytes = original.clone();
        for _ in 0..=number % 64 {
            // Most of what counts is in the first pages.
            let place = if next(2) == 0 { next(bytes.len()) } else { next(9000) };
            bytes[place] = u8::try_from(next(256)).unwrap();
        }
        if number % 9 == 0 {
            bytes.truncate(next(size));
        }
        if bytes.len() > ID + 4 {
            bytes[ID..ID + 4].copy_from_slice(&id.to_ne_bytes());
        }
        fs::write(place.path().join(format!("rsipc-svsem.{id}")), bytes).unwrap();
    }
    let listing = document(&place, &["ls", "--json", "svsem"]);
    let sets = listing["objects"].as_array().unwrap();
    assert_eq!(sets.len(), 201);
    assert!(sets.iter().any(|set| set["error"].is_string()), "some are refused");
    assert!(sets.iter().filter(|set| set["set"].is_object()).count() > 20, "and some are not");
    text(&place, &["ls"]);
    text(&place, &["graph"]);
    text(&place, &["graph", "--format", "svg"]);
    text(&place, &["clean", "--older-than", "0s", "--dry-run", "--force"]);
}
