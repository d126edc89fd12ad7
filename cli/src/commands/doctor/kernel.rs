//! What the kernel offers, and the limits that are in force.

use std::ffi::{c_int, c_long};
use std::fs;
use std::io;
use std::ptr;

use super::finding::Finding;
use crate::objects;
use crate::processes;
use crate::survey::{Depth, Survey};

pub fn check() -> Vec<Finding> {
    let mut findings =
        vec![release(), waitv(), robust_lists(), membarrier(), processors(), descriptors()];
    findings.extend(kernel_queues());
    findings.extend(view());
    findings
}

/// Zero, or the error of the call.
fn errno_of(result: c_long) -> c_int {
    if result >= 0 { 0 } else { io::Error::last_os_error().raw_os_error().unwrap_or(0) }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn release() -> Finding {
    let release =
        read("/proc/sys/kernel/osrelease").unwrap_or_else(|| "of unknown release".to_owned());
    Finding::good("kernel", format!("Linux {release}"))
}

fn waitv() -> Finding {
    // SAFETY: no words to wait on, so nothing is read: EINVAL where the call exists.
    let error = errno_of(unsafe {
        libc::syscall(libc::SYS_futex_waitv, ptr::null::<u8>(), 0, 0, ptr::null::<u8>(), 0)
    });
    if error == libc::ENOSYS {
        return Finding::note(
            "futex_waitv",
            "is missing (it came with Linux 5.16)",
            "timed calls on queues fail with EINTR after a handler with SA_RESTART, where the kernel's own go on; \
             a post whose wake went to a killed waiter wakes nobody else",
        );
    }
    Finding::good(
        "futex_waitv",
        "is there: waits are restarted after signals as the kernel's own are",
    )
}

fn robust_lists() -> Finding {
    let (mut head, mut length) = (ptr::null_mut::<u8>(), 0_usize);
    // SAFETY: both are valid for writing; 0 is this thread.
    let error = errno_of(unsafe {
        libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut length)
    });
    if error != 0 || head.is_null() {
        return Finding::note(
            "robust list",
            "is missing: the kernel does not tell when a process is killed in the middle of a call on a queue",
            "other processes notice it within a second",
        );
    }
    Finding::good("robust list", "is there: a killed process delays no other process")
}

fn membarrier() -> Finding {
    const PRIVATE_EXPEDITED: c_long = 1 << 3;
    // SAFETY: a question without pointers: command 0 asks which ones there are.
    let known = unsafe { libc::syscall(libc::SYS_membarrier, 0, 0, 0) };
    if known >= 0 && known & PRIVATE_EXPEDITED != 0 {
        return Finding::good("membarrier", "is there");
    }
    Finding::note(
        "membarrier",
        "is missing or forbidden",
        "calls on queues cost some nanoseconds more",
    )
}

fn processors() -> Finding {
    // SAFETY: takes no pointer.
    match unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) } {
        1 => Finding::good("processors", "1: a wait yields once before it sleeps"),
        count => {
            Finding::good("processors", format!("{count}: a wait spins briefly before it sleeps"))
        }
    }
}

fn descriptors() -> Finding {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: valid for writing.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let text =
        format!("{} open files for each process; an open queue counts as one", limit.rlim_cur);
    if limit.rlim_cur < 256 {
        return Finding::note("files", text, "`ulimit -n 1024` allows more");
    }
    Finding::good("files", text)
}

/// The limits that plain programs have, and that librsipc does not.
fn kernel_queues() -> Option<Finding> {
    let limit = |name| read(&format!("/proc/sys/fs/mqueue/{name}"));
    let Some(messages) = limit("msg_max") else {
        return Some(Finding::good(
            "kernel mq",
            "the kernel has no queues: programs that use queues need librsipc",
        ));
    };
    let (size, queues) = (limit("msgsize_max")?, limit("queues_max")?);
    Some(Finding::good(
        "kernel mq",
        format!(
            "plain programs: {queues} queues of {messages} messages of {size} bytes; \
             on librsipc only with RSIPC_MQ_LIMITS=kernel"
        ),
    ))
}

/// How much of the other processes this user sees.
/// None where the directory cannot be read, which is told elsewhere.
fn view() -> Option<Finding> {
    const CHECK: &str = "/proc";
    objects::scan().ok()?;
    let Ok(survey) = Survey::take(Depth::Objects) else {
        let advice = "`mount -t proc proc /proc`";
        return Some(Finding::bad(CHECK, "cannot be read", advice));
    };
    let sleeping = survey.processes.values().filter(|process| process.is_seen());
    let hidden_threads =
        sleeping.filter(|process| processes::threads::of(process.pid).is_err()).count();
    Some(match (survey.unseen, hidden_threads) {
        (0, 0) => {
            Finding::good(CHECK, "all processes can be inspected: ls and graph see everything")
        }
        (0, threads) => Finding::note(
            CHECK,
            format!("what the threads of {threads} processes wait for is hidden"),
            "root sees it; with `sysctl kernel.yama.ptrace_scope=0`, the owner of the processes does, too",
        ),
        // SAFETY: takes no pointer.
        _ if unsafe { libc::geteuid() } == 0 => Finding::note(
            CHECK,
            survey.what_is_hidden(),
            "no change needed: a process with fewer capabilities may not inspect one with more, not even as root",
        ),
        _ => Finding::note(
            CHECK,
            survey.what_is_hidden(),
            "run the command as their owner, or as root",
        ),
    })
}
