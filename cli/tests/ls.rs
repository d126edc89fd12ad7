//! `rsipc ls`: what is there, who has it, who waits.

mod common;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

use common::{Actor, Cleanup, Place, Way, eventually, listed, pids, rsipc, unique};
use serde_json::{Value, json};

/// What `ls` says of the objects of a place. Those that the kernel has are of the machine, and
/// others may make some at any time.
fn table(place: &Place, arguments: &[&str]) -> String {
    let table = place.rsipc(&[&["ls"], arguments].concat()).output().unwrap().stdout;
    let table = String::from_utf8(table).expect("UTF-8, whatever the names are");
    table.split_inclusive('\n').filter(|line| !line.contains("  the kernel's")).collect()
}

#[test]
fn a_semaphore_on_which_plain_and_preloaded_processes_sleep() {
    let name = unique("four");
    let _cleanup = Cleanup::of(&[("sem", &name)]);
    let mut actors = [Way::Glibc, Way::Glibc, Way::Preload, Way::Preload].map(Actor::new);
    for actor in &mut actors {
        actor.does(&format!("sem_open {name} 0"));
        actor.begins(&format!("sem_wait {name}"));
    }
    let all: BTreeSet<u64> = actors.iter().map(|actor| actor.pid().into()).collect();
    let state = json!({
        "value": 0, "registered": 4, "takers": [], "last_taker": null, "last_poster": null
    });
    let found = eventually(
        || listed("sem", &name),
        |object| pids(&object["waiters"]) == all && object["semaphore"] == state,
    );
    assert_eq!(pids(&found["holders"]), all);
    assert_eq!(found["stale"], false);
    assert!(
        found["waiters"].as_array().unwrap().iter().all(|waiter| waiter["waits_for"] == "token")
    );
    assert!(found["holders"].as_array().unwrap().iter().all(|holder| holder["mapped"] == true));

    let table = rsipc(&["ls", "sem"]).output().unwrap().stdout;
    let table = String::from_utf8(table).unwrap();
    let line = table.lines().find(|line| line.contains(&name)).expect("a line of its own");
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(fields[..2], ["sem", name.as_str()]);
    // State and waiters; a process that nobody may look into could wait as well, but it is not
    // registered.
    assert_eq!(fields[6..8], ["0", "4"], "{line}");
}

#[test]
fn the_value_is_what_was_posted_and_not_taken() {
    let name = unique("value");
    let _cleanup = Cleanup::of(&[("sem", &name)]);
    for way in [Way::Glibc, Way::Preload] {
        let mut actor = Actor::new(way);
        actor.does(&format!("sem_open {name} 7"));
        actor.does(&format!("sem_post {name}"));
        actor.does(&format!("sem_wait {name}"));
        assert_eq!(
            listed("sem", &name)["semaphore"],
            json!({
                "value": 7, "registered": 0, "takers": [], "last_taker": null, "last_poster": null
            }),
            "{way}"
        );
    }
}

#[test]
fn a_queue_with_messages_a_receiver_and_a_registration() {
    let place = Place::new("queue");
    let (mut sender, mut receiver) = (place.actor(), place.actor());
    sender.does("mq_open /full");
    sender.does("mq_send /full hello");
    receiver.does("mq_open /empty");
    sender.does("mq_open /empty");
    sender.does("mq_notify /empty");
    receiver.begins("mq_receive /empty");
    let ask = || {
        let output = place.rsipc(&["ls", "--json", "mq"]).output().unwrap().stdout;
        serde_json::from_slice::<Value>(&output).unwrap()["objects"].clone()
    };
    let found =
        eventually(ask, |found| pids(&found[0]["waiters"]).contains(&receiver.pid().into()));
    assert_eq!((&found[0]["name"], &found[1]["name"]), (&json!("/empty"), &json!("/full")));
    assert_eq!(
        found[0]["waiters"].as_array().unwrap().len(),
        1,
        "the one who is to be notified is no waiter"
    );
    assert_eq!(found[0]["waiters"][0]["waits_for"], "message");
    assert_eq!(
        found[0]["queue"]["notify"],
        json!({ "pid": sender.pid(), "signal": libc::SIGUSR1 })
    );
    assert_eq!(
        pids(&found[0]["holders"]),
        BTreeSet::from([sender.pid().into(), receiver.pid().into()])
    );
    let full = json!({
        "messages": 1, "max_messages": 4, "message_size": 64, "bytes": 5,
        "sent": 1, "received": 0, "notify": null, "kept": [],
        "last_sender": null, "last_receiver": null
    });
    assert_eq!(found[1]["queue"], full);
    // Descriptors of a queue are those of its FIFO.
    assert_eq!(found[1]["holders"][0]["descriptors"].as_array().unwrap().len(), 1);
}

#[test]
fn those_who_poll_a_queue_wait_for_it() {
    let place = Place::new("pollers");
    let mut actors = ["mq_poll", "mq_select", "mq_epoll"].map(|call| {
        let mut actor = place.actor();
        actor.does("mq_open /q");
        actor.begins(&format!("{call} /q"));
        actor
    });
    let queue = || {
        let output = place.rsipc(&["ls", "--json", "mq"]).output().unwrap().stdout;
        serde_json::from_slice::<Value>(&output).unwrap()["objects"][0].clone()
    };
    let found =
        eventually(queue, |queue| queue["waiters"].as_array().is_some_and(|all| all.len() == 3));
    let pollers = actors.each_ref().map(|actor| u64::from(actor.pid()));
    assert_eq!(pids(&found["waiters"]), BTreeSet::from(pollers));
    for waiter in found["waiters"].as_array().unwrap() {
        assert_eq!((&waiter["waits_for"], &waiter["offset"]), (&json!("message"), &Value::Null));
    }
    let told = String::from_utf8(place.rsipc(&["stat", "q"]).output().unwrap().stdout).unwrap();
    assert_eq!(told.matches("waits for a message, in poll").count(), 3, "{told}");
    place.rsipc(&["mq", "send", "q", "x"]).assert().success();
    for actor in &mut actors {
        assert_eq!(actor.answer(), "ok");
    }
    assert!(queue()["waiters"].as_array().unwrap().is_empty());
}

#[test]
fn shared_memory_that_is_open_and_slept_in() {
    let name = unique("memory");
    let _cleanup = Cleanup::of(&[("shm", &name)]);
    let (mut plain, mut preloaded) = (Actor::new(Way::Glibc), Actor::new(Way::Preload));
    plain.does(&format!("shm_open {name} 4096"));
    plain.does(&format!("shm_sem {name}"));
    preloaded.does(&format!("shm_open {name} 4096"));
    plain.begins(&format!("shm_sem_wait {name}"));
    preloaded.begins(&format!("shm_sem_wait {name}"));
    let all = BTreeSet::from([plain.pid().into(), preloaded.pid().into()]);
    let found = eventually(|| listed("shm", &name), |object| pids(&object["waiters"]) == all);
    assert_eq!(found["size"], 4096);
    assert!(found["waiters"].as_array().unwrap().iter().all(|waiter| waiter["offset"] == 64));
    for holder in found["holders"].as_array().unwrap() {
        assert_eq!(holder["mapped"], true);
        assert_eq!(holder["descriptors"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_nobody_has_is_stale() {
    let place = Place::new("stale");
    place.rsipc(&["sem", "create", "lonely"]).assert().success();
    let output = place.rsipc(&["ls", "--json"]).output().unwrap().stdout;
    let listing: Value = serde_json::from_slice(&output).unwrap();
    let expected = if listing["unseen_processes"] == 0 { json!(true) } else { Value::Null };
    assert_eq!(listing["objects"][0]["stale"], expected);
    let table = place.rsipc(&["ls"]).output().unwrap().stdout;
    assert!(String::from_utf8(table).unwrap().contains(", last used "));
}

#[test]
fn only_the_kinds_that_were_asked_for() {
    let place = Place::new("kinds");
    place.rsipc(&["sem", "create", "a"]).assert().success();
    place.rsipc(&["mq", "create", "a"]).assert().success();
    place.rsipc(&["shm", "create", "a", "--size", "10"]).assert().success();
    let kinds = |arguments: &[&str]| {
        table(&place, arguments)
            .lines()
            .skip(1)
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[]), ["sem", "mq", "shm"]);
    assert_eq!(kinds(&["mq"]), ["mq"]);
    assert_eq!(kinds(&["shm", "sem"]), ["sem", "shm"]);
    place.rsipc(&["ls", "nonsense"]).assert().code(1);
}

#[test]
fn odd_names_break_neither_table_nor_terminal() {
    let place = Place::new("odd");
    let names: [&[u8]; 7] = [
        b"sem.a\nb",
        b"sem.\x1b[2Jx",
        b"it's \"so\"",
        b"\xff\xfe",
        b"sem.\x9b31m",
        b"tab\there",
        "\u{202e}fdp".as_bytes(),
    ];
    for name in names {
        fs::write(place.path().join(OsStr::from_bytes(name)), [0; 32]).unwrap();
    }
    let table = table(&place, &[]);
    assert_eq!(table.lines().count(), names.len() + 1, "{table}");
    assert!(
        table.chars().all(|character| character == '\n' || !character.is_control()),
        "{table:?}"
    );
    assert!(!table.contains('\u{202e}'));
    let headings = table.lines().next().unwrap();
    let owner_at = headings.find("OWNER").unwrap();
    assert!(
        table
            .lines()
            .skip(1)
            .all(|line| line[owner_at..].starts_with(|c: char| c.is_alphanumeric())),
        "{table}"
    );

    let output = place.rsipc(&["ls", "--json"]).output().unwrap().stdout;
    let listing: Value = serde_json::from_slice(&output).unwrap();
    let hexes: Vec<&Value> =
        listing["objects"].as_array().unwrap().iter().map(|object| &object["name_hex"]).collect();
    assert!(hexes.contains(&&json!("2ffffe")), "the exact bytes of what is no UTF-8");
    for name in names {
        let typed = name.strip_prefix(b"sem.").unwrap_or(name);
        place.rsipc(&[OsStr::new("stat"), OsStr::from_bytes(typed)]).assert().success();
    }
}

#[test]
fn programs_with_odd_names_too() {
    let place = Place::new("program");
    let actor = common::program("actor.c", Way::Preload);
    let odd = place.path().join("a\n\u{1b}[7m b");
    common::copy_program(&actor, &odd);
    let mut command = common::command(&odd, Way::Preload);
    command.env("RSIPC_DIR", place.path());
    let mut actor = Actor::start(command);
    actor.does("sem_open /s 0");
    let table = String::from_utf8(place.rsipc(&["ls", "/s"]).output().unwrap().stdout).unwrap();
    assert!(table.contains(r"$'a\n\033[7m b'"), "{table}");
    assert_eq!(table.lines().count(), 2, "{table}");
}

#[test]
fn files_that_are_no_objects_do_not_hurt() {
    let place = Place::new("foreign");
    fs::write(place.path().join("sem.short"), b"xx").unwrap();
    fs::write(place.path().join("rsipc-mq.empty"), b"").unwrap();
    fs::write(place.path().join("rsipc-mq.noise"), [0xa5; 9000]).unwrap();
    fs::create_dir(place.path().join("directory")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place.path().join("sem.link")).unwrap();
    let table = table(&place, &[]);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(
        table.contains("too short for a semaphore") && table.contains("the file is not a queue")
    );
}

#[test]
fn many_objects_and_processes_take_no_second() {
    let place = Place::new("many");
    for number in 0..2000 {
        fs::write(place.path().join(format!("sem.{number}")), [0; 32]).unwrap();
    }
    let mut actors: Vec<Actor> = (0..300).map(|_| place.actor()).collect();
    for (number, actor) in actors.iter_mut().enumerate() {
        for step in 0..10 {
            actor.begins(&format!("sem_open /{} 0", (number * 7 + step) % 2000));
        }
    }
    for actor in &mut actors {
        (0..10).for_each(|_| assert_eq!(actor.answer(), "ok"));
    }
    // The best of some: others use this machine too.
    let times = (0..5).map(|_| {
        let start = Instant::now();
        place.rsipc(&["ls"]).assert().success();
        start.elapsed()
    });
    let best = times.min().unwrap();
    eprintln!("2000 objects, 300 processes, 3000 mappings: {best:?}");
    assert!(best.as_millis() < 1000, "{best:?}");
}

#[test]
fn the_json_has_its_shape() {
    let place = Place::new("shape");
    let mut actor = place.actor();
    actor.does("sem_open /semaphore 0");
    actor.does("mq_open /queue");
    actor.does("shm_open /memory 4096");
    actor.begins("sem_wait /semaphore");
    let ask = || {
        let output = place.rsipc(&["ls", "--json"]).output().unwrap().stdout;
        serde_json::from_slice::<Value>(&output).unwrap()
    };
    let listing = eventually(ask, |listing| {
        let semaphore = &listing["objects"][2];
        semaphore["waiters"][0].is_object() && semaphore["semaphore"]["registered"] == 1
    });
    insta::assert_json_snapshot!(listing, {
        ".directory" => "[directory]",
        ".unseen_processes" => "[number]",
        ".kernel" => "[of the machine]",
        ".objects[].file" => "[path]",
        ".objects[].inode" => "[number]",
        ".objects[].owner.uid" => "[number]",
        ".objects[].owner.gid" => "[number]",
        ".objects[].owner.user" => "[name]",
        ".objects[].owner.group" => "[name]",
        ".objects[].created" => "[time]",
        ".objects[].last_use" => "[time]",
        ".objects[].holders[].pid" => "[pid]",
        ".objects[].holders[].program" => "[program]",
        ".objects[].holders_known" => "[whether all processes were seen]",
        ".objects[].waiters[].pid" => "[pid]",
        ".objects[].waiters[].tid" => "[pid]",
        ".objects[].waiters[].program" => "[program]",
        ".objects[].waiters_known" => "[whether all threads were seen]",
    });
}
