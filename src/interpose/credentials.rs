//! The calls that change credentials: `<unistd.h>`, `<grp.h>`, `<sys/fsuid.h>`, `<sched.h>`. Each
//! makes the C library's call, and marks what was found about permissions before as out of date
//! (`os/credentials.rs` of the core).

use std::ffi::{c_int, c_void};

use libc::{gid_t, size_t, uid_t};

use crate::entry::jump_to;
use crate::thread::on_this_thread;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::errno::preserved;
use rsipc_core::sysv::sem;

/// setuid(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setuid(user: uid_t) -> c_int {
    jump_to!(rsipc_c_setuid)
}

/// seteuid(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn seteuid(user: uid_t) -> c_int {
    jump_to!(rsipc_c_seteuid)
}

/// setreuid(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setreuid(real: uid_t, effective: uid_t) -> c_int {
    jump_to!(rsipc_c_setreuid)
}

/// setresuid(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setresuid(real: uid_t, effective: uid_t, saved: uid_t) -> c_int {
    jump_to!(rsipc_c_setresuid)
}

/// setgid(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setgid(group: gid_t) -> c_int {
    jump_to!(rsipc_c_setgid)
}

/// setegid(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setegid(group: gid_t) -> c_int {
    jump_to!(rsipc_c_setegid)
}

/// setresgid(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setresgid(real: gid_t, effective: gid_t, saved: gid_t) -> c_int {
    jump_to!(rsipc_c_setresgid)
}

/// setgroups(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setgroups(count: size_t, groups: *const gid_t) -> c_int {
    jump_to!(rsipc_c_setgroups)
}

/// setfsuid(2), of the calling thread.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setfsuid(user: uid_t) -> c_int {
    jump_to!(rsipc_c_setfsuid)
}

/// setfsgid(2), of the calling thread.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setfsgid(group: gid_t) -> c_int {
    jump_to!(rsipc_c_setfsgid)
}

/// capset(2), of the calling thread. No header of glibc declares it.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn capset(header: *mut c_void, sets: *const c_void) -> c_int {
    jump_to!(rsipc_c_capset)
}

/// unshare(2): in a new user namespace users, groups and capabilities are others.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unshare(flags: c_int) -> c_int {
    jump_to!(rsipc_c_unshare)
}

/// setns(2), as [`unshare`].
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setns(fd: c_int, kind: c_int) -> c_int {
    jump_to!(rsipc_c_setns)
}

/// The calling process, which has one thread, has left its list of adjustments.
#[unsafe(no_mangle)]
extern "C" fn rsipc_left_undo_list() {
    preserved(|| {
        // There is no caller to give an error to. What could not be undone is undone when the
        // process ends.
        let _ = uncancelled(|| on_this_thread(sem::leave));
    });
}
