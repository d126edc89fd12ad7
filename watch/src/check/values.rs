//! Decisions by `sem_getvalue`, or by `semctl` with GETVAL. What a program does with a value cannot
//! be seen, but what follows can: if a place in it always operates on the semaphore after one
//! answer, and never after the other, then it decides by the value. That is a mistake where others
//! take from it, too.

use watch_run::calls::number;
use watch_run::finding::Kind;

use super::case::Case;
use super::{members, system_v};
use crate::call::Call;
use crate::chaos::mix;
use crate::memory::Asked;
use crate::{next, peek, stack};

/// So often each.
const OFTEN: u16 = 2;

/// Whether the call asks for a value.
fn asks(call: &Call) -> bool {
    let is_of_set = call.number == number::SEMCTL;
    call.number == number::SEM_GETVALUE
        || (is_of_set && next::number(call.arguments[2]) == libc::GETVAL)
}

/// Callers that make a place: who shows values has one function for it, and asks in many places.
const CALLERS: usize = 4;

/// Notes where it is asked, before the call.
pub fn note_place(call: &mut Call) {
    if asks(call) {
        let (counters, _) = stack::take(call.site);
        call.hash = counters[..CALLERS].iter().fold(1, |sum, &counter| mix(sum, counter)) | 1;
    }
}

/// Whether the call takes from the semaphore, or gives to it.
fn operates(call: &Call, asked: Asked) -> bool {
    let is_meant = |operation: libc::sembuf| u32::from(operation.sem_num) == asked.member;
    matches!(
        call.number,
        number::SEM_POST
            | number::SEM_WAIT
            | number::SEM_TRYWAIT
            | number::SEM_TIMEDWAIT
            | number::SEM_CLOCKWAIT
    ) || system_v::operations(call).any(is_meant)
}

/// The next call of the thread on what it has asked for. A log, or another lock, may come before.
pub fn before(case: &mut Case) {
    let asked = case.own.asked;
    if asked.site == 0 || case.call.object() != Some(asked.object as usize) {
        return;
    }
    // A function that asks in one place may call a function that asks once more: Python's `release`
    // does.
    if asks(case.call) && case.call.hash != asked.site {
        return;
    }
    case.own.asked.site = 0;
    let follows = operates(case.call, asked);
    let place = mix(asked.site, u64::from(asked.object) << 32 | u64::from(asked.member)) | 1;
    let decisions = &mut case.book.decisions;
    let Some(entry) = decisions.iter_mut().find(|entry| entry.place == place || entry.place == 0)
    else {
        return;
    };
    entry.place = place;
    let count = &mut entry.counts[usize::from(asked.is_positive)][usize::from(!follows)];
    *count = count.saturating_add(1);
    let [zero, positive] = entry.counts;
    let is_clear = |one: [u16; 2], other: [u16; 2]| {
        one[0] >= OFTEN && one[1] == 0 && other[1] >= OFTEN && other[0] == 0
    };
    let (when, counts, others) = if is_clear(zero, positive) {
        ("0", zero[0], positive[1])
    } else if is_clear(positive, zero) {
        ("more than 0", positive[0], zero[1])
    } else {
        return;
    };
    if !others_take(case, asked) {
        return;
    }
    let name = if asked.is_set { "GETVAL" } else { "sem_getvalue" };
    let text = format_args!(
        "{name} decides: an operation followed when it said {when} ({counts} times), none \
         otherwise ({others} times)"
    );
    case.say(Kind::DecidedByValue, Some(asked.object as usize), text);
}

/// Whether another thread has taken from it. A thread that alone takes may rely on a value above 0:
/// it is no less when that thread takes.
fn others_take(case: &Case, asked: Asked) -> bool {
    let set = asked.object as usize;
    let object = if asked.is_set {
        members::known(case.book, set, u64::from(asked.member))
    } else {
        Some(set)
    };
    object.is_none_or(|index| {
        let object = &case.book.objects[index];
        object.is_common || (object.first_taker != 0 && object.first_taker != case.tid)
    })
}

pub fn after(case: &mut Case) {
    let call = &*case.call;
    if !asks(call) || !call.has_succeeded() {
        return;
    }
    let Some(object) = call.object() else { return };
    if case.own.asked.site != 0 && case.own.asked.object as usize == object {
        return;
    }
    let is_set = call.number == number::SEMCTL;
    let value = if is_set {
        Some(next::number(call.result.cast_unsigned()))
    } else {
        peek::value::<i32>(call.arguments[1])
    };
    let Some(value) = value else { return };
    case.own.asked = Asked {
        site: call.hash,
        object: u32::try_from(object).unwrap_or(0),
        member: if is_set { next::number(call.arguments[1]).unsigned_abs() } else { 0 },
        is_positive: value > 0,
        is_set,
    };
}
