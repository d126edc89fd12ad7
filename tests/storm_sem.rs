//! The storm: processes that share a semaphore are killed at random instants, and those that live
//! go on.
//!
//! How a kill is accounted for. The victim's slot says what it was doing. While it held a token,
//! the token is lost for certain, and it is posted anew at once. In the middle of taking or giving
//! one it may be lost or not: that is a *doubt*. Doubts add up, but never to as many as there are
//! tokens, so there always is one that goes round, and no living process has a reason to hang.
//! Before they become too many, all processes are told to pause. Then the value of the semaphore
//! must be the number of tokens less at most the doubts; what is missing is posted, and the next
//! round begins. The supervisor is a plain glibc process, so each round also shows that glibc finds
//! the file in order.
//!
//! `RSIPC_STORM_SECONDS` sets how long it lasts (10 when unset).

mod support;

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::{Way, command, compile, storm};

const SURVIVORS: usize = 4;
const VICTIMS: usize = 3;
const TOKENS: i32 = 3;
/// No living process waits for longer than this.
const PROMISED: Duration = Duration::from_secs(2);
/// For what is not promised.
const BOUND: Duration = Duration::from_secs(20);

/// As in `tests/c/storm/sem_worker.c`.
mod order {
    pub const WORK: u32 = 0;
    pub const PAUSE: u32 = 1;
    pub const STOP: u32 = 2;
}
mod state {
    pub const STARTING: u32 = 0;
    pub const TAKING: u32 = 2;
    pub const HOLDING: u32 = 3;
    pub const GIVING: u32 = 4;
    pub const PAUSED: u32 = 5;
}

#[repr(C, align(64))]
struct Slot {
    state: AtomicU32,
    turns: AtomicU64,
}

#[repr(C, align(64))]
struct Board {
    command: AtomicU32,
    slots: [Slot; 16],
}

/// The semaphore and the board, gone with their names when the test is over.
struct Ground {
    name: CString,
    file: PathBuf,
    semaphore: *mut libc::sem_t,
    board: &'static Board,
    worker: PathBuf,
}

impl Ground {
    fn new(tag: &str) -> Self {
        // SAFETY: a C string; the answer is only compared.
        let ours = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"rsipc_version".as_ptr()) };
        assert!(ours.is_null(), "the supervisor runs on plain glibc");
        let name = CString::new(format!("/storm-{tag}-{}", process::id())).unwrap();
        let file =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("storm-{tag}-{}", process::id()));
        let board = File::options().read(true).write(true).create_new(true).open(&file).unwrap();
        board.set_len(size_of::<Board>() as u64).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/sem_worker.c");
        let flags = libc::O_CREAT | libc::O_EXCL;
        // SAFETY: a C string, and the two arguments that O_CREAT asks for.
        let semaphore =
            unsafe { libc::sem_open(name.as_ptr(), flags, 0o600, TOKENS.cast_unsigned()) };
        assert_ne!(semaphore, libc::SEM_FAILED);
        Self { board: map(&board), name, file, semaphore, worker: compile(&source, Way::Preload) }
    }

    fn start(&self, slot: usize, way: Way) -> Child {
        self.board.slots[slot].state.store(state::STARTING, Ordering::SeqCst);
        let mut worker: Command = command(&self.worker, way);
        worker
            .arg(self.name.to_str().unwrap())
            .arg(&self.file)
            .arg(slot.to_string())
            .spawn()
            .unwrap()
    }

    fn state(&self, slot: usize) -> u32 {
        self.board.slots[slot].state.load(Ordering::SeqCst)
    }

    fn turns(&self, slot: usize) -> u64 {
        self.board.slots[slot].turns.load(Ordering::SeqCst)
    }

    fn tell(&self, command: u32) {
        self.board.command.store(command, Ordering::SeqCst);
    }

    fn value(&self) -> i32 {
        let mut value = -1;
        // SAFETY: the semaphore is open until the ground is dropped.
        assert_eq!(unsafe { libc::sem_getvalue(self.semaphore, &raw mut value) }, 0);
        value
    }

    fn all_turns(&self) -> Vec<u64> {
        (0..SURVIVORS + VICTIMS).map(|slot| self.turns(slot)).collect()
    }

    fn take(&self) {
        let start = Instant::now();
        // SAFETY: the semaphore is open until the ground is dropped.
        while unsafe { libc::sem_trywait(self.semaphore) } != 0 {
            assert!(start.elapsed() < BOUND, "the value stays 0");
            thread::sleep(Duration::from_micros(20));
        }
    }

    fn post(&self) {
        // SAFETY: the semaphore is open until the ground is dropped.
        assert_eq!(unsafe { libc::sem_post(self.semaphore) }, 0);
    }

    /// All processes pause, and the tokens are counted.
    fn settle(&self, doubts: i32) {
        self.tell(order::PAUSE);
        let start = Instant::now();
        for slot in 0..SURVIVORS + VICTIMS {
            loop {
                let bound = match self.state(slot) {
                    state::PAUSED => break,
                    state::STARTING => BOUND,
                    _ => PROMISED,
                };
                assert!(
                    start.elapsed() < bound,
                    "the process in slot {slot} hangs in state {}, and {} tokens are there",
                    self.state(slot),
                    self.value()
                );
                thread::sleep(Duration::from_micros(100));
            }
        }
        let value = self.value();
        assert!((TOKENS - doubts..=TOKENS).contains(&value), "{value} tokens with {doubts} doubts");
        (value..TOKENS).for_each(|_| self.post());
        self.tell(order::WORK);
    }

    /// All are asleep in `sem_wait`, one token comes, and at that instant the victims are killed:
    /// the one of them that had the wake took it along, and the token must reach one of the others
    /// all the same. Leaves a doubt of one token.
    fn kill_the_woken(&self, workers: &mut Workers) {
        (0..TOKENS).for_each(|_| self.take());
        let start = Instant::now();
        let mut turns = self.all_turns();
        loop {
            // Timed waits last a millisecond at most here.
            thread::sleep(Duration::from_millis(4));
            let now = self.all_turns();
            if now == turns
                && (0..SURVIVORS + VICTIMS).all(|slot| self.state(slot) == state::TAKING)
            {
                break;
            }
            turns = now;
            assert!(start.elapsed() < BOUND, "not all of them come to rest");
        }
        self.post();
        let victims = &mut workers.0[SURVIVORS..];
        for victim in &mut *victims {
            victim.kill().unwrap();
        }
        for victim in &mut *victims {
            victim.wait().unwrap();
        }
        let start = Instant::now();
        while self.value() > 0 && self.all_turns()[..SURVIVORS] == turns[..SURVIVORS] {
            assert!(start.elapsed() < PROMISED, "a token is there, and all living processes sleep");
            thread::sleep(Duration::from_micros(100));
        }
        (1..TOKENS).for_each(|_| self.post());
        for (slot, victim) in (SURVIVORS..).zip(victims) {
            *victim = self.start(slot, Way::Preload);
        }
    }

    fn stop(&self, mut workers: Workers) {
        self.tell(order::STOP);
        for worker in &mut workers.0 {
            assert!(worker.wait().unwrap().success());
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.tell(order::STOP);
        // SAFETY: the semaphore is open, and is not used after this. It does not matter whether the
        // names can be removed.
        unsafe {
            libc::sem_close(self.semaphore);
            libc::sem_unlink(self.name.as_ptr());
        }
        let _ = fs::remove_file(&self.file);
    }
}

fn map(file: &File) -> &'static Board {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a fresh mapping of a file of this size, never unmapped; zeroes are a board, and all
    // of it is atomic.
    unsafe {
        let length = size_of::<Board>();
        let board =
            libc::mmap(ptr::null_mut(), length, protection, libc::MAP_SHARED, file.as_raw_fd(), 0);
        assert_ne!(board, libc::MAP_FAILED);
        &*board.cast()
    }
}

/// Processes that do not outlive the test.
struct Workers(Vec<Child>);

impl Drop for Workers {
    fn drop(&mut self) {
        // One that has ended is no longer there to be killed.
        self.0.iter_mut().for_each(|child| drop((child.kill(), child.wait())));
    }
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Watches that each of the first slots gets its turns.
struct Progress {
    turns: [u64; SURVIVORS],
    since: [Instant; SURVIVORS],
}

impl Progress {
    fn new() -> Self {
        Self { turns: [0; SURVIVORS], since: [Instant::now(); SURVIVORS] }
    }

    fn check(&mut self, ground: &Ground) {
        for slot in 0..SURVIVORS {
            let turns = ground.turns(slot);
            if turns != self.turns[slot] {
                (self.turns[slot], self.since[slot]) = (turns, Instant::now());
            }
            assert!(
                self.since[slot].elapsed() < PROMISED,
                "survivor {slot} hangs in state {}, and {} tokens are there",
                ground.state(slot),
                ground.value()
            );
        }
    }
}

fn storm_seconds() -> Duration {
    Duration::from_secs(storm::seconds(10))
}

/// Below `limit`, another one each time (xorshift).
fn draw(chance: &mut u64, limit: u64) -> u64 {
    *chance ^= *chance << 13;
    *chance ^= *chance >> 7;
    *chance ^= *chance << 17;
    *chance % limit
}

#[test]
fn survivors_of_kills_never_hang_on_a_positive_value() {
    let ground = Ground::new("kills");
    let end = Instant::now() + storm_seconds();
    let start = |slot| ground.start(slot, Way::Preload);
    let mut workers = Workers((0..SURVIVORS + VICTIMS).map(start).collect());
    let mut progress = Progress::new();
    let mut kills = [0_u32; 6];
    let (mut doubts, mut rounds) = (0, 0);
    let mut chance = u64::from(process::id()) | 1 << 40;
    while Instant::now() < end {
        thread::sleep(Duration::from_micros(draw(&mut chance, 1500)));
        let victim = SURVIVORS + usize::try_from(draw(&mut chance, VICTIMS as u64)).unwrap();
        kill(&mut workers.0[victim]);
        let was = ground.state(victim);
        kills[was as usize] += 1;
        match was {
            state::HOLDING => ground.post(),
            state::TAKING | state::GIVING => doubts += 1,
            _ => {}
        }
        workers.0[victim] = start(victim);
        if doubts == TOKENS - 1 {
            ground.settle(doubts);
            doubts = 0;
            rounds += 1;
            if rounds % 8 == 0 {
                ground.kill_the_woken(&mut workers);
                ground.settle(1);
            }
        }
        progress.check(&ground);
    }
    ground.settle(doubts);
    ground.stop(workers);
    println!("killed while starting, idle, taking, holding, giving, paused: {kills:?}");
    assert!(
        kills[state::TAKING as usize] > 0 && kills[state::HOLDING as usize] > 0,
        "a calm storm: {kills:?}"
    );

    // What is left is in order for processes that have never heard of librsipc.
    ground.tell(order::WORK);
    let workers =
        Workers((0..SURVIVORS + VICTIMS).map(|slot| ground.start(slot, Way::Glibc)).collect());
    let before = ground.all_turns();
    let deadline = Instant::now() + BOUND;
    while !before.iter().zip(ground.all_turns()).all(|(&before, now)| now > before + 100) {
        assert!(
            Instant::now() < deadline,
            "processes on glibc hang with {} tokens",
            ground.value()
        );
        thread::sleep(Duration::from_millis(1));
    }
    ground.settle(0);
    ground.stop(workers);
}
