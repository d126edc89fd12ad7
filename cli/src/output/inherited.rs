//! The standard descriptors, and SIGPIPE, as the parent of this process has left them.
//!
//! Rust's runtime changes them before `main`: it opens `/dev/null` in the place of a descriptor
//! that is closed, and ignores SIGPIPE. So they are looked at before that. A command whose standard
//! output is closed must fail, and a program that `rsipc run` runs gets what it would get without.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// 0, 1 and 2.
static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];
static IGNORES_BROKEN_PIPES: AtomicBool = AtomicBool::new(false);

#[used]
// SAFETY: the C library calls the functions of this section once, before `main`.
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = look;

extern "C" fn look() {
    for (descriptor, closed) in (0..).zip(&CLOSED) {
        // SAFETY: only asks.
        closed.store(unsafe { libc::fcntl(descriptor, libc::F_GETFD) } < 0, Ordering::Relaxed);
    }
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks; zeros are an action, if the call should fail.
    let handler = unsafe {
        libc::sigaction(libc::SIGPIPE, ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction
    };
    IGNORES_BROKEN_PIPES.store(handler == libc::SIG_IGN, Ordering::Relaxed);
}

/// Fails if the standard output is closed: nothing that is written would arrive.
pub fn check_stdout() -> io::Result<()> {
    if CLOSED[1].load(Ordering::Relaxed) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    Ok(())
}

/// `rsipc ls | head -1` ends quietly, as the programs around it do; unless SIGPIPE is ignored: then
/// they complain.
pub fn restore_broken_pipes() {
    let is_ignored = IGNORES_BROKEN_PIPES.load(Ordering::Relaxed);
    let action = if is_ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: neither is a function that could be called.
    unsafe { libc::signal(libc::SIGPIPE, action) };
}

/// For another program in the place of this process, or of a child: SIGPIPE, and no descriptor
/// where there was none. Async-signal-safe.
#[expect(clippy::unnecessary_wraps, reason = "what `CommandExt::pre_exec` takes")]
pub fn restore_all() -> io::Result<()> {
    restore_broken_pipes();
    for (descriptor, closed) in (0 as c_int..).zip(&CLOSED) {
        if closed.load(Ordering::Relaxed) {
            // SAFETY: it is what the runtime has opened, which no program after this one uses.
            unsafe { libc::close(descriptor) };
        }
    }
    Ok(())
}
