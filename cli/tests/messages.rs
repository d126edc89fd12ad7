//! System V message queues: `rsipc msg`, and what is told of them.

mod common;

use std::fs;
use std::process::{Child, Command, Stdio};

use common::sets::{document, text};
use common::{Place, Way, binary, command, eventually, program};
use serde_json::{Value, json};

/// A command that goes on in the background, and is killed when this is dropped.
struct Background(Child);

impl Background {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments);
        Self::run(place, command)
    }

    /// A program on the library that waits for a message of this type. `tunables`: settings of the
    /// C library.
    fn receiver(place: &Place, kind: &str, tunables: &str) -> Self {
        let mut command = command(&program("queues.c", Way::Preload), Way::Preload);
        command.args(["beef", kind]).env("GLIBC_TUNABLES", tunables);
        Self::run(place, command)
    }

    fn run(place: &Place, mut command: Command) -> Self {
        command.env("RSIPC_DIR", place.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// What it has written, once it has ended.
    fn ends(mut self) -> (String, bool) {
        eventually(|| self.0.try_wait().unwrap(), Option::is_some);
        let mut out = String::new();
        std::io::Read::read_to_string(self.0.stdout.as_mut().unwrap(), &mut out).unwrap();
        (out, self.0.wait().unwrap().success())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The only queue of a place.
fn queue(place: &Place) -> Value {
    let listing = document(place, &["ls", "--json", "msg"]);
    let queues = listing["objects"].as_array().unwrap();
    assert_eq!(queues.len(), 1, "{listing:#}");
    queues[0].clone()
}

fn has_waiters(count: usize) -> impl Fn(&Value) -> bool {
    move |queue| {
        let waiters = queue["waiters"].as_array().unwrap();
        waiters.len() == count && waiters.iter().all(|waiter| waiter["tid"].is_u64())
    }
}

fn queue_file(place: &Place) -> std::path::PathBuf {
    let is_it = |file: &String| file.starts_with("rsipc-svmsg.");
    place.path().join(place.files().into_iter().find(is_it).expect("a queue"))
}

#[test]
fn messages_are_sent_looked_at_and_received_by_type() {
    let place = Place::new("msg");
    let id = text(&place, &["msg", "create", "0xbeef"]);
    assert!(id.trim().parse::<i32>().is_ok(), "{id}");
    place.rsipc(&["msg", "create", "0xbeef"]).assert().code(1);
    assert_eq!(text(&place, &["msg", "create", "0xbeef", "--if-missing"]), id);
    let long = "x".repeat(5000);
    for (kind, body) in [("5", "five"), ("2", long.as_str()), ("9", "nine")] {
        place.rsipc(&["msg", "send", "0xbeef", body, "-t", kind]).assert().success();
    }
    let lines = ["msg", "send", id.trim(), "--lines", "--type", "3"];
    place.rsipc(&lines).write_stdin("one\ntwo\n").assert().success();
    let file = queue_file(&place);
    let before = fs::read(&file).unwrap();
    let peeked = document(&place, &["msg", "peek", "0xbeef", "--json"]);
    let body = |index: usize| peeked["messages"][index]["body"]["text"].as_str().unwrap();
    assert_eq!((body(0), body(1), body(3)), ("five", long.as_str(), "one"));
    assert_eq!(peeked["messages"][1]["type"], 2);
    let of_three = text(&place, &["msg", "peek", id.trim(), "--type", "3"]);
    assert_eq!(of_three.lines().count(), 3, "{of_three}");
    assert!(text(&place, &["stat", "0xbeef"]).contains("type       3: 2 messages\n"));
    assert_eq!(fs::read(&file).unwrap(), before, "a look changes nothing");
    let told = &queue(&place)["message_queue"];
    assert_eq!((&told["messages"], &told["bytes"]), (&json!(5), &json!(5014)));
    assert_eq!(told["types"][1], json!({ "type": 3, "messages": 2 }));
    let receive = |more: &[&str]| {
        let all = [&["msg", "recv", "0xbeef", "--no-wait", "--types"], more].concat();
        text(&place, &all)
    };
    assert_eq!(receive(&["--type=-4"]), format!("2 {long}"));
    assert_eq!(receive(&["--type", "5", "--except"]), "9 nine");
    assert_eq!(receive(&["--count", "3", "--lines"]), "5 five\n3 one\n3 two\n");
    let none = place.rsipc(&["msg", "recv", "0xbeef", "--no-wait"]).assert().code(1);
    let said = String::from_utf8_lossy(&none.get_output().stderr).into_owned();
    assert!(said.contains("there is no message of any type in 0x0000beef"), "{said}");
    place.rsipc(&["msg", "recv", "0xbeef", "-t", "7", "--timeout", "50ms"]).assert().code(1);
    place.rsipc(&["msg", "send", "0xbeef", &"y".repeat(9000)]).assert().code(1);
    place.rsipc(&["msg", "rm", "0xbeef"]).assert().success();
    assert_eq!(place.files().iter().filter(|file| file.contains("svmsg")).count(), 0);
    let gone = place.rsipc(&["msg", "peek", "0xbeef"]).assert().code(1);
    assert!(String::from_utf8_lossy(&gone.get_output().stderr).contains("there is no "));
}

#[test]
fn who_waits_for_which_type_and_for_room() {
    let place = Place::new("msg-waiters");
    text(&place, &["msg", "create", "0xbeef", "--max-bytes", "10"]);
    place.rsipc(&["msg", "send", "0xbeef", "12345678"]).assert().success();
    let receiver = Background::start(&place, &["msg", "recv", "0xbeef", "--type", "7"]);
    eventually(|| queue(&place), has_waiters(1));
    let sender = Background::start(&place, &["msg", "send", "0xbeef", "abc", "--type", "7"]);
    let waiting = eventually(|| queue(&place), has_waiters(2));
    let told = |pid: u32| {
        let waiters = waiting["waiters"].as_array().unwrap();
        waiters.iter().find(|waiter| waiter["pid"] == pid).unwrap().clone()
    };
    let (want, room) = (told(receiver.pid()), told(sender.pid()));
    assert_eq!((&want["waits_for"], &want["wants"]["type"]), (&json!("message"), &json!(7)));
    assert_eq!((&room["waits_for"], &room["wants"]["bytes"]), (&json!("room"), &json!(3)));
    assert_eq!(waiting["waiters_known"], true);
    let graph = text(&place, &["graph"]);
    let who = |pid: u32| format!("rsipc {pid}");
    for part in [
        format!(
            "{} waits for a message of type 7: {} could send it",
            who(receiver.pid()),
            who(sender.pid())
        ),
        format!("{} waits for space for 3 bytes", who(sender.pid())),
        "(1 message, 8 of 10 bytes)".to_owned(),
    ] {
        assert!(graph.contains(&part), "{part} in {graph}");
    }
    let stat = text(&place, &["stat", "0xbeef"]);
    assert!(stat.contains("waits for a message of type 7\n"), "{stat}");
    assert_eq!(text(&place, &["msg", "recv", "0xbeef", "--type", "1"]), "12345678");
    assert_eq!(sender.ends(), (String::new(), true));
    assert_eq!(receiver.ends(), ("abc".to_owned(), true));
    assert!(has_waiters(0)(&queue(&place)));
}

#[test]
fn a_receiver_that_is_killed_is_no_waiter_and_its_message_is_there() {
    let place = Place::new("msg-killed");
    text(&place, &["msg", "create", "0xbeef"]);
    let receiver = Background::start(&place, &["msg", "recv", "0xbeef"]);
    eventually(|| queue(&place), has_waiters(1));
    drop(receiver);
    eventually(|| queue(&place), has_waiters(0));
    place.rsipc(&["msg", "send", "0xbeef", "still"]).assert().success();
    assert_eq!(queue(&place)["message_queue"]["messages"], 1);
    assert_eq!(text(&place, &["msg", "recv", "0xbeef", "--no-wait"]), "still");
}

#[test]
fn those_that_nobody_could_serve_are_a_deadlock() {
    a_deadlock("msg-deadlock", "");
    // Where the C library has no rseq(2), a thread that sleeps in a queue looks again each second.
    a_deadlock("msg-deadlock-looks", "glibc.pthread.rseq=0");
}

fn a_deadlock(place: &str, tunables: &str) {
    let place = Place::new(place);
    text(&place, &["msg", "create", "0xbeef"]);
    let deadlocks = || {
        let graph = document(&place, &["graph", "--format", "json"]);
        let all = graph["deadlocks"].as_array().unwrap().clone();
        all.into_iter().filter(|deadlock| deadlock["sleepers"][0]["object"] == "0x0000beef").count()
    };
    let one = Background::receiver(&place, "3", tunables);
    assert_eq!(eventually(deadlocks, |count| *count > 0), 1);
    let said = text(&place, &["graph"]);
    // A thread sleeps on several words of a queue, which is one thing to the user.
    assert!(said.contains(" waits on 0x0000beef, and no process is left to wake it\n"), "{said}");
    assert_eq!(
        said.matches(" waits for a message of type 3 on 0x0000beef, which is empty\n").count(),
        1,
        "{said}"
    );
    let graph = document(&place, &["graph", "--format", "json"]);
    let is_it = |it: &&Value| it["sleepers"][0]["object"] == "0x0000beef";
    let found = graph["deadlocks"].as_array().unwrap().iter().find(is_it).unwrap();
    assert_eq!(found["sleepers"].as_array().unwrap().len(), 1, "one thread: {found:#}");
    assert_eq!((&found["shape"], &found["confidence"]), (&json!("abandoned"), &json!("possible")));
    place.rsipc(&["msg", "send", "0xbeef", "x", "--type", "5"]).assert().success();
    let said = eventually(
        || text(&place, &["graph"]),
        |said| said.contains(" of type 3 on 0x0000beef, which has 1 of type 5\n"),
    );
    assert!(said.contains("`rsipc msg send 0x0000beef --type 3 MESSAGE`"), "{said}");
    place.rsipc(&["msg", "send", "0xbeef", "x", "--type", "3"]).assert().success();
    assert!(one.ends().1);
}

#[test]
fn one_that_gives_up_after_some_time_is_no_deadlock() {
    let place = Place::new("msg-patience");
    text(&place, &["msg", "create", "0xbeef"]);
    let arguments = ["msg", "recv", "0xbeef", "--type", "3", "--timeout", "300"];
    let one = Background::start(&place, &arguments);
    let graph = || document(&place, &["graph", "--format", "json"]);
    let is_asleep = |graph: &Value| !graph["objects"][0]["waiters"].as_array().unwrap().is_empty();
    let graph = eventually(graph, is_asleep);
    // Of other programs there may be some.
    let mut deadlocks = graph["deadlocks"].as_array().unwrap().iter();
    assert!(deadlocks.all(|deadlock| deadlock["sleepers"][0]["object"] != "0x0000beef"), "{graph}");
    place.rsipc(&["msg", "send", "0xbeef", "x", "--type", "3"]).assert().success();
    assert!(one.ends().1);
}

#[test]
fn what_ipcs_tells() {
    let place = Place::new("msg-ipcs");
    let id = text(&place, &["msg", "create", "0xbeef"]);
    place.rsipc(&["msg", "send", "0xbeef", "four"]).assert().success();
    place.rsipc(&["console"]).write_stdin("semget 0xa 3 IPC_CREAT\n").assert().success();
    let line = |arguments: &[&str]| {
        let table = text(&place, arguments);
        let is_it = |line: &&str| line.contains("0x0000beef") && line.contains(id.trim());
        table.lines().find(is_it).unwrap_or_else(|| panic!("{table}")).to_owned()
    };
    let times = line(&["ls", "--times"]);
    assert!(times.contains("librsipc  20") && times.contains("  never  "), "{times}");
    let pids = line(&["ls", "msg", "-p"]);
    assert!(pids.trim_end().ends_with("  -"), "nobody has received: {pids}");
    assert!(line(&["ls", "-c"]).contains("0600"));
    let summary = text(&place, &["ls", "-u"]);
    let row = |kind: &str| {
        let is_it = |line: &&str| line.starts_with(kind) && line.contains("librsipc");
        let words = summary.lines().find(is_it).unwrap().split_whitespace().skip(2);
        words.map(|word| word.parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((row("svmsg"), row("svsem")), (vec![1, 1, 4], vec![1, 3]));
    let limits = text(&place, &["ls", "sem", "-l"]);
    assert!(limits.contains("semaphores of a set") && !limits.contains("svmsg"), "{limits}");
    place.rsipc(&["ls", "-t", "-p"]).assert().code(2);
    let sem = text(&place, &["ls", "sem"]);
    assert!(sem.contains("0x0000000a") && !sem.contains("0x0000beef"), "{sem}");
}

#[test]
fn clean_keeps_what_holds_messages() {
    let place = Place::new("msg-clean");
    text(&place, &["msg", "create", "0xa"]);
    text(&place, &["msg", "create", "0xb"]);
    place.rsipc(&["msg", "send", "0xb", "x"]).assert().success();
    let said = text(&place, &["clean", "--yes", "--older-than", "0s", "msg"]);
    assert!(said.contains("removed svmsg 0x0000000a"), "{said}");
    assert!(said.contains("kept svmsg 0x0000000b: it holds 1 message"), "{said}");
    assert_eq!(queue(&place)["name"], "0x0000000b");
    let said = text(&place, &["clean", "--older-than", "0s", "--force", "msg"]);
    assert!(said.contains("removed svmsg 0x0000000b"), "{said}");
    let left: Vec<String> =
        place.files().into_iter().filter(|file| file.contains("svmsg")).collect();
    assert_eq!(left, [] as [String; 0], "their keys are gone, too");
}

#[test]
fn every_call_on_a_queue_in_the_console() {
    let place = Place::new("msg-console");
    let lines = [
        "msgget 0xbeef IPC_CREAT|IPC_EXCL 0640",
        "msgsnd 0xbeef 5 hello",
        "msgsnd 0xbeef 2 'a b'",
        "msgctl 0xbeef IPC_STAT",
        "msgrcv 0xbeef -9",
        "msgrcv 0xbeef 0 IPC_NOWAIT",
        "msgctl 0xbeef IPC_SET 7 8 0666 100",
        "msgctl 0xbeef IPC_STAT",
    ];
    let output = place.rsipc(&["console"]).write_stdin(lines.join("\n")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "msg_qnum 2, msg_cbytes 8, msg_qbytes 16384",
        "msgrcv = 3: type 2: a b\n",
        "msgrcv = 5: type 5: hello\n",
        "msg_qbytes 100",
        "mode 0666",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let wrong = "msgrcv 0xbeef 4 IPC_NOWAIT\nmsgsnd 0xbeef 0 x\nmsgget 0xabc\n";
    let output = place.rsipc(&["console"]).write_stdin(wrong).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for part in ["ENOMSG", "EINVAL", "ENOENT", "no queue has this key"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn any_bytes_are_told_of_without_a_crash() {
    let place = Place::new("msg-hostile");
    text(&place, &["msg", "create", "0xbeef"]);
    for body in ["a", &"b".repeat(3000), &"c".repeat(8192)] {
        place.rsipc(&["msg", "send", "0xbeef", body]).assert().success();
    }
    let file = queue_file(&place);
    let whole = fs::read(&file).unwrap();
    let look = || {
        for arguments in [&["ls", "--json"][..], &["stat", "0xbeef"], &["msg", "peek", "0xbeef"]] {
            let status = place.rsipc(arguments).output().unwrap().status;
            assert!(status.code().is_some_and(|code| code <= 1), "{arguments:?}: {status}");
        }
    };
    // A generator of our own: the same bytes each time.
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        random >> 33
    };
    for round in 0..12 {
        let mut bytes = whole.clone();
        for _ in 0..200 {
            // Behind what does not change in the header.
            let at = 64 + usize::try_from(next()).unwrap() % (bytes.len() - 64);
            bytes[at] = u8::try_from(next() % 256).unwrap();
        }
        if round % 3 == 0 {
            bytes.truncate(usize::try_from(next()).unwrap() % bytes.len());
        }
        fs::write(&file, &bytes).unwrap();
        look();
        assert_eq!(fs::read(&file).unwrap(), bytes, "a look changes nothing");
    }
}
