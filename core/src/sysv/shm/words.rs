//! What is in the file of a segment beside the header.

use core::mem::size_of;

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::os::clock::realtime_seconds;
use crate::os::process::Process;
use crate::sysv::header::HEADER_SIZE;

/// Bytes of the file.
pub const FILE_SIZE: usize = 4096;

/// After the header. Each word is independent, and is read once: a call that looks while another
/// one changes several of them sees some of the changes, as it does in the kernel.
///
/// Relaxed, all of them: nothing is published through them. A fence stands where `last` is to be
/// seen before the memory can have been mapped.
///
/// | word | says | changed by |
/// |---|---|---|
/// | `owner` | `uid \| gid << 32` | IPC_SET |
/// | `mode` | 9 permission bits, and [`LOCKED`] | IPC_SET, SHM_LOCK, SHM_UNLOCK |
/// | `atime`, `dtime` | the last attach and detach, in seconds; 0 = never | shmat, fork; shmdt |
/// | `ctime` | the birth, or the last IPC_SET | IPC_SET |
/// | `inode` | of the file of the memory | the maker, before the segment lives |
/// | `creator` | the PID of the maker, as it knows itself | the maker |
/// | `last` | the PID of the process that last attached or detached; 0 = none | shmat, before it opens the memory, and back if it fails; shmdt |
#[repr(C)]
pub struct Words {
    /// See the table.
    pub owner: AtomicU64,
    /// See the table.
    pub mode: AtomicU64,
    /// See the table.
    pub atime: AtomicU64,
    /// See the table.
    pub dtime: AtomicU64,
    /// See the table.
    pub ctime: AtomicU64,
    /// See the table.
    pub inode: AtomicU64,
    /// See the table.
    pub creator: AtomicU32,
    /// See the table.
    pub last: AtomicU32,
}

/// Where they are in the file: on lines of their own.
pub const WORDS_AT: usize = HEADER_SIZE;
const _: () = assert!(WORDS_AT + size_of::<Words>() <= FILE_SIZE);

/// `SHM_LOCKED` of the mode.
pub const LOCKED: u64 = 0o2000;
/// `SHM_DEST` of the mode that the program is shown: it is not in the word.
pub const DEST: u64 = 0o1000;

impl Words {
    /// This process is about to open the memory. The process that was the last one before.
    pub fn announce_attach(&self) -> u32 {
        let before = self.last.swap(Process::pid_of_memory(), Ordering::Relaxed);
        // With that in `has_been_attached`: if the memory could still be opened, the process that
        // then takes its name away sees this.
        fence(Ordering::SeqCst);
        before
    }

    /// Nothing has come of that, and this was the last process before.
    pub fn take_back_attach(&self, before: u32) {
        let own = Process::pid_of_memory();
        let _ = self.last.compare_exchange(own, before, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether a process may ever have opened the memory. Once the memory has lost its name, that
    /// changes no more.
    pub fn has_been_attached(&self) -> bool {
        fence(Ordering::SeqCst);
        self.last.load(Ordering::Relaxed) != 0
    }

    /// A process has attached it.
    pub fn note_attach(&self) {
        self.atime.store(realtime_seconds(), Ordering::Relaxed);
    }

    /// A process has detached it.
    pub fn note_detach(&self) {
        self.dtime.store(realtime_seconds(), Ordering::Relaxed);
        self.last.store(Process::pid_of_memory(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Words;
    use crate::atomic::Ordering;

    #[test]
    fn an_attach_that_fails_leaves_no_trace_and_hides_no_other_one() {
        // SAFETY: integers.
        let words: Words = unsafe { core::mem::zeroed() };
        assert!(!words.has_been_attached());
        let before = words.announce_attach();
        assert!(words.has_been_attached());
        words.take_back_attach(before);
        assert!(!words.has_been_attached());
        words.announce_attach();
        // Another process attaches it while this one fails.
        words.last.store(1, Ordering::Relaxed);
        words.take_back_attach(0);
        assert!(words.has_been_attached());
    }
}
