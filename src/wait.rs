//! How waits cross the edge: C drives them (`cbits/sleep.c`), and `rsipc_core::shared::wait` is the
//! machine.

use core::mem::{MaybeUninit, align_of, size_of};
use std::ffi::c_int;

use rsipc_core::os::errno::preserved;
use rsipc_core::os::futex::Sleep;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::wait::Progress;

/// `RSIPC_MUST_SLEEP` of `cbits/rsipc_cbits.h`
pub const MUST_SLEEP: c_int = 4096;

/// `struct rsipc_wait`: room for a wait of any kind.
#[repr(C)]
pub struct CWait(MaybeUninit<[u64; size_of::<Sleep>() / 8 + 44]>);

impl CWait {
    /// Whether a wait of this kind has room.
    pub const fn has_room_for<T>() -> bool {
        size_of::<T>() <= size_of::<Self>() && align_of::<T>() <= align_of::<Self>()
    }
}

/// `struct rsipc_wait_kind`
#[repr(C)]
pub struct WaitKind {
    /// After a sleep.
    pub woken: unsafe extern "C" fn(*mut CWait, c_int) -> c_int,
    /// In the place of what would follow the sleep.
    pub cancelled: unsafe extern "C" fn(*mut CWait),
    /// Whether the thread can be cancelled in its sleep.
    pub is_cancellation_point: c_int,
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
