//! What stands for an object on the command line, and how objects and programs are called in what
//! is shown.

mod common;

use common::sets::text;
use common::{Actor, Place, Way, command, copy_program, eventually, program, unique};

/// What a command says that fails.
fn refusal(place: &Place, arguments: &[&str], input: &str) -> String {
    let mut command = place.rsipc(arguments);
    let output = command.write_stdin(input).output().unwrap();
    assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn console(place: &Place, lines: &str) {
    let mut console = place.rsipc(&["console"]);
    console.env("RSIPC_SYSV", "sem,shm").write_stdin(lines.to_owned()).assert().success();
}

/// A semaphore, a set and a segment; the first two are both called 0x10.
fn make(place: &Place) {
    place.rsipc(&["sem", "create", "0x10"]).assert().success();
    console(place, "semget 0x10 1 IPC_CREAT\nshmget 0x88 4 IPC_CREAT\n");
}

fn names(place: &Place, asked: &str) -> Vec<String> {
    let table = text(place, &["ls", asked, "--noheadings", "-o", "kind,name"]);
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn all_commands_take_a_kind_in_front() {
    let place = Place::new("targets-kinds");
    make(&place);
    let both = ["sem /0x10", "svsem 0x00000010"];
    for (asked, found) in [
        ("sem:0x10", &both[..]),
        ("sem:0*", &both),
        ("sem:/0x10", &both[..1]),
        ("/0x10", &both[..1]),
        ("svsem:0x10", &both[1..]),
        ("svsem:*10", &both[1..]),
    ] {
        assert_eq!(names(&place, asked), found, "{asked}");
        let told = text(&place, &["stat", asked]);
        let titles = told.lines().filter(|line| line.contains("0x10: ") || line.contains("10: S"));
        assert_eq!(titles.count(), found.len(), "{told}");
    }
    place.rsipc(&["sem", "post", "sem:0x10"]).assert().success();
    place.rsipc(&["sem", "post", "mq:0x10"]).assert().code(2);
    place.rsipc(&["msg", "create", "msg:0x10"]).assert().success();
    place.rsipc(&["msg", "create", "sem:0x11"]).assert().code(2);
    place.rsipc(&["msg", "send", "msg:0x10", "x"]).assert().success();
    place.rsipc(&["shm", "read", "shm:0x88"]).assert().success().stdout("\0\0\0\0");
    assert!(refusal(&place, &["stat", "mq:0x10"], "").contains("no message queue /0x10"));
}

/// The object of POSIX that is called so stays as it is.
#[test]
fn a_segment_that_is_asked_for_is_no_object_of_posix() {
    let place = Place::new("targets-segment");
    place.rsipc(&["shm", "create", "/7", "--size", "4"]).assert().success();
    for asked in ["svshm:7", "svshm:0x7"] {
        let said = refusal(&place, &["shm", "write", asked, "--truncate"], "x");
        assert!(said.contains("there is no System V shared memory segment"), "{said}");
        assert!(refusal(&place, &["shm", "read", asked], "").contains("there is no System V"));
    }
    place.rsipc(&["shm", "read", "shm:7"]).assert().success().stdout("\0\0\0\0");
    assert!(refusal(&place, &["rm", "+7"], "").contains("/+7"));
}

#[test]
fn rm_lists_the_words_that_work() {
    let place = Place::new("targets-rm");
    make(&place);
    for asked in ["0x10", "sem:0x10"] {
        let said = refusal(&place, &["rm", asked], "");
        let (_, words) = said.split_once("say which one: ").expect(&said);
        let words: Vec<&str> = words.trim().split(" or ").collect();
        assert_eq!(words.len(), 2, "{said}");
        for (word, kind) in words.iter().zip(["sem ", "svsem "]) {
            let found = names(&place, word);
            assert!(found.len() == 1 && found[0].starts_with(kind), "{word}: {found:?}");
        }
    }
    place.rsipc(&["rm", "svsem:0x10"]).assert().success();
    // It is clear now.
    place.rsipc(&["rm", "sem:0x10"]).assert().success();
    assert!(refusal(&place, &["ls", "sem:0x10"], "").contains("0x00000010"));
}

#[test]
fn a_key_has_no_slash() {
    let place = Place::new("targets-keys");
    make(&place);
    for (arguments, told) in [
        (&["shm", "write", "0x88"][..], "the segment 0x00000088 ends before"),
        (&["shm", "read", "0x99"], "segment 0x00000099\n"),
        (&["stat", "0x99"], "object 0x00000099\n"),
        (&["ls", "0x99"], "object 0x00000099\n"),
        (&["rm", "0x99"], "object 0x00000099\n"),
        (&["stat", "77@0x5"], "object 77@0x5\n"),
    ] {
        let said = refusal(&place, arguments, "12345");
        assert!(said.contains(told), "{said}");
    }
}

/// Some times are known to the second, others exactly.
#[test]
fn nothing_is_changed_before_it_is_created() {
    let place = Place::new("targets-times");
    make(&place);
    let told = eventually(
        || text(&place, &["stat", "svsem:0x10"]),
        |told| told.contains("changed ") && !told.contains("changed    0s ago"),
    );
    assert!(!told.contains("created    0s ago"), "{told}");
}

#[test]
fn a_segment_of_the_kernel_tells_how_often_it_is_attached() {
    // SAFETY: no pointers.
    let id = unsafe { libc::shmget(libc::IPC_PRIVATE, 100, 0o600) };
    assert!(id >= 0);
    let place = Place::new("targets-kernel");
    let asked = format!("svshm:{id}");
    let state = text(&place, &["ls", &asked, "--noheadings", "-o", "state"]);
    // SAFETY: this command takes no pointer.
    assert_eq!(unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) }, 0);
    assert_eq!(state.trim(), "0 att");
}

#[test]
fn a_program_with_an_odd_name_is_called_the_same_everywhere() {
    let place = Place::new("targets-odd");
    let directory = std::env::temp_dir().join(&unique("odd")[1..]);
    std::fs::create_dir(&directory).unwrap();
    let odd = directory.join("odd) (na\nme");
    copy_program(&program("actor.c", Way::Preload), &odd);
    let mut start = command(&odd, Way::Preload);
    start.env("RSIPC_DIR", place.path());
    let mut actor = Actor::start(start);
    std::fs::remove_dir_all(&directory).unwrap();
    actor.does("sem_open /s 0");
    let pid = actor.pid();
    let listed = text(&place, &["ls", "s", "--noheadings", "-o", "open"]);
    assert_eq!(listed.trim(), format!(r"$'odd) (na\nme':{pid}"));
    let told = text(&place, &["stat", "s"]);
    assert!(told.contains(&format!(r"open by    $'odd) (na\nme' {pid}: ")), "{told}");
}
