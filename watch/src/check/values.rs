//! Decisions by `sem_getvalue`. What a program does with a value cannot be seen, but what follows
//! can: if a place in it always operates on the semaphore after one answer, and never after the
//! other, then it decides by the value.

use watch_run::calls::number;
use watch_run::finding::Kind;

use super::case::Case;
use crate::chaos::mix;
use crate::memory::Asked;
use crate::peek;

/// So often each.
const OFTEN: u16 = 2;

/// The next call of the thread.
pub fn before(case: &mut Case) {
    let asked = case.own.asked;
    if asked.site == 0 {
        return;
    }
    case.own.asked.site = 0;
    let operates = matches!(
        case.call.number,
        number::SEM_POST
            | number::SEM_WAIT
            | number::SEM_TRYWAIT
            | number::SEM_TIMEDWAIT
            | number::SEM_CLOCKWAIT
    );
    let follows = operates && case.call.object() == Some(asked.object as usize);
    let place = mix(asked.site, u64::from(asked.object)) | 1;
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
    let text = format_args!(
        "sem_getvalue decides: an operation followed when it said {when} ({counts} times), none \
         otherwise ({others} times)"
    );
    case.say(Kind::DecidedByValue, Some(asked.object as usize), text);
}

pub fn after(case: &mut Case) {
    if case.call.number != number::SEM_GETVALUE || !case.call.has_succeeded() {
        return;
    }
    let Some(object) = case.call.object() else { return };
    let Some(value) = peek::value::<i32>(case.call.arguments[1]) else { return };
    case.own.asked = Asked {
        site: case.call.site as u64,
        object: u32::try_from(object).unwrap_or(0),
        is_positive: value > 0,
    };
}
