//! Which process this is.
//!
//! The pid alone does not identify it: the child of a vfork(2) shares the memory of its parent, so
//! nothing that is written there distinguishes the two; and a pid 1 may have a child that is pid 1
//! of another PID namespace. So there is a *generation* as well, in a page that the kernel wipes in
//! the child of any fork (`MADV_WIPEONFORK`).
//!
//! | in the child of | generation | pid |
//! |---|---|---|
//! | fork, raw clone | another one | another one, or 1 again |
//! | vfork, clone with CLONE_VM | the parent's | another one, or 1 again: then it has no robust list yet |
//! | exec | another one | the same |

use core::ptr;

use super::robust;
use super::wiped::{self, Wiped};
use crate::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// See [`random_numbers`].
pub(super) const RANDOM_NUMBERS: usize = 15;

/// What distinguishes this process from all others that have, or had, a copy of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// 0 in a child that shares its parent's memory and pid.
    generation: u64,
    pid: u32,
}

/// The wiped page: all zeros in a new process, until it asks for the first time.
#[repr(C)]
struct Page {
    /// Set once, from 0, by the first one that asks; the other two are set before.
    generation: AtomicU64,
    /// The process that asked first: it owns this memory.
    owner: AtomicU32,
    /// Whether its threads have robust lists.
    has_robust_list: AtomicBool,
    /// See [`is_in_barriers`].
    is_in_barriers: AtomicBool,
    /// See [`own_threads`].
    own_threads: AtomicU32,
    /// See [`random_numbers`].
    random_numbers: [AtomicU64; RANDOM_NUMBERS],
}

// SAFETY: zeros are a page of nobody, and all fields are atomics.
unsafe impl Wiped for Page {}

static PAGE: AtomicPtr<Page> = AtomicPtr::new(ptr::null_mut());
/// Used instead of the page where none can be mapped: a process and its forked child differ by the
/// pid alone then.
static FALLBACK: Page = Page {
    generation: AtomicU64::new(0),
    owner: AtomicU32::new(0),
    has_robust_list: AtomicBool::new(false),
    is_in_barriers: AtomicBool::new(false),
    own_threads: AtomicU32::new(0),
    random_numbers: [const { AtomicU64::new(0) }; RANDOM_NUMBERS],
};
/// The last generation that was drawn here. It is inherited, so that a child draws another one than
/// its parent.
static LAST: AtomicU64 = AtomicU64::new(0);

impl Process {
    /// The calling process. Costs a system call. Async-signal-safe.
    pub fn this() -> Self {
        let (page, pid) = (page(), pid());
        let generation = page.drawn(pid);
        let shares_pid = pid == 1
            && page.has_robust_list.load(Ordering::Relaxed)
            && robust::pending().is_none()
            && thread_id() == pid;
        Self { generation: if shares_pid { 0 } else { generation }, pid }
    }

    /// Whether the memory of the calling process is its own, so that what it holds about
    /// descriptors, threads and registrations applies to this process. Not so in the child of a
    /// vfork(2).
    pub fn owns_memory() -> bool {
        let this = Self::this();
        this.generation != 0 && page().owner.load(Ordering::Relaxed) == this.pid
    }

    /// The PID of the process that owns the memory of the calling one: the process itself, except
    /// in the child of a vfork(2). Makes a system call the first time only.
    #[inline]
    pub fn pid_of_memory() -> u32 {
        let page = page();
        // Acquire: a thread that sees the generation sees the owner.
        match page.generation.load(Ordering::Acquire) {
            0 => Self::this().pid,
            _ => page.owner.load(Ordering::Relaxed),
        }
    }

    /// What distinguishes the process that owns the memory of the calling one from all processes
    /// whose memory this is a copy of, whatever their pids. Never 0. Makes a system call the first
    /// time only.
    #[inline]
    pub fn generation_of_memory() -> u32 {
        let known = page().generation.load(Ordering::Acquire);
        let generation = if known == 0 { page().drawn(pid()) } else { known };
        // It grows by one with each fork of a line of descent, and does not come to 32 bits.
        u32::try_from(generation).unwrap_or(u32::MAX)
    }

    /// Its pid, in its own PID namespace.
    pub fn pid(self) -> u32 {
        self.pid
    }
}

impl Page {
    /// The generation, drawn now if there is none yet.
    fn drawn(&self, pid: u32) -> u64 {
        let known = self.generation.load(Ordering::Acquire);
        if known != 0 {
            return known;
        }
        self.owner.store(pid, Ordering::Relaxed);
        self.has_robust_list.store(robust::pending().is_some(), Ordering::Relaxed);
        let new = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        // Release: a thread that sees the generation sees the owner.
        match self.generation.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            Err(theirs) => theirs,
        }
    }
}

/// Whether this process has told the kernel that it takes part in barriers (`membarrier`), which
/// stores it. False in the child of a fork, which has to tell it anew. Async-signal-safe.
pub(super) fn is_in_barriers() -> &'static AtomicBool {
    &page().is_in_barriers
}

/// How many threads of the library's own run in this process that the C library does not know of:
/// `spawn` adds one when it has started one, and the thread takes itself away. 0 in the child of a
/// fork, which has none of them. Async-signal-safe.
pub(super) fn own_threads() -> &'static AtomicU32 {
    &page().own_threads
}

/// Where `random` keeps numbers for later: 0 = none. The child of a fork does not know those of its
/// parent. `None`: it would. Async-signal-safe.
pub(super) fn random_numbers() -> Option<&'static [AtomicU64; RANDOM_NUMBERS]> {
    let page = page();
    (!ptr::eq(page, &raw const FALLBACK)).then_some(&page.random_numbers)
}

fn page() -> &'static Page {
    let known = PAGE.load(Ordering::Acquire);
    // SAFETY: never unmapped once it is stored.
    if let Some(page) = unsafe { known.as_ref() } {
        return page;
    }
    map_page().unwrap_or(&FALLBACK)
}

#[cold]
fn map_page() -> Option<&'static Page> {
    let new = wiped::map::<Page>(1).ok()?;
    match PAGE.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: what has just been mapped for it, and is never unmapped.
        Ok(_) => Some(unsafe { &*new }),
        // SAFETY: another thread has mapped it, and it is never unmapped.
        Err(theirs) => Some(unsafe { &*theirs }),
    }
}

/// Bare calls: the C library may have been told otherwise.
fn pid() -> u32 {
    // SAFETY: takes no arguments.
    u32::try_from(unsafe { libc::syscall(libc::SYS_getpid) }).unwrap_or(0)
}

fn thread_id() -> u32 {
    // SAFETY: takes no arguments.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a child finds, as its exit status. `flags` are those of clone(2).
    fn in_child(flags: libc::c_int, question: impl Fn() -> bool) -> bool {
        // SAFETY: the child makes system calls only and ends; with CLONE_VM the parent waits until
        // then.
        unsafe {
            let child = libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0);
            if child == 0 {
                let answer = question();
                libc::syscall(libc::SYS_exit_group, i32::from(answer));
            }
            assert!(child > 0, "clone failed");
            let mut status = 0;
            let child = libc::pid_t::try_from(child).unwrap();
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            libc::WEXITSTATUS(status) == 1
        }
    }

    #[test]
    fn a_process_is_itself() {
        assert_eq!(Process::this(), Process::this());
        assert!(Process::owns_memory());
    }

    #[test]
    fn a_forked_child_is_another_one_that_owns_its_memory() {
        let parent = Process::this();
        assert!(in_child(0, || Process::this() != parent && Process::owns_memory()));
    }
}
