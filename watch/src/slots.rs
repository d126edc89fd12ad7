//! Threads that are in a call: for the command, which sees how long they wait, and for who destroys
//! what others wait on.

use std::sync::atomic::Ordering;

use watch_run::calls::CALLS;
use watch_run::tables::{THREADS, Tables, Thread};

use crate::call::Call;
use crate::{stack, system, who};

/// Enters the call; -1 if there is no room. A call that waits gets its stack; whether that leads
/// through a signal handler is the second result.
pub fn enter(run: &Tables, call: &Call, with_stack: bool) -> (i32, bool) {
    let (pid, tid) = (who::pid(), who::tid());
    let start = tid.unsigned_abs() as usize;
    let free = (0..8).map(|step| (start + step) % THREADS).find(|&index| {
        let word = &run.threads[index].tid;
        // Acquire: with the Release of who had it before.
        word.compare_exchange(0, tid, Ordering::Acquire, Ordering::Relaxed).is_ok()
            || reclaim(word, tid)
    });
    let Some(index) = free else { return (-1, false) };
    let slot = &run.threads[index];
    slot.pid.store(pid, Ordering::Relaxed);
    slot.object.store(0, Ordering::Relaxed);
    slot.began.store(call.began, Ordering::Relaxed);
    for (place, &argument) in slot.arguments.iter().zip(&call.arguments) {
        place.store(argument, Ordering::Relaxed);
    }
    let mut in_handler = false;
    if with_stack && CALLS[call.index()].waits {
        let (counters, handler) = stack::take(call.site);
        in_handler = handler;
        for (place, counter) in slot.stack.iter().zip(counters) {
            place.store(counter, Ordering::Relaxed);
        }
    } else {
        slot.stack[0].store(0, Ordering::Relaxed);
    }
    let number = u32::try_from(call.index() + 1).unwrap_or(0);
    // Release: the fields before, for who reads this first.
    slot.call.store(number, Ordering::Release);
    (i32::try_from(index).unwrap_or(-1), in_handler)
}

/// Takes the slot of a thread that has ended in its call.
fn reclaim(word: &std::sync::atomic::AtomicI32, tid: i32) -> bool {
    let owner = word.load(Ordering::Relaxed);
    // A handler's call does not take the slot of the one that it interrupts.
    owner != tid
        && owner != 0
        && !system::is_alive(owner)
        && word.compare_exchange(owner, tid, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// The thread has left its call. The slot may be another's by now if nobody knew that it had.
pub fn leave(run: &Tables, index: i32) {
    let Ok(index) = usize::try_from(index) else { return };
    let slot = &run.threads[index];
    if slot.tid.load(Ordering::Relaxed) != who::tid() {
        return;
    }
    slot.call.store(0, Ordering::Relaxed);
    slot.tid.store(0, Ordering::Release);
}

pub fn set_object(run: &Tables, index: i32, object: usize) {
    if let Ok(index) = usize::try_from(index) {
        let number = u32::try_from(object + 1).unwrap_or(0);
        run.threads[index].object.store(number, Ordering::Relaxed);
    }
}

/// Whether a thread of the process is in a call, or has ended in one.
pub fn is_in_call(run: &Tables, pid: i32) -> bool {
    run.threads.iter().any(|slot: &Thread| {
        slot.call.load(Ordering::Acquire) != 0
            && slot.pid.load(Ordering::Relaxed) == pid
            && slot.tid.load(Ordering::Relaxed) != 0
    })
}

/// A thread that sleeps, or is about to, in a call on this object: it alone is looked at, for
/// nobody else's memory is sure.
pub fn waiter(run: &Tables, object: usize, but: i32) -> Option<(i32, i32)> {
    run.threads.iter().find_map(|slot: &Thread| {
        let number = slot.call.load(Ordering::Acquire) as usize;
        let waits = number > 0 && CALLS.get(number - 1).is_some_and(|call| call.waits);
        let tid = slot.tid.load(Ordering::Relaxed);
        let is_it = slot.object.load(Ordering::Relaxed) as usize == object + 1;
        (waits && is_it && tid != but && tid != 0 && !system::has_ended(tid))
            .then(|| (slot.pid.load(Ordering::Relaxed), tid))
    })
}
