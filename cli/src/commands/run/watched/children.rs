//! The program of a run and its descendants: waited for, and told of signals.

use std::ffi::c_int;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};

use crate::failure::{Failure, Result};

/// The program, for the handler.
static PROGRAM: AtomicI32 = AtomicI32::new(0);

/// Those that a terminal sends go to all processes in front of it.
const FROM_TERMINAL: [c_int; 2] = [libc::SIGINT, libc::SIGQUIT];
const HANDED_ON: [c_int; 4] = [libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];

extern "C" fn stay(_: c_int) {}

extern "C" fn hand_on(signal: c_int) {
    let program = PROGRAM.load(Ordering::Relaxed);
    if program > 0 {
        // SAFETY: a child of ours that has not been waited for: `reap` takes it out before.
        unsafe { libc::kill(program, signal) };
    }
}

/// What has been started.
pub struct Children {
    program: i32,
    status: Option<ExitStatus>,
    are_gone: bool,
}

impl Children {
    /// Starts the program. Descendants whose parent ends become children of this process.
    pub fn start(mut command: Command) -> Result<Self> {
        // SAFETY: plain numbers.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
        for signal in FROM_TERMINAL {
            catch(signal, stay);
        }
        for signal in HANDED_ON {
            catch(signal, hand_on);
        }
        let child = command.spawn().map_err(|error| {
            Failure::call(format_args!("cannot run {}", command.get_program().display()), error)
        })?;
        let program = child.id().cast_signed();
        PROGRAM.store(program, Ordering::Relaxed);
        Ok(Self { program, status: None, are_gone: false })
    }

    pub fn program(&self) -> i32 {
        self.program
    }

    /// Whether the program and all its descendants have ended.
    pub fn are_gone(&mut self) -> bool {
        while !self.are_gone {
            let mut status = 0;
            // SAFETY: there is room for the status. Nobody else waits for children of ours.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
            if pid == 0 {
                break;
            }
            if pid < 0 {
                self.are_gone = true;
            } else if pid == self.program {
                PROGRAM.store(0, Ordering::Relaxed);
                self.status = Some(ExitStatus::from_raw(status));
            }
        }
        self.are_gone
    }

    /// Ends all descendants. Each is a child of this process, or of one that is.
    pub fn end() {
        let own = std::process::id().cast_signed();
        for pid in descendants(own) {
            // SAFETY: a descendant, which was there a moment ago; its number is not given out again
            // before its parent has waited for it.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }

    /// As a shell would say it.
    pub fn status(&self) -> i32 {
        let status = self.status.unwrap_or_default();
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }
}

fn catch(signal: c_int, handler: extern "C" fn(c_int)) {
    // SAFETY: the action is plain data that is filled in completely; the handlers make one system
    // call at most. A program that is started has the default action again.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// By /proc/PID/task/TID/children (proc(5)).
fn descendants(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { continue };
        for thread in threads.flatten() {
            let listed = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children: Vec<i32> =
                listed.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            open.extend(&children);
            found.extend(children);
        }
    }
    found
}
