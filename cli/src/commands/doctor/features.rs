//! What the C library and newer kernels offer, and what is lost without it.

use std::ffi::{CStr, c_char, c_int};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use super::finding::Finding;
use crate::objects;

pub fn check() -> Vec<Finding> {
    let mut findings = vec![c_library(), queue_openers()];
    findings.extend(unnamed_files());
    findings.push(kernel_sysv());
    findings
}

unsafe extern "C" {
    fn gnu_get_libc_version() -> *const c_char;
}

fn c_library() -> Finding {
    // SAFETY: takes nothing, and gives a string of its own that stays.
    let version = unsafe { CStr::from_ptr(gnu_get_libc_version()) };
    Finding::good("libc", format!("glibc {}", version.to_string_lossy()))
}

/// `pidfd_getfd` of Linux 5.6: asked for a descriptor that nobody has.
fn queue_openers() -> Finding {
    const CHECK: &str = "pidfd_getfd";
    const NONE: c_int = -1;
    // SAFETY: takes no pointers; no descriptor is there, so none is made.
    let asked = unsafe { libc::syscall(libc::SYS_pidfd_getfd, NONE, NONE, 0) };
    let error = io::Error::last_os_error().raw_os_error();
    if asked < 0 && error == Some(libc::EBADF) {
        return Finding::good(
            CHECK,
            "is there: stat shows who receives from a queue and who sends",
        );
    }
    Finding::note(
        CHECK,
        "is missing (it came with Linux 5.6) or forbidden",
        "stat cannot show who has a queue open for receiving and who for sending",
    )
}

/// None where the directory cannot be used anyway.
fn unnamed_files() -> Option<Finding> {
    const CHECK: &str = "O_TMPFILE";
    let made = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_TMPFILE)
        .mode(0o600)
        .open(objects::directory());
    match made {
        Ok(_) => Some(Finding::good(CHECK, "works: an object has its name only when it is whole")),
        Err(error) => match error.raw_os_error()? {
            libc::EOPNOTSUPP | libc::EINVAL | libc::EISDIR => Some(Finding::note(
                CHECK,
                "is not known to the file system of the directory",
                "a process that is killed while it makes an object may leave a file .rsipc-…: \
                 `rsipc clean` removes it",
            )),
            _ => None,
        },
    }
}

fn kernel_sysv() -> Finding {
    const CHECK: &str = "kernel sysv";
    if std::path::Path::new("/proc/sysvipc/sem").exists() {
        return Finding::good(CHECK, "ls shows the kernel's own System V objects, too");
    }
    Finding::note(
        CHECK,
        "there is no /proc/sysvipc: the kernel has no System V objects, or does not show them",
        "ls cannot show those of programs that are not on librsipc",
    )
}
