//! The threads of a process: `/proc/PID/task`.

use std::ffi::c_long;
use std::fs;
use std::io;

use super::condition::Condition;
use super::pid::Pid;
use super::sleep::{self, Sleep};

/// A thread, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub tid: Pid,
    /// The number of the system call that it is in. None = it is in no call.
    pub call: Option<c_long>,
    /// None = it runs, or waits for something that is nothing to us.
    pub sleep: Option<Sleep>,
}

/// Fails when we may not see what the threads do.
pub fn of(pid: Pid) -> io::Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let Some(tid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let (call, sleep) = match sleep::of(pid, tid) {
            Ok(found) => found,
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        threads.push(Thread { tid, call, sleep });
    }
    Ok(threads)
}

/// A thread of the process that has not ended.
pub fn living(pid: Pid) -> Option<Pid> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let lives = |tid: &Pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
        // The name of the thread stands in parentheses in front of it, and may have any of its own.
        let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
        state.is_some_and(|letter| Condition::of(letter) != Condition::Zombie)
    };
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(lives)
}
