//! A queue whose files may hold any bytes: opened, used and overwritten as those say.
//!
//! Whatever the bytes are, each call gives a result or an errno, in time, and no access leaves the
//! mapping. The seeded test (`tests/hostile_mq.rs`) and the fuzz target (`fuzz/`) have this body in
//! common.
//!
//! Left out is a file that is made shorter under a mapping: a SIGBUS, as with any mapped file.

pub mod foreign;

use std::cell::Cell;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::RawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::process;
use std::ptr;
use std::time::{Duration, Instant};

use rsipc_core::os::Result;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::os::settings;
use rsipc_core::posix::mq::snapshot::{self, Snapshot};
use rsipc_core::posix::mq::{self, How, Incoming, Outgoing, Poll, Pollers, Task};
use rsipc_core::posix::mq::{Transferred, Wish};
use rsipc_core::shared::thread::Thread;

/// No call takes longer than this, however slow the machine is. It is there to tell a hang.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time for a script.
const ENOUGH: Duration = Duration::from_secs(3);
/// A call that may sleep is to give up after this, in nanoseconds.
const MOMENT: i64 = 300_000;
/// Descriptors at a time.
const OPEN: usize = 4;
/// Sizes to begin with: with a tree and without one.
const SIZES: [(i64, i64); 6] = [(1, 1), (3, 8), (10, 200), (32, 1), (33, 64), (1100, 8)];
/// Bytes at the start of a file in which everything but the messages lies, in a queue of a few
/// dozen.
const START: usize = 8192;
/// The part of it that is only read at `mq_open`.
const IDENTITY: usize = 320;
const HEADER: usize = 4096;
/// Bytes of the script where the rest is for the file.
const TURNS: usize = 512;
const PRIORITIES: u32 = 32768;

/// Bytes that decide what happens. When they are used up there are only zeros.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn word(&mut self) -> u64 {
        self.take(8).iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
    }

    fn place(&mut self) -> usize {
        self.take(4).iter().fold(0, |place, &byte| place << 8 | usize::from(byte))
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// True once in so many times.
    fn one_in(&mut self, times: u8) -> bool {
        self.byte().is_multiple_of(times)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

/// The calling thread's block.
fn thread() -> &'static Thread {
    thread_local! {
        static SLOT: Cell<*const Thread> = const { Cell::new(ptr::null()) };
    }
    SLOT.with(|slot| {
        Thread::current(slot)
            .unwrap_or_else(|| Thread::assign(slot).expect("there is a free thread number"))
    })
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Messages.
    pub sent: u32,
    pub received: u32,
    /// Calls that gave an errno.
    pub refused: u32,
    /// Times that the file was overwritten.
    pub overwritten: u32,
}

impl Tally {
    fn count<T>(&mut self, result: Result<T>) -> Option<T> {
        self.refused += u32::from(result.is_err());
        result.ok()
    }
}

/// Plays what `data` says. `RSIPC_DIR` must be a directory of our own: all files in it go at the
/// end.
pub fn play(data: &[u8]) -> Tally {
    let mut script = Script(data);
    let name = CString::new(format!("/hostile-{}", process::id())).expect("no zero in it");
    let path = snapshot::path(&name).expect("a good name");
    let mut game = Game { name, path, open: Vec::new(), file: None, tally: Tally::default() };
    match script.byte() % 4 {
        0 => {
            let turns = Script(script.take(TURNS));
            fs::write(&game.path, script.0).expect("a file can be written");
            game.open(libc::O_RDWR, None);
            game.turns(turns);
        }
        1 => {
            game.open_or_make(&mut script);
            let turns = Script(script.take(TURNS));
            game.fill(script.0);
            game.turns(turns);
        }
        _ => game.turns(script),
    }
    game.end()
}

/// A registration that is overwritten holds up no process, least of all the one that had it.
pub fn forget_registration() {
    let name = CString::new(format!("/hostile-{}", process::id())).expect("no zero in it");
    let how = How {
        flags: libc::O_RDWR | libc::O_CREAT | libc::O_EXCL,
        mode: 0o600,
        sizes: Some((3, 8)),
    };
    let fd = mq::open(&name, how).expect("a queue can be made");
    let path = snapshot::path(&name).expect("a good name");
    let file = OpenOptions::new().read(true).write(true).open(path).expect("the data file");
    let mut empty = [0; HEADER - IDENTITY];
    file.read_exact_at(&mut empty, IDENTITY as u64).expect("it can be read");
    let words = (IDENTITY..HEADER).step_by(4);
    // All of it, and each word alone that a registration has changed.
    for _ in 0..3 {
        assert_eq!(mq::notify(thread(), fd, Some(Wish::Nothing)), Ok(()));
        file.write_all_at(&empty, IDENTITY as u64).expect("it can be written to");
    }
    for at in words {
        let mut word = [0; 4];
        // EBUSY: what was overwritten does not matter to it.
        let _ = mq::notify(thread(), fd, Some(Wish::Nothing));
        file.read_exact_at(&mut word, at as u64).expect("it can be read");
        if word != [0; 4] {
            file.write_all_at(&[0; 4], at as u64).expect("it can be written to");
            let _ = mq::notify(thread(), fd, Some(Wish::Nothing));
            let _ = mq::notify(thread(), fd, None);
        }
    }
    mq::close(thread(), fd).expect("it can be closed");
    mq::unlink(&name).expect("it can be removed");
}

struct Game {
    name: CString,
    path: PathBuf,
    open: Vec<RawFd>,
    /// The data file, as a process has it that only writes to it.
    file: Option<File>,
    tally: Tally,
}

impl Game {
    fn turns(&mut self, mut script: Script<'_>) {
        let begun = Instant::now();
        // Some calls take a second where the bytes are bad enough.
        while !script.is_over() && begun.elapsed() < ENOUGH {
            let start = Instant::now();
            let turn = script.byte();
            self.turn(turn, &mut script);
            assert!(start.elapsed() < PATIENCE, "turn {turn} took {:?}", start.elapsed());
        }
    }

    /// Everything behind the identity is these bytes.
    fn fill(&self, bytes: &[u8]) {
        let Ok(file) = OpenOptions::new().write(true).open(&self.path) else { return };
        let size =
            usize::try_from(file.metadata().map_or(0, |metadata| metadata.len())).unwrap_or(0);
        let bytes = &bytes[..size.saturating_sub(IDENTITY).min(bytes.len())];
        file.write_all_at(bytes, IDENTITY as u64).expect("the file can be written to");
    }

    fn turn(&mut self, turn: u8, script: &mut Script<'_>) {
        if self.open.is_empty() && !script.one_in(4) {
            self.open_or_make(script);
        }
        let fd = self.open.get(script.below(OPEN) % self.open.len().max(1)).copied().unwrap_or(-1);
        let moment = Deadline::after_ns(Clock::Realtime, MOMENT);
        match turn % 20 {
            0 | 1 => self.send(fd, script, None),
            2 | 3 => self.receive(fd, script, None),
            4 => self.send(fd, script, Some(moment)),
            5 => self.receive(fd, script, Some(moment)),
            6 => self.look(fd),
            7 => self.try_to(mq::set_nonblocking(thread(), fd, script.one_in(2))),
            // It waits for a second where the bytes say that a registration is just coming to its
            // end.
            8 if script.one_in(8) => self.try_to(mq::notify(thread(), fd, Some(Wish::Nothing))),
            9 => self.try_to(mq::notify(thread(), fd, None)),
            10 => poll(fd),
            11 => self.open(libc::O_RDWR | libc::O_NONBLOCK, None),
            12 if script.one_in(4) => self.close(fd),
            13 => self.snapshot(),
            14 => self.meddle_with_fifo(script),
            15 if script.one_in(8) => self.try_to(mq::unlink(&self.name)),
            _ => self.overwrite(script),
        }
    }

    fn try_to<T>(&mut self, result: Result<T>) {
        let _ = self.tally.count(result);
    }

    /// Makes it anew where it is spoilt for good.
    fn open_or_make(&mut self, script: &mut Script<'_>) {
        let sizes = SIZES[script.below(SIZES.len())];
        self.open(libc::O_RDWR | libc::O_CREAT, Some(sizes));
        if self.open.is_empty() {
            self.try_to(mq::unlink(&self.name));
        }
    }

    fn open(&mut self, flags: i32, sizes: Option<(i64, i64)>) {
        if self.open.len() < OPEN {
            let opened = mq::open(&self.name, How { flags, mode: 0o600, sizes });
            self.open.extend(self.tally.count(opened));
        }
    }

    fn close(&mut self, fd: RawFd) {
        self.open.retain(|&open| open != fd);
        let _ = mq::close(thread(), fd);
    }

    /// What the command `rsipc` does.
    fn snapshot(&self) {
        let Ok(file) = File::open(&self.path) else { return };
        if let Ok(snapshot) = Snapshot::at(&file) {
            let _ = (snapshot.name(), snapshot.mode(), snapshot.registered(), snapshot.fifo());
            for message in snapshot.messages() {
                if let Ok(Some(body)) = snapshot.body(&file, message) {
                    assert!(body.len() <= snapshot.geometry().msgsize);
                }
            }
        }
    }

    /// Some bytes, or a word of which the neighbourhood or a bit pattern matters, anywhere in the
    /// file.
    fn overwrite(&mut self, script: &mut Script<'_>) {
        if script.one_in(8) {
            // It may be a new one.
            self.file = OpenOptions::new().read(true).write(true).open(&self.path).ok();
        }
        let Some(file) = &self.file else { return };
        let size =
            usize::try_from(file.metadata().map_or(0, |metadata| metadata.len())).unwrap_or(0);
        let at = script.place();
        let at = match script.byte() % 16 {
            0 => at % size.max(1),
            1..=3 => at % START.min(size).max(1),
            // What an open queue lives on.
            _ => (IDENTITY + at % (START - IDENTITY)) % size.max(1),
        };
        let kind = script.byte();
        let at = if kind.is_multiple_of(8) { at } else { at & !7 };
        let mut word = [0; 8];
        let _ = file.read_at(&mut word, at as u64);
        let before = u64::from_ne_bytes(word);
        let own = u64::from(process::id());
        let after = match kind % 12 {
            0 | 1 => script.word(),
            2 => 0,
            3 => u64::MAX,
            4 => before.wrapping_add(1),
            5 => before.wrapping_sub(1),
            6 => before ^ 1 << (script.byte() % 64),
            7 => own,
            8 => own << 32 | own,
            9 => 1 << 63 | script.word(),
            10 => before & u64::from(u32::MAX),
            _ => before.rotate_left(32),
        };
        let end = size.saturating_sub(at).min(8);
        file.write_all_at(&after.to_ne_bytes()[..end], at as u64)
            .expect("the file can be written to");
        self.tally.overwritten += 1;
    }

    /// The FIFO, as any process has it that may open the queue.
    fn meddle_with_fifo(&self, script: &mut Script<'_>) {
        let Ok(data) = File::open(&self.path) else { return };
        let Ok(snapshot) = Snapshot::at(&data) else { return };
        let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
        let fifo =
            OpenOptions::new().read(true).write(true).custom_flags(flags).open(snapshot.fifo());
        let Ok(mut fifo) = fifo else { return };
        let some = &[0; 5000][..=script.below(3) * 2000];
        let _ = match script.byte() % 3 {
            0 => fifo.read(&mut [0; 3]),
            _ => fifo.write(some),
        };
        if script.one_in(16) {
            let _ = fs::remove_file(snapshot.fifo());
        }
    }

    fn end(mut self) -> Tally {
        while let Some(&fd) = self.open.first() {
            self.close(fd);
        }
        for entry in fs::read_dir(&settings::get().dir).into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
        self.tally
    }

    fn send(&mut self, fd: RawFd, script: &mut Script<'_>, deadline: Option<Deadline>) {
        let body = [7_u8; 256];
        let length = usize::from(script.byte()).min(if script.one_in(4) { 255 } else { 1 });
        let message =
            Outgoing { body: body.as_ptr(), length, priority: u32::from(script.byte()) * 129 };
        // SAFETY: the body has that many bytes.
        let sent = unsafe {
            match deadline {
                None => Ok(mq::send_at_once(thread(), fd, &message)),
                Some(_) => Task::Send(message).perform(thread(), fd, deadline).map(|_| true),
            }
        };
        self.tally.sent += u32::from(self.tally.count(sent) == Some(true));
    }

    fn receive(&mut self, fd: RawFd, script: &mut Script<'_>, deadline: Option<Deadline>) {
        let size = mq::attributes(thread(), fd).map_or(1, |attributes| attributes.geometry.msgsize);
        let mut buffer = vec![0_u8; size - usize::from(script.one_in(16))];
        let into = Incoming::of(&mut buffer);
        // SAFETY: the buffer has that many bytes.
        let received = unsafe {
            match deadline {
                None => mq::receive_at_once(thread(), fd, &into, |received| received),
                Some(_) => Task::Receive(into).perform(thread(), fd, deadline).map(|progress| {
                    match progress {
                        Transferred::Received(received) => Some(received),
                        _ => None,
                    }
                }),
            }
        };
        if let Some(Some(received)) = self.tally.count(received) {
            assert!(
                received.length <= buffer.len() && received.priority < PRIORITIES,
                "{received:?}"
            );
            self.tally.received += 1;
        }
    }

    fn look(&mut self, fd: RawFd) {
        if let Some(attributes) = self.tally.count(mq::attributes(thread(), fd)) {
            assert!(attributes.messages <= attributes.geometry.maxmsg, "{attributes:?}");
        }
    }
}

fn poll(fd: RawFd) {
    let events = libc::POLLIN | libc::POLLOUT;
    let mut asked = libc::pollfd { fd, events, revents: 0 };
    // What is not a queue (any more) is the kernel's concern.
    let _ = mq::begin_poll(
        thread(),
        fd,
        Pollers::from_events(events.cast_unsigned().into()),
        Poll::Call,
    );
    // SAFETY: one pollfd.
    unsafe { libc::poll(&raw mut asked, 1, 0) };
}
