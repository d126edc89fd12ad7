//! Waits in signal handlers. One is for the thread that it interrupts if that has the semaphore. If
//! it has not, it might have: unless it blocks the signal whenever it takes it.

use watch_run::calls::{CALLS, number};
use watch_run::finding::Kind;
use watch_run::suspect::Clue;

use super::case::Case;
use super::{suspects, system_v};
use crate::system;

/// What `Call::value` says of a call that may wait.
const IN_HANDLER: i32 = 1;

/// A call that may wait.
pub fn before(case: &mut Case) {
    if system_v::returns_at_once(case.call) {
        return;
    }
    case.call.value = IN_HANDLER;
    match case.call.object() {
        Some(index) if case.is_on_semaphore() => waits(case, index),
        // The semaphores of a set are known when its operations are.
        _ if matches!(case.call.number, number::SEMOP | number::SEMTIMEDOP) => {}
        object => {
            let name = CALLS[case.call.index()].name;
            case.say(Kind::InHandler, object, format_args!("{name} in a signal handler"));
        }
    }
}

pub fn is_in_one(case: &Case) -> bool {
    case.call.value == IN_HANDLER
}

/// A handler waits for this semaphore.
pub fn waits(case: &mut Case, index: usize) {
    let name = CALLS[case.call.index()].name;
    let number = u32::try_from(index + 1).unwrap_or(0);
    if case.own.held.contains(&number) && !case.book.objects[index].is_signal {
        let text = format_args!("{name} in a signal handler, whose thread has it");
        case.say(Kind::InHandler, Some(index), text);
        return;
    }
    let tid = case.tid;
    if suspects::of(case.book, Kind::InHandler, Some(index)).any(|suspect| suspect.tid == tid) {
        return;
    }
    let takes = case.own.takes.iter().find(|takes| takes.object == number);
    let mask = handled(case.own.mask) & takes.map_or(u64::MAX, |takes| takes.mask);
    let clue = Clue { mask, is_plain: takes.is_some(), ..Clue::default() };
    case.suspect(Kind::InHandler, index, clue, format_args!("{name} in a signal handler"));
}

/// The thread has waited for this semaphore, and taken it, outside of handlers.
pub fn taken(case: &mut Case, index: usize) {
    if !CALLS[case.call.index()].waits || is_in_one(case) {
        return;
    }
    case.own.take_plainly(u32::try_from(index).unwrap_or(u32::MAX - 1));
    let (tid, mask) = (case.tid, case.own.mask);
    for suspect in suspects::of(case.book, Kind::InHandler, Some(index)) {
        if suspect.tid == tid {
            suspect.clue.is_plain = true;
            suspect.clue.mask &= mask;
        }
    }
}

/// Those of the signals that have a handler: it is one of these that we are in.
fn handled(mask: u64) -> u64 {
    let is_one = |&signal: &i32| mask & 1 << (signal - 1) != 0 && system::has_handler(signal);
    (1..=64).filter(is_one).fold(0, |found, signal| found | 1 << (signal - 1))
}
