//! Whether a thread may make system calls that glibc does not make in its place, in a wait or where
//! memory is given back: a seccomp(2) filter may kill the process for such a call.
//!
//! No system call reports what a filter would do. But it is known which programs install filters:
//!
//! * Filters of containers are there when the program starts, and the first process of the
//!   container has the same number of them. They refuse unknown calls with an errno. So the call is
//!   tried.
//! * Filters of a service manager are there when the program starts, too, but the first process has
//!   fewer. Many of them kill the process.
//! * Filters that a program installs for itself come later. Many of them kill, too. A thread looks
//!   for one before its first such call, with prctl(2), which nearly all of them allow.
//!
//! In the last two cases the call is not made. Nor is it made under valgrind(1), which complains at
//! length about calls that it does not know. `RSIPC_FUTEX=classic` says so in advance, for a
//! filter that forbids prctl(2), too, or that is installed after the first wait of the thread;
//! `RSIPC_FUTEX=waitv` says the opposite.

use core::ffi::CStr;
use core::ops::ControlFlow;

use crate::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::os::errno::preserved;
use crate::os::lines;
use crate::os::open::Open;
use crate::os::settings::{self, Futex};
use crate::os::valgrind;

/// What was found when the process first opened an object.
///
/// | value | meaning |
/// |---|---|
/// | 0 | it has opened none; a thread must look for itself |
/// | [`NONE`] | no filter; a thread must look for itself |
/// | [`FREE`] | a container's |
/// | [`CONFINED`] | another one |
///
/// Stored by [`look_while_opening`] alone. Relaxed, as all in here: nothing is published through
/// it.
static STATE: AtomicU8 = AtomicU8::new(0);

const FREE: u8 = 1;
const CONFINED: u8 = 2;
const NONE: u8 = 3;

/// The kernel has answered that it does not know `futex_waitv`, or that it is forbidden. Only ever
/// set: a thread that does not see it yet finds out for itself.
static VECTORS_REFUSED: AtomicBool = AtomicBool::new(false);

/// What a thread has found out: a filter that is put on one thread is not on the others. 0 =
/// nothing yet.
#[repr(transparent)]
#[derive(Default)]
pub struct Found(AtomicU8);

impl Found {
    /// Whether the thread that this belongs to may make no call that glibc would not make: in a
    /// wait, or where memory is given back.
    pub fn is_confined(&self) -> bool {
        match settings::get().futex {
            Futex::Classic => true,
            Futex::WaitV => false,
            Futex::AsPermitted => match STATE.load(Ordering::Relaxed) {
                0 | NONE => self.look() == CONFINED,
                state => state == CONFINED,
            },
        }
    }

    /// Whether it may call `futex_waitv`.
    pub fn may_wait_on_vectors(&self) -> bool {
        !VECTORS_REFUSED.load(Ordering::Relaxed) && !self.is_confined()
    }

    /// Whether it may call sched_yield(2).
    pub fn may_yield(&self) -> bool {
        !self.is_confined()
    }

    fn look(&self) -> u8 {
        let mut found = self.0.load(Ordering::Relaxed);
        if found == 0 {
            found = if is_any() || valgrind::is_running() { CONFINED } else { FREE };
            self.0.store(found, Ordering::Relaxed);
        }
        found
    }

    /// Another thread has it now.
    pub fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// [`Found::is_confined`] for what does not know what the calling thread has found: this may cost a
/// system call each time.
pub fn is_confined() -> bool {
    Found::default().is_confined()
}

/// Whether the calling thread may call sched_yield(2). The same otherwise.
pub fn may_yield() -> bool {
    !is_confined()
}

/// Whether the calling thread has a filter. A system call.
pub fn is_any() -> bool {
    // SAFETY: takes no pointer. The bare call: another library may have put its own `prctl` in
    // front.
    let ask = || unsafe { libc::syscall(libc::SYS_prctl, libc::PR_GET_SECCOMP, 0, 0, 0, 0) };
    // An error: the kernel has no filters.
    preserved(ask) > 0
}

/// The kernel has refused `futex_waitv`.
pub fn refuse_vectors() {
    VECTORS_REFUSED.store(true, Ordering::Relaxed);
}

/// Called when the process opens an object: a filter that allows that also allows opening and
/// reading two more files. Async-signal-safe.
pub fn look_while_opening() {
    if STATE.load(Ordering::Relaxed) == 0 {
        let state = match preserved(|| filters(c"/proc/self/status")) {
            _ if valgrind::is_running() => CONFINED,
            None | Some(0) => NONE,
            own if own == preserved(|| filters(c"/proc/1/status")) => FREE,
            Some(_) => CONFINED,
        };
        STATE.store(state, Ordering::Relaxed);
    }
}

/// The number of filters of the process with this status; `None`: it cannot be read, or the kernel
/// is older than 5.9, and then it has no `futex_waitv` either.
fn filters(status: &CStr) -> Option<u32> {
    const NAME: &[u8] = b"Seccomp_filters:\t";
    // Lines that matter are much shorter.
    const LONGEST: usize = 256;
    let status = Open::new(status, libc::O_RDONLY).ok()?;
    let mut number = None;
    let read = lines::each::<LONGEST>(&status, |line| match line.strip_prefix(NAME) {
        Some(digits) => {
            number = number_of(digits);
            ControlFlow::Break(())
        }
        None => ControlFlow::Continue(()),
    });
    read.ok()?;
    number
}

fn number_of(digits: &[u8]) -> Option<u32> {
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits
        .map(|digit| u32::from(digit - b'0'))
        .reduce(|number, digit| number.saturating_mul(10) + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_this_process_are_counted() {
        let text = std::fs::read_to_string("/proc/self/status").expect("the kernel has /proc");
        let line = text.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"));
        let expected = line.map(|number| number.trim().parse().expect("a number"));
        assert_eq!(filters(c"/proc/self/status"), expected);
        assert_eq!(filters(c"/proc/no/status"), None);
    }

    #[test]
    fn what_a_thread_has_found_is_asked_for_once() {
        let found = Found::default();
        assert_eq!(found.look(), found.look());
        assert_ne!(found.0.load(Ordering::Relaxed), 0);
        found.forget();
        assert_eq!(found.0.load(Ordering::Relaxed), 0);
    }
}
