//! Units that were given back twice, or by a thread that had not taken them. A single post does not
//! show that: a worker may take a task and post two new ones, and the last reader gives back what
//! the first one took. But in those cases all units are taken in the end. If the semaphore goes
//! with a value above its initial one, a post was one too many.

use watch_run::finding::Kind;
use watch_run::suspect::Clue;
use watch_run::tables::Object;

use super::case::Case;
use super::suspects;
use crate::memory::Failed;
use crate::peek;

/// Posts by the taker, after which one by another thread is suspect.
const KNOWN: u32 = 2;

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(0)
}

/// A thread takes a unit.
pub fn taken(case: &mut Case, index: usize) {
    let (tid, object) = (case.tid, &mut case.book.objects[index]);
    if object.first_taker == 0 {
        object.first_taker = tid;
    }
    object.is_common |= object.first_taker != tid;
    if case.own.gave == number(index) {
        case.own.gave = 0;
    }
    forget_failure(case, index);
    // Somebody else has given back what it had, and it knows that.
    suspects::clear(case.book, Kind::ForeignPost, Some(index), |suspect| {
        suspect.clue.taker == tid && !suspect.clue.is_complete
    });
}

/// A thread has waited in vain. If it posts next, it has gone on as if it had the unit.
pub fn not_taken(case: &mut Case, index: usize) {
    case.own.failed = Failed { object: number(index), error: case.call.error };
}

/// The error of the last wait of this thread, if it was for this semaphore and failed.
fn forget_failure(case: &mut Case, index: usize) -> Option<&'static str> {
    let failed = case.own.failed;
    if failed.object != number(index) {
        return None;
    }
    case.own.failed = Failed { object: 0, error: 0 };
    match failed.error {
        libc::EAGAIN => Some("EAGAIN"),
        libc::EINTR => Some("EINTR"),
        libc::ETIMEDOUT => Some("ETIMEDOUT"),
        _ => None,
    }
}

/// A thread gives back what it has taken.
pub fn given(case: &mut Case, index: usize) {
    case.own.gave = number(index);
    let tid = case.tid;
    for suspect in suspects::of(case.book, Kind::ForeignPost, Some(index)) {
        suspect.clue.is_complete |= suspect.clue.taker == tid;
    }
}

/// A thread gives back, without SEM_UNDO, what it has taken with it: when its process ends, the
/// kernel gives it back once more.
pub fn given_for_good(case: &mut Case, index: usize) {
    let tid = case.tid;
    let object = &mut case.book.objects[index];
    if object.taker != tid || !object.is_taken_undone || object.again != 0 {
        return;
    }
    object.again = tid;
    let clue = Clue { taker: tid, is_complete: true, ..Clue::default() };
    let text = format_args!(
        "given back without SEM_UNDO by a thread that took it with SEM_UNDO: the end of its \
         process gave it back once more"
    );
    case.suspect(Kind::ForeignPost, index, clue, text);
}

/// A thread posts what it has not taken, or has given back already.
pub fn posted(case: &mut Case, index: usize) {
    let tid = case.tid;
    let failure = forget_failure(case, index);
    let object = &mut case.book.objects[index];
    let is_again = case.own.gave == number(index) && object.again == 0;
    // A thread that waits before it posts knows it as a lock.
    let is_known = object.returns >= KNOWN || failure.is_some();
    let is_lock = object.initial == 1 && is_known;
    if !is_again && !is_lock {
        return;
    }
    object.again = tid;
    let (initial, returns) = (object.initial, object.returns);
    let (taker, taker_pid) = (object.taker, object.taker_pid);
    let clue = Clue { taker, is_complete: taker == 0, ..Clue::default() };
    if let Some(error) = failure {
        let text = format_args!("posted by a thread whose wait for it had failed with {error}");
        case.suspect(Kind::ForeignPost, index, clue, text);
    } else if taker != 0 {
        let text = format_args!(
            "posted by a thread that has not taken it: process {taker_pid}, thread {taker} has it"
        );
        case.suspect(Kind::ForeignPost, index, clue, text);
    } else if is_lock {
        let text = format_args!(
            "posted while no thread has it: it is a lock, initialised to 1, and its taker has \
             given it back {returns} times"
        );
        case.suspect(Kind::ForeignPost, index, clue, text);
    } else {
        let text = format_args!(
            "posted again by a thread that had given it back: it was initialised to {initial}, \
             and is left with more"
        );
        case.suspect(Kind::ForeignPost, index, clue, text);
    }
}

/// The value with a unit too many that was there until SEM_UNDO took it back. What SEM_UNDO gives
/// back for who had taken it does not count: of that, there is one post fewer than there are takes.
pub fn with_undone(object: &Object, value: i64) -> i64 {
    if object.is_undone { value.max(object.value) } else { value }
}

/// The call ends the life of the semaphore, which is at its first argument.
pub fn at_destroy(case: &mut Case, index: usize) {
    if case.book.objects[index].again == 0 {
        return;
    }
    if let Some(word) = peek::value::<u64>(case.call.arguments[0]) {
        let value = i64::try_from(word % (1 << 32)).unwrap_or(0);
        suspects::settle(case.book, index, value);
    }
}

/// The semaphore is about to be given a value.
pub fn begins(case: &mut Case, index: usize) {
    let object = &case.book.objects[index];
    if object.again != 0 {
        let value = object.value;
        suspects::settle(case.book, index, value);
    }
}
