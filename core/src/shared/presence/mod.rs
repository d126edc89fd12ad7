//! The presence of a process. Where the kernel does not watch a claim, a thread claims in the name
//! of this presence.
//!
//! The kernel watches one word of a thread, and knows the thread by its TID. It cannot watch a
//! claim by a handler that has interrupted another operation, by a thread without a robust list, or
//! by a thread of another PID namespace than the queue's. Such a claim names the process by a
//! number, whose file the process keeps locked (`file`), and the thread by another number within
//! the process.
//!
//! | bits | meaning |
//! |---|---|
//! | 31, 29 | 1: [`UNGUARDED`], [`NO_TID`] |
//! | 12..29 | the number of the process |
//! | 0..12 | the number of the thread; [`PROCESS`] = the process itself |
//!
//! What another user can forge: a lock on a file of this name makes a dead claim look alive, and
//! one slot stays taken. Making a living claim look dead requires the right to remove the file. A
//! process that may write to the queue can do worse to it anyway.
//!
//! | module | |
//! |---|---|
//! | `entries` | the names in a directory |
//! | `exec` | what stays over an exec |
//! | `file` | the locked file |
//! | `maker` | the end of the thread that has made the one of `marks` |
//! | `marks` | words that the kernel marks when the process dies |
//! | `number` | the number of the process |
//! | `owned` | the files that the process has |
//! | `process` | which process this is, over threads and programs |

mod entries;
mod exec;
mod file;
mod maker;
pub mod marks;
mod number;
mod owned;
mod process;

use std::os::fd::RawFd;
use std::path::Path;

use crate::atomic::{AtomicBool, Ordering, fence};
use crate::os::errno::{Errno, Result, preserved};
use crate::os::futex;
use crate::os::process::Process;
use crate::shared::claim::{NO_TID, PROCESS, UNGUARDED};
use crate::shared::thread::{self, Thread};

pub use exec::{leave_parent, note as note_inherited};
pub use file::PREFIX;
pub use number::Surety;
pub use process::ProcessId;

/// Bits of the number of a thread.
const THREAD_BITS: u32 = 12;
const _: () = assert!(PROCESS == (1 << THREAD_BITS) - 1);

/// What a thread without a presence and without a TID that is valid for others claims with: number
/// 0 of no process. Whether its holder has ended cannot be found out.
pub(super) const NAMELESS: u32 = UNGUARDED | NO_TID;

/// Objects of this process lie in several directories: others may look for our file in another one
/// than we make it in.
static IS_SCATTERED: AtomicBool = AtomicBool::new(false);

/// The program is about to end: no thread claims in the name of the presence any more.
static IS_LEAVING: AtomicBool = AtomicBool::new(false);

/// This process takes part in objects of this directory.
pub fn prepare(directory: &Path) {
    if file::note_home(directory) == Ok(false) {
        IS_SCATTERED.store(true, Ordering::SeqCst);
    }
}

/// What the calling thread may claim with in the name of the presence of its process. `None`: there
/// is none. Async-signal-safe, leaves `errno` alone.
///
/// The caller has noted before that it claims so ([`leave`]).
#[cold]
pub(super) fn identity(thread: &Thread, surety: Surety) -> Option<u32> {
    fence(Ordering::SeqCst);
    if IS_LEAVING.load(Ordering::SeqCst) || IS_SCATTERED.load(Ordering::Relaxed) {
        return None;
    }
    let process = number::of_process(surety)?;
    let known = thread.presence();
    if known >> THREAD_BITS == process_part(process) >> THREAD_BITS {
        return Some(known);
    }
    preserved(|| number_thread(thread, process))
}

/// Numbers of processes are below this.
pub const NUMBERS: u32 = 1 << file::NUMBER_BITS;

/// The number of this process, for claims that outlive a call. `None`: it can have no presence, or
/// this is the child of a vfork(2). Async-signal-safe, leaves `errno` alone.
#[cold]
pub fn of_holder() -> Option<u32> {
    let has_none = IS_SCATTERED.load(Ordering::Relaxed) || !preserved(Process::owns_memory);
    if has_none {
        return None;
    }
    number::of_process(Surety::Certain)
}

/// What the process with this number holds such a claim with.
#[inline]
pub fn held_by(process: u32) -> u32 {
    process_part(process) | PROCESS
}

/// Whether the process that holds claims like this has ended, so that it can write no more. False
/// in doubt, and of the calling process. Async-signal-safe, leaves `errno` alone.
#[cold]
pub fn holder_has_ended(held: u32) -> bool {
    let process = process_of(held);
    preserved(|| process != 0 && !number::is_own(process) && file::is_abandoned(process))
}

/// The number of the process in what a thread claims with.
pub fn process_of(presence: u32) -> u32 {
    presence >> THREAD_BITS & (NUMBERS - 1)
}

fn process_part(process: u32) -> u32 {
    UNGUARDED | NO_TID | process << THREAD_BITS
}

/// Gives the thread a number that no other thread of the process has.
#[cold]
fn number_thread(thread: &Thread, process: u32) -> Option<u32> {
    const ATTEMPTS: u32 = 64;
    (0..ATTEMPTS).find_map(|attempt| {
        // TIDs follow one another, so two that begin at one number meet seldom.
        let number = thread.tid().wrapping_add(attempt * 61) % PROCESS;
        let identity = process_part(process) | number;
        thread.set_presence(identity);
        let is_unique = thread::in_use().filter(|other| other.presence() == identity).count() == 1;
        if !is_unique {
            thread.set_presence(0);
        }
        is_unique.then_some(identity)
    })
}

/// Whether the thread that claims with this number has ended. In doubt it has not. (The kernel
/// gives a lock back some milliseconds after a death.) Async-signal-safe, leaves `errno` alone.
#[cold]
pub fn has_ended(presence: u32) -> bool {
    preserved(|| {
        let identity = presence | UNGUARDED | NO_TID;
        let process = process_of(presence);
        match process {
            0 => false,
            // What a process holds is given back by processes that know that it was marked.
            _ if identity & PROCESS == PROCESS => false,
            _ if number::is_own(process) => thread_has_ended(identity),
            _ => file::is_abandoned(process),
        }
    })
}

/// The same for a thread of this process.
fn thread_has_ended(identity: u32) -> bool {
    let holder = thread::in_use().find(|thread| thread.presence() == identity);
    // TIDs that the parent of a vfork(2) has noted may mean nothing to its child. And while a block
    // is borrowed, or being set up, it has none.
    let is_dead = |thread: &Thread| thread.tid() != 0 && futex::is_dead(thread.tid());
    Process::owns_memory() && holder.is_none_or(is_dead)
}

/// The program ends: the file goes, unless a thread is in the middle of a claim in its name.
pub fn leave() {
    IS_LEAVING.store(true, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    // What is to be undone when the process has ended is not to be undone yet.
    if ProcessId::known().is_some() {
        return;
    }
    // Either we see the note of a thread that claims, or it sees that we leave.
    if thread::in_use().all(|thread| !thread.claims_by_presence()) {
        preserved(number::give_up);
    }
}

/// The program is about to put another file under the number of this descriptor of the library's.
pub fn begin_move(fd: RawFd) {
    if owned::is_descriptor(fd) {
        file::begin_move(fd);
    }
}

/// The descriptor has its new number, and the process its lock again.
pub fn end_move(fd: RawFd) {
    if owned::is_descriptor(fd) {
        file::end_move(fd);
    }
}

/// Whether a file of this name is one of ours, of whatever process.
pub fn is_its_name(name: &[u8]) -> bool {
    file::number_of(name).is_some()
}

/// Whether the process of a file of [`PREFIX`] in this directory is gone. False in doubt.
pub fn is_stale(directory: &Path, name: &[u8]) -> bool {
    prepare(directory);
    let number = file::number_of(name).filter(|number| !number::is_own(*number));
    preserved(|| number.is_some_and(file::is_abandoned))
}

/// Removes a file of [`PREFIX`] at this path if its process is gone. False: it is not. EINVAL: it
/// is not such a file. EACCES, ENOENT.
pub fn remove_if_stale(path: &Path) -> Result<bool> {
    use std::os::unix::ffi::OsStrExt;
    let number = path.file_name().and_then(|name| file::number_of(name.as_bytes()));
    let number = number.ok_or(Errno::EINVAL)?;
    // To close our own would give back the lock on it.
    if number::is_own(number) { Ok(false) } else { file::remove_if_stale(path) }
}
