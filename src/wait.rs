//! How waits cross the edge: C drives them (`cbits/sleep.c`), and `rsipc_core::shared::wait` is the
//! machine.

use std::ffi::c_int;

use rsipc_core::cbits::MUST_SLEEP;
use rsipc_core::os::errno::preserved;
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
