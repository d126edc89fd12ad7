//! What a thread remembers from one call to the next.

use std::sync::atomic::{AtomicU32, Ordering};

use watch_run::suspect::HELD;

use crate::who;

/// Threads of this process that have made a call.
static THREADS: AtomicU32 = AtomicU32::new(0);

/// The process begins, or its program, with this thread.
pub fn begin() {
    THREADS.store(0, Ordering::Relaxed);
    // SAFETY: the block is this thread's alone, and the thread is in no hook.
    unsafe {
        // It is counted anew, whatever it was in the parent, and before the handler of the fork.
        (*rsipc_watch_memory()).pid = 0;
        own();
    }
}

/// A message that was not sent, or not received.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Lost {
    /// The object and 1; 0: none.
    pub object: u32,
    pub error: i32,
    /// Of what was to be sent. 0: it was to be received.
    pub hash: u64,
    /// The room that there was for it.
    pub room: u64,
    /// Its first bytes.
    pub start: u64,
}

/// A wait that has failed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Failed {
    /// The object and 1; 0: none.
    pub object: u32,
    pub error: i32,
}

/// A value that was asked for.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Asked {
    /// Where; 0: nowhere.
    pub site: u64,
    pub object: u32,
    /// Of a set the number of the semaphore.
    pub member: u32,
    pub is_positive: bool,
    pub is_set: bool,
}

/// What the child of a fork has to know.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Fork {
    pub parent: i32,
    /// Under which the book has what it inherits; 0: it has not.
    pub ticket: i32,
    pub path: u64,
    /// When, by `Book::clock`.
    pub born: u64,
}

/// A call that this thread is in. A handler may leave it by siglongjmp(3): then nobody tells.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Frame {
    /// The address of the [`crate::call::Call`]; 0: the place is empty, or being filled in.
    pub call: u64,
    /// What `Call::tag` is while the call lasts.
    pub tag: u64,
    /// Its place in the table of threads; -1: none.
    pub slot: i32,
}

/// Calls of one thread, each in a handler that has interrupted the one before, that are remembered.
pub const FRAMES: usize = 8;

/// The block of a thread, zeros at its beginning. A thread that changes it has signals blocked.
#[repr(C)]
pub struct Memory {
    /// The process that it belongs to: a fork copies it.
    pub pid: i32,
    /// Which of the threads of its process it is, in the order of their first calls.
    pub ordinal: u32,
    /// Calls so far.
    pub calls: u64,
    /// Calls that this thread is in: what the library behind does in one is no act of the program.
    /// Those that have room in `frames` come first there; the places behind them are empty.
    pub depth: u32,
    pub frames: [Frame; FRAMES],
    pub lost: Lost,
    pub asked: Asked,
    /// The object and 1 of which this thread has given back a unit, and taken none since; 0: none.
    pub gave: u32,
    /// The last wait that failed, until one for the same semaphore succeeds or it is posted.
    pub failed: Failed,
    /// Of the fork that this thread is about to make, or has just been made by.
    pub fork: Fork,
    /// Objects and 1.
    pub held: [u32; HELD],
    /// Signals that it had blocked when it made the call.
    pub mask: u64,
    /// Semaphores that it has taken outside of handlers, the last one first.
    pub takes: [Takes; TAKES],
}

/// Takes of one semaphore outside of handlers.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Takes {
    /// The object and 1; 0: none.
    pub object: u32,
    /// Signals that were blocked in each of them.
    pub mask: u64,
}

/// Semaphores of one thread that are remembered so.
const TAKES: usize = 6;

const _: () = assert!(size_of::<Memory>() <= 512, "WATCHED_MEMORY has room for it");

unsafe extern "C" {
    fn rsipc_watch_memory() -> *mut Memory;
}

/// This thread's.
///
/// # Safety
/// The reference ends before anything else of this thread can ask for it: the caller has signals
/// blocked, or is the only one to use the fields that it uses.
pub unsafe fn own<'a>() -> &'a mut Memory {
    // SAFETY: the block is the thread's alone, and lives as long as it; the C side gives 512 bytes
    // with the alignment 16, zeros at first, which is a value of it.
    let memory = unsafe { &mut *rsipc_watch_memory() };
    let pid = who::pid();
    if memory.pid != pid {
        // The child of a fork may get here before its handler has run.
        let fork = memory.fork;
        // SAFETY: all zeros are a value of it.
        *memory = unsafe { std::mem::zeroed() };
        memory.fork = fork;
        memory.pid = pid;
        memory.ordinal = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    memory
}

/// In the child of a fork, before anything else: what its parent's thread has left.
pub fn fork() -> Fork {
    // SAFETY: the thread is the only one of its process, and in no hook.
    unsafe { (*rsipc_watch_memory()).fork }
}

impl Memory {
    /// When there is no room for it, it is not remembered.
    pub fn take(&mut self, object: u32) {
        if let Some(free) = self.held.iter_mut().find(|held| **held == 0) {
            *free = object + 1;
        }
    }

    /// A take outside of handlers.
    pub fn take_plainly(&mut self, object: u32) {
        let number = object + 1;
        let known = self.takes.iter().position(|takes| takes.object == number);
        let place = known.unwrap_or(TAKES - 1);
        let before = self.takes[place];
        let mask = if known.is_some() { before.mask & self.mask } else { self.mask };
        self.takes.copy_within(..place, 1);
        self.takes[0] = Takes { object: number, mask };
    }

    /// Whether it was there.
    pub fn give(&mut self, object: u32) -> bool {
        let found = self.held.iter_mut().rev().find(|held| **held == object + 1);
        found.map(|held| *held = 0).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_its_own_number() {
        // SAFETY: the threads of this test are in no hook.
        let number = || unsafe { own() }.ordinal;
        begin();
        assert_eq!(number(), 0);
        assert_ne!(std::thread::spawn(number).join().unwrap(), 0);
    }
}
