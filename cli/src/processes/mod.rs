//! Who runs on this machine, what each process has open and mapped, and where its threads sleep:
//! from `/proc`.
//!
//! `/proc` is read once for a survey. What belongs to others may be hidden from an ordinary user;
//! then it is marked as not seen. A process that ends while it is looked at is as good as one that
//! had ended before.
//!
//! | module | |
//! |---|---|
//! | `access` | what a process has a file open for |
//! | `condition` | what a process is doing |
//! | `descriptors` | the open files of a process |
//! | `interest` | which open files are worth a look |
//! | `mappings` | the mapped files of a process |
//! | `pid` | numbers of processes and threads |
//! | `poll` | what a thread sleeps for in poll, select or epoll_wait |
//! | `signals` | what handlers a process has |
//! | `sleep` | the system call that a thread sleeps in |
//! | `threads` | the threads of a process |

mod access;
mod condition;
pub mod descriptors;
mod interest;
pub mod mappings;
mod pid;
pub mod poll;
pub mod signals;
pub mod sleep;
pub mod threads;

use std::io;

use crate::objects::file::FileId;
pub use access::Access;
pub use condition::{Condition, describe_call};
pub use descriptors::Descriptor;
pub use interest::Interest;
pub use mappings::Mapping;
pub use pid::Pid;
use threads::Thread;

/// From linux/sched.h: a thread of the kernel, which has no memory of a user.
const PF_KTHREAD: u32 = 0x0020_0000;

/// A process that runs.
#[derive(Debug)]
pub struct Process {
    pub pid: Pid,
    /// A thread that lives, the first one if it does. What a process has is seen through it: with
    /// the first thread, `/proc/PID` loses the mappings and the open files of the others.
    pub witness: Pid,
    pub parent: Pid,
    /// The name of the program, as the kernel shortens it. Any bytes but NUL.
    pub name: Vec<u8>,
    pub condition: Condition,
    started: u64,
    /// Mappings that are shared, or of what may be an object. None = we may not see them.
    pub mappings: Option<Vec<Mapping>>,
    /// Open files that may be objects. None = we may not see them.
    pub descriptors: Option<Vec<Descriptor>>,
}

impl Process {
    /// What it has mapped and open is known.
    pub fn is_seen(&self) -> bool {
        self.mappings.is_some() && self.descriptors.is_some()
    }

    /// The shared mapping that this address lies in.
    pub fn mapping_at(&self, address: u64) -> Option<&Mapping> {
        // The kernel lists them in the order of their addresses.
        let mappings = self.mappings.as_deref()?;
        let after = mappings.partition_point(|mapping| mapping.range.start <= address);
        mappings[..after]
            .last()
            .filter(|mapping| mapping.shared && mapping.range.contains(&address))
    }

    /// When it was started, in seconds since 1970; 0: unknown.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// The files it has mapped or open.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        let mapped = self.mappings.iter().flatten().map(|mapping| mapping.id);
        mapped.chain(self.descriptors.iter().flatten().map(|descriptor| descriptor.id))
    }

    /// Its threads, as they are now, without a first one that has ended. None = we may not see
    /// them, or they are gone.
    pub fn threads(&self) -> Option<Vec<Thread>> {
        let mut threads = threads::of(self.pid).ok()?;
        threads.retain(|thread| thread.tid != self.pid || self.witness == self.pid);
        Some(threads)
    }
}

/// All processes but the caller's own, in the order of their numbers.
pub fn read(interest: &Interest) -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    let own = std::process::id().cast_signed();
    let clock = (boot_time(), procfs::ticks_per_second().max(1));
    for process in procfs::process::all_processes().map_err(io::Error::other)? {
        let Ok(process) = process else { continue };
        if process.pid == own {
            continue;
        }
        processes.extend(read_one(&process, interest, clock));
    }
    processes.sort_by_key(|process| process.pid);
    Ok(processes)
}

fn read_one(
    process: &procfs::process::Process,
    interest: &Interest,
    (boot, ticks): (u64, u64),
) -> Option<Process> {
    let stat = process.stat().ok()?;
    let has_ended = matches!(stat.state, 'Z' | 'X');
    if stat.flags & PF_KTHREAD != 0 {
        return None;
    }
    let pid = process.pid;
    let started = boot + stat.starttime / ticks;
    let (parent, name) = (stat.ppid, name_of(&format!("/proc/{pid}/comm")));
    if has_ended && stat.num_threads <= 1 {
        let nothing = (Some(Vec::new()), Some(Vec::new()));
        let (mappings, descriptors) = nothing;
        return Some(Process {
            pid,
            witness: pid,
            parent,
            name,
            condition: Condition::Zombie,
            started,
            mappings,
            descriptors,
        });
    }
    let witness = if has_ended { threads::living(pid)? } else { pid };
    Some(Process {
        pid,
        witness,
        parent,
        name,
        // Where only the first thread has ended, the others go on.
        condition: Condition::of(if has_ended { 'S' } else { stat.state }),
        started,
        mappings: seen(mappings::of(witness, interest))?,
        descriptors: seen(descriptors::of(witness, interest))?,
    })
}

/// When the machine was started, in seconds since 1970; 0: unknown.
fn boot_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "));
    line.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(0)
}

/// The name in a `comm` file.
fn name_of(path: &str) -> Vec<u8> {
    let mut name = std::fs::read(path).unwrap_or_default();
    name.pop_if(|last| *last == b'\n');
    name
}

/// `Some(None)` = hidden from us, `None` = the process is gone.
#[expect(clippy::option_option, reason = "three answers")]
fn seen<T>(read: io::Result<T>) -> Option<Option<T>> {
    match read {
        Ok(what) => Some(Some(what)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => None,
        Err(_) => Some(None),
    }
}
