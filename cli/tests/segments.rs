//! System V shared memory segments, ours and the kernel's.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use common::sets::{document, text};
use common::{Place, binary, is_root, rsipc_as_nobody_in};
use serde_json::{Value, json};

/// A console that goes on, with segments of ours.
struct Console {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Console {
    fn start(place: &Place) -> Self {
        let mut command = Command::new(binary());
        command.arg("console").env("RSIPC_DIR", place.path()).env("RSIPC_SYSV", "shm");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a console");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// What it says to a line.
    fn line(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").unwrap();
        let mut said = String::new();
        self.output.read_line(&mut said).unwrap();
        said
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The only segment of a place.
fn segment(place: &Place) -> Value {
    let listing = document(place, &["ls", "--json", "svshm"]);
    let segments = listing["objects"].as_array().unwrap();
    assert_eq!(segments.len(), 1, "{listing:#}");
    segments[0].clone()
}

#[test]
fn a_segment_that_is_attached_is_told_of_and_stays() {
    let place = Place::new("shm-attached");
    let mut console = Console::start(&place);
    assert!(console.line("shmget 0xbeef 5000 IPC_CREAT 0600").contains("a segment of ours"));
    assert_eq!(segment(&place)["segment"]["attached"], 0);
    let table = text(&place, &["ls", "svshm", "-o", "size", "--noheadings"]);
    assert_eq!(table.trim(), "5000", "what was asked for, and not the length of its file");
    assert!(text(&place, &["stat", "0xbeef"]).contains("size       5000 bytes, "));
    assert!(console.line("shmat 0xbeef").contains("5000 bytes"));
    let pid = console.child.id();
    let told = segment(&place);
    assert_eq!((&told["kind"], &told["name"]), (&json!("svshm"), &json!("0x0000beef")));
    assert_eq!(told["segment"]["attached_by"], json!([pid]));
    assert_eq!((&told["segment"]["bytes"], &told["stale"]), (&json!(5000), &json!(false)));
    let stat = text(&place, &["stat", "0xbeef"]);
    assert!(stat.contains(" 1 time, by rsipc"), "{stat}");
    assert_eq!(
        text(&place, &["clean", "--yes", "--older-than", "0s"]),
        "",
        "nobody loses anything"
    );
    console.line("write 0xbeef 4995 hello");
    assert_eq!(text(&place, &["shm", "read", "0xbeef", "--offset", "4995"]), "hello");
    let dump = text(&place, &["shm", "read", "0xbeef", "--hex"]);
    let last = "00001380  00 00 00 68 65 6c 6c 6f                           |...hello|\n00001388\n";
    assert!(dump.ends_with(last) && dump.contains("\n*\n"), "{dump}");
    assert_eq!(segment(&place)["segment"]["attached"], 1, "reading attaches nothing");
    let write = ["shm", "write", "0xbeef", "--offset", "10"];
    place.rsipc(&write).write_stdin("abc").assert().success();
    assert_eq!(console.line("read 0xbeef 10 3"), "abc\n");
    let behind = ["shm", "write", "0xbeef", "--offset", "4998"];
    place.rsipc(&behind).write_stdin("abc").assert().code(1);
    assert_eq!(text(&place, &["shm", "read", "0xbeef", "--offset", "4996"]), "elab", "no longer");
    place.rsipc(&["rm", "shm:0xbeef"]).assert().success();
    assert_eq!(console.line("read 0xbeef 10 3"), "abc\n", "who has it attached keeps it");
    drop(console);
    let left: Vec<String> =
        place.files().into_iter().filter(|file| file.contains("svshm")).collect();
    assert_eq!(left, [] as [String; 0]);
}

#[test]
fn clean_removes_a_segment_with_its_memory() {
    let place = Place::new("shm-clean");
    Console::start(&place).line("shmget 0xbeef 4096 IPC_CREAT");
    std::fs::write(place.path().join("rsipc-svshm-memory.7654321"), "left").unwrap();
    let said = text(&place, &["clean", "--yes", "--older-than", "0s"]);
    assert!(said.contains("removed svshm 0x0000beef"), "{said}");
    assert!(said.contains("its segment is gone"), "{said}");
    let left: Vec<String> =
        place.files().into_iter().filter(|file| file.contains("svshm")).collect();
    assert_eq!(left, [] as [String; 0]);
}

#[test]
fn a_segment_of_the_kernel_is_read_and_written() {
    // SAFETY: no pointers.
    let id = unsafe { libc::shmget(libc::IPC_PRIVATE, 100, 0o600) };
    assert!(id >= 0);
    let named = id.to_string();
    let write = ["shm", "write", &named, "--offset", "95"];
    common::rsipc(&write).write_stdin("hello").assert().success();
    let read = common::rsipc(&["shm", "read", &named, "--offset", "94"]).output().unwrap();
    assert_eq!(read.stdout, b"\0hello");
    common::rsipc(&["shm", "write", &named, "--offset", "98"]).write_stdin("abc").assert().code(1);
    common::rsipc(&["rm", "-m", &named]).assert().success();
    // SAFETY: this command takes no pointer.
    assert_eq!(unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) }, -1, "it is gone");
}

/// Who has it attached is in /proc, which an ordinary user may not read: none seen is not none.
#[test]
fn attachments_that_cannot_be_seen_are_unknown() {
    if !is_root() {
        eprintln!("skipped: only the superuser can become another user");
        return;
    }
    let place = Place::new("shm-unseen");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut console = Console::start(&place);
    console.line("shmget 0xbeef 5000 IPC_CREAT 0644");
    console.line("shmat 0xbeef");
    let nobody = |arguments: &[&str]| {
        String::from_utf8(rsipc_as_nobody_in(place.path(), arguments).stdout).unwrap()
    };
    let state = nobody(&["ls", "svshm:0xbeef", "--noheadings", "-o", "state"]);
    assert_eq!(state.trim(), "? att");
    let told = nobody(&["stat", "svshm:0xbeef"]);
    assert!(told.contains("attached   by no process that could be inspected"), "{told}");
}
