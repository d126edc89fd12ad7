//! Processes on the library and processes on plain glibc share semaphores, at the same time.

mod support;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::{Output, Way, command, compile, run_bounded};

const ROUNDS: &str = "20000";
const BOUND: Duration = Duration::from_mins(1);

/// An object that several processes meet at; its files go when it does.
struct Meeting {
    kind: &'static str,
    name: String,
}

impl Meeting {
    fn new(kind: &'static str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { kind, name: format!("/mixed.{}.{number}", std::process::id()) }
    }

    /// One process of the meeting: `entry` is create or join.
    fn side(&self, way: Way, entry: &str, action: &[&str]) -> Command {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/mixed/mixed.c");
        let mut side = command(&compile(&source, way), way);
        side.args([entry, self.kind, &self.name]).args(action);
        side
    }

    fn run(&self, way: Way, entry: &str, action: &[&str]) -> Output {
        let output = run_bounded(self.side(way, entry, action), BOUND);
        assert!(output.success(), "{way} {entry} {action:?}: {}\n{}", output.ended, output.stderr);
        let expected = if way == Way::Glibc { "on glibc\n" } else { "on rsipc\n" };
        assert!(output.stdout.starts_with(expected), "{way}: {}", output.stdout);
        output
    }

    /// The value and the number of waiters of the semaphore, as they lie in the file.
    fn word(&self) -> (u32, u32) {
        let path = match self.kind {
            "named" => format!("/dev/shm/sem.{}.ping", &self.name[1..]),
            _ => format!("/dev/shm/{}", &self.name[1..]),
        };
        let file = fs::File::open(path).expect("the semaphore is there");
        let mut word = [0; 8];
        file.read_exact_at(&mut word, 0).expect("a semaphore has eight bytes");
        let word = u64::from_ne_bytes(word);
        (
            u32::try_from(word & 0xffff_ffff).expect("the low half"),
            u32::try_from(word >> 32).expect("the high half"),
        )
    }

    fn state(&self, value: u32, waiters: u32) {
        assert_eq!(self.word(), (value, waiters), "value and waiters");
    }

    /// A process that sleeps on the semaphore, as the `waiters`th.
    fn sleeper(&self, way: Way, action: &str, waiters: u32) -> Sleeper {
        let child = self
            .side(way, "join", &[action])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program can be started");
        let sleeper = Sleeper { child };
        until("it sleeps", || self.word() == (0, waiters) && sleeper.is_asleep());
        sleeper
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        let name = &self.name[1..];
        for file in [name.to_owned(), format!("sem.{name}.ping"), format!("sem.{name}.pong")] {
            // Not every meeting has all of them.
            let _ = fs::remove_file(Path::new("/dev/shm").join(file));
        }
    }
}

struct Sleeper {
    child: Child,
}

impl Sleeper {
    fn is_asleep(&self) -> bool {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
    }

    fn wakes(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_some_and(|status| status.success())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// `creator` makes the objects and begins, `other` answers, 20,000 times.
fn ping_pong(kind: &'static str, creator: Way, other: Way) {
    let meeting = Meeting::new(kind);
    thread::scope(|scope| {
        scope.spawn(|| meeting.run(creator, "create", &["ping", ROUNDS]));
        scope.spawn(|| meeting.run(other, "join", &["pong", ROUNDS]));
    });
    let end = meeting.run(Way::Glibc, "join", &["value"]);
    assert!(end.stdout.ends_with("value 0 counter 40000\n"), "{}", end.stdout);
    meeting.state(0, 0);
}

#[test]
fn ping_pong_over_names_created_by_glibc() {
    ping_pong("named", Way::Glibc, Way::Preload);
}

#[test]
fn ping_pong_over_names_created_by_us() {
    ping_pong("named", Way::Preload, Way::Glibc);
}

#[test]
fn ping_pong_in_a_shared_memory_object_created_by_glibc() {
    ping_pong("unnamed", Way::Glibc, Way::Preload);
}

#[test]
fn ping_pong_in_a_shared_memory_object_created_by_us() {
    ping_pong("unnamed", Way::Preload, Way::Glibc);
}

/// A waiter asleep on one side is woken by the other side, again and again.
fn wakes(kind: &'static str, sleeper: Way, poster: Way) {
    let meeting = Meeting::new(kind);
    meeting.run(poster, "create", &["value"]);
    for action in ["wait", "timedwait"].repeat(10) {
        let mut waiting = meeting.sleeper(sleeper, action, 1);
        meeting.run(poster, "join", &["post"]);
        until("the waiter returns", || waiting.wakes());
        meeting.state(0, 0);
    }
}

#[test]
fn we_wake_a_glibc_waiter_on_a_name() {
    wakes("named", Way::Glibc, Way::Preload);
}

#[test]
fn we_wake_a_glibc_waiter_in_a_shared_memory_object() {
    wakes("unnamed", Way::Glibc, Way::Preload);
}

#[test]
fn glibc_wakes_our_waiter_on_a_name() {
    wakes("named", Way::Preload, Way::Glibc);
}

#[test]
fn glibc_wakes_our_waiter_in_a_shared_memory_object() {
    wakes("unnamed", Way::Preload, Way::Glibc);
}

/// Waiters of both kinds sleep on one semaphore; each post, of either kind, wakes exactly one of
/// them.
#[test]
fn waiters_of_both_kinds_are_counted_together() {
    for kind in ["named", "unnamed"] {
        let meeting = Meeting::new(kind);
        meeting.run(Way::Preload, "create", &["value"]);
        let ways = [Way::Glibc, Way::Preload, Way::Glibc, Way::Preload];
        let mut sleepers: Vec<Sleeper> =
            (1..).zip(ways).map(|(count, way)| meeting.sleeper(way, "wait", count)).collect();
        for (left, poster) in
            [(3, Way::Preload), (2, Way::Preload), (1, Way::Glibc), (0, Way::Glibc)]
        {
            meeting.run(poster, "join", &["post"]);
            until("one of them returns", || {
                sleepers.retain_mut(|sleeper| !sleeper.wakes());
                sleepers.len() == left
            });
            meeting.state(0, u32::try_from(left).expect("a few"));
        }
    }
}

/// A timeout on one side takes nothing from the waiters of the other.
#[test]
fn a_timeout_leaves_the_waiters_of_the_other_side() {
    for (sleeper, other) in [(Way::Glibc, Way::Preload), (Way::Preload, Way::Glibc)] {
        let meeting = Meeting::new("named");
        meeting.run(other, "create", &["timeout"]);
        meeting.state(0, 0);
        let mut waiting = meeting.sleeper(sleeper, "wait", 1);
        meeting.run(other, "join", &["timeout"]);
        meeting.state(0, 1);
        meeting.run(other, "join", &["post"]);
        until("the waiter returns", || waiting.wakes());
        meeting.state(0, 0);
    }
}

/// Two processes of each kind count under one lock, and no count is lost.
#[test]
fn a_lock_keeps_both_kinds_apart() {
    for kind in ["named", "unnamed"] {
        let meeting = Meeting::new(kind);
        meeting.run(Way::Glibc, "create", &["post"]);
        thread::scope(|scope| {
            for way in [Way::Glibc, Way::Preload, Way::Glibc, Way::Preload] {
                let meeting = &meeting;
                scope.spawn(move || meeting.run(way, "join", &["lock", ROUNDS]));
            }
        });
        let end = meeting.run(Way::Preload, "join", &["value"]);
        assert!(end.stdout.ends_with("value 1 counter 80000\n"), "{}", end.stdout);
        meeting.state(1, 0);
    }
}
