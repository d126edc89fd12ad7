//! How waits cross the edge: C drives them (`cbits/sleep.c`), and `rsipc_core::shared::wait` is the
//! machine.

use std::ffi::{c_int, c_long};

use rsipc_core::cbits::MUST_SLEEP;
#[cfg(target_arch = "x86_64")]
use rsipc_core::cbits::Sleep;
use rsipc_core::os::cpu;
use rsipc_core::os::errno::preserved;
#[cfg(target_arch = "x86_64")]
use rsipc_core::os::restartable::Ended;
#[cfg(target_arch = "x86_64")]
use rsipc_core::os::sleep::end_of_guarded;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::wait::Progress;

/// Whether a wait of this kind fits into the storage that C has for it.
pub const fn fits_in_c<T, Storage>() -> bool {
    size_of::<T>() <= size_of::<Storage>() && align_of::<T>() <= align_of::<Storage>()
}

/// What C is told of a call that has been attempted: `None` = the thread must sleep.
#[inline]
fn answer(done: Result<Option<()>>) -> c_int {
    match done {
        Ok(Some(())) => 0,
        Ok(None) => MUST_SLEEP,
        Err(Errno(number)) => number,
    }
}

/// A step of a wait, on the way to a call that succeeds: whatever fails in it, `errno` stays as it
/// is until C stores the error of the call.
pub fn step(next: impl FnOnce() -> c_int) -> c_int {
    preserved(next)
}

/// What C is told of a wait that has been driven one step further. `done` is given what it was for.
pub fn answer_of<D>(progress: Result<Progress<D>>, done: impl FnOnce(D)) -> c_int {
    answer(progress.map(|progress| match progress {
        Progress::Done(result) => {
            done(result);
            Some(())
        }
        Progress::MustSleep => None,
    }))
}

/// What `cbits/sleep.c` needs for a guarded sleep; 0 = there is none.
#[unsafe(no_mangle)]
extern "C" fn rsipc_rseq_offset() -> c_long {
    cpu::rseq_offset().unwrap_or(0) as c_long
}

/// What the end of a guarded sleep means.
///
/// # Safety
/// `sleep` is valid, and has just ended so.
#[cfg(target_arch = "x86_64")]
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_end_of_guarded(sleep: *mut Sleep, ended: Ended) -> c_int {
    // SAFETY: valid, says the caller.
    end_of_guarded(unsafe { &mut *sleep }, &ended)
}
