//! Tokens that a thread has given back twice. Of one post alone that cannot be said: a worker may
//! take a task and post two new ones. But these are taken in the end. Where nobody has the
//! semaphore any more and its value is above what it was made with, the second post was one too
//! many.

use watch_run::finding::Kind;
use watch_run::tables::HANDLES;

use super::case::Case;
use crate::{book, peek, system};

/// A thread takes a token.
pub fn taken(case: &mut Case, index: usize) {
    let (tid, object) = (case.tid, &mut case.book.objects[index]);
    if object.first_taker == 0 {
        object.first_taker = tid;
    }
    object.is_common |= object.first_taker != tid;
    if case.own.gave == number(index) {
        case.own.gave = 0;
    }
}

/// A thread gives back what it has taken.
pub fn given(case: &mut Case, index: usize) {
    case.own.gave = number(index);
}

/// A thread posts what it has not taken, or has given back already.
pub fn posted(case: &mut Case, index: usize) {
    let object = &mut case.book.objects[index];
    if case.own.gave == number(index) && object.again == 0 && !object.is_signal {
        (object.again, object.again_pid) = (case.tid, case.pid);
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(0)
}

/// The process ends.
pub fn at_exit(case: &mut Case) {
    for index in 0..HANDLES {
        let handle = case.book.handles[index];
        if handle.pid == case.pid && !handle.is_over {
            at_end(case, handle.object as usize, handle.key);
        }
    }
}

/// This process has done with the semaphore, which is at `address` in it.
pub fn at_end(case: &mut Case, index: usize, address: u64) {
    let has_other = case.book.handles.iter().any(|other| {
        other.pid > 0
            && other.pid != case.pid
            && other.object as usize == index
            && !other.is_over
            && system::is_alive(other.pid)
    });
    if case.book.objects[index].again == 0 || has_other {
        return;
    }
    if let Some(word) = peek::value::<u64>(address) {
        left_with(case, index, word % (1 << 32));
    }
}

/// Nobody uses the semaphore any more, and it has this value.
pub fn left_with(case: &mut Case, index: usize, value: u64) {
    let object = case.book.objects[index];
    let (thread, initial) = (object.again, object.initial);
    // A single thread admits nobody else to what it has several of.
    let is_one = thread != 0 && (initial == 1 || object.is_common);
    if !is_one || value <= u64::from(initial) {
        return;
    }
    let text = format_args!(
        "a thread posted it again after it had given it back; made with {initial}, it is left with \
         {value}"
    );
    let who = (object.again_pid, thread);
    case.found.add(case.book, Kind::ForeignPost, Some(index), who, text);
}

/// As [`at_end`], of the semaphore that the call ends the use of.
pub fn at_call(case: &mut Case, index: usize) {
    let address = case.call.arguments[0];
    let opens = book::handle(case.book, case.pid, address)
        .map_or(0, |handle| case.book.handles[handle].opens);
    if opens <= 1 {
        at_end(case, index, address);
    }
}
