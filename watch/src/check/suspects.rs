//! What looks like a mistake, until later events tell whether it is one. The line of the report is
//! made when the call is, for its stack; it is written at the end of the run.

use std::sync::atomic::Ordering;

use watch_run::calls::CALLS;
use watch_run::finding::Kind;
use watch_run::suspect::{LINE, Suspect};
use watch_run::tables::{Book, Object, Tables};

use super::report;
use crate::line::Line;
use crate::{records, run};

const fn number(kind: Kind) -> u32 {
    kind as u32 + 1
}

/// Those of this kind, of an object if it is given.
pub fn of(
    book: &mut Book,
    kind: Kind,
    object: Option<usize>,
) -> impl Iterator<Item = &mut Suspect> {
    let used = book.suspects_used as usize;
    book.suspects.iter_mut().take(used).filter(move |suspect| {
        suspect.kind == number(kind)
            && object.is_none_or(|index| suspect.object as usize == index + 1)
    })
}

pub fn new(kind: Kind, object: usize, tid: i32) -> Suspect {
    let object = u32::try_from(object + 1).unwrap_or(0);
    Suspect { kind: number(kind), object, tid, length: 0, clue: Default::default() }
}

/// Frees the places of those that are no longer suspected.
pub fn clear(
    book: &mut Book,
    kind: Kind,
    object: Option<usize>,
    is_meant: impl Fn(&Suspect) -> bool,
) {
    for suspect in of(book, kind, object).filter(|suspect| is_meant(suspect)) {
        suspect.kind = 0;
    }
}

pub fn is_known(book: &mut Book, kind: Kind, object: usize, hash: u64) -> bool {
    of(book, kind, Some(object)).any(|suspect| suspect.clue.hash == hash)
}

/// Where there is no room, it is not suspected.
pub fn keep(book: &mut Book, mut suspect: Suspect, line: &[u8]) {
    let Some(place) = book.suspects.iter().position(|suspect| suspect.kind == 0) else { return };
    let length = line.len().min(LINE);
    book.lines[place][..length].copy_from_slice(&line[..length]);
    suspect.length = u32::try_from(length).unwrap_or(0);
    book.suspects[place] = suspect;
    book.suspects_used = book.suspects_used.max(u32::try_from(place + 1).unwrap_or(0));
}

/// The semaphore goes, or is given another value, while it has this one: of posts by who had taken
/// nothing, this decides.
pub fn settle(book: &mut Book, index: usize, value: i64) {
    let object = book.objects[index];
    for suspect in of(book, Kind::ForeignPost, Some(index)) {
        if !suspect.clue.is_settled && !is_excess(&object, suspect, value) {
            suspect.kind = 0;
        }
        suspect.clue.is_settled = true;
    }
}

/// A token too many is there. A single thread admits nobody else to what it has several of.
fn is_excess(object: &Object, suspect: &Suspect, value: i64) -> bool {
    let is_one = object.initial == 1 || object.is_common;
    suspect.clue.is_complete && is_one && value > i64::from(object.initial)
}

/// At the end of the run. `left` is what the semaphore has still, if it is there.
pub fn judge(run: &Tables, left: impl Fn(&Object) -> Option<i64>) {
    let used = run::with_book(run, |book| book.suspects_used as usize).unwrap_or(0);
    for place in 0..used {
        let known = run::with_book(run, |book| {
            let suspect = book.suspects[place];
            let object = book.objects.get((suspect.object as usize).wrapping_sub(1))?;
            (suspect.kind != 0).then_some((suspect, *object))
        });
        let Some((suspect, object)) = known.flatten() else { continue };
        let Some(kind) = Kind::of(suspect.kind - 1) else { continue };
        let value = left(&object);
        let is_mistake = run::with_book(run, |book| {
            is_mistake(run, book, kind, &suspect, &object, value)
                && report::is_first(book, report::hash(kind, u64::from(suspect.object)))
        });
        if is_mistake != Some(true) || (kind.is_concluded() && !run.head.is_whole()) {
            continue;
        }
        let mut line = Line::new();
        run::with_book(run, |book| line.push(&book.lines[place][..suspect.length as usize]));
        run.head.findings.fetch_add(1, Ordering::Relaxed);
        records::finding(run, &mut line);
    }
}

fn is_mistake(
    run: &Tables,
    book: &Book,
    kind: Kind,
    suspect: &Suspect,
    object: &Object,
    left: Option<i64>,
) -> bool {
    let clue = &suspect.clue;
    match kind {
        Kind::ForeignPost if clue.is_settled => true,
        Kind::ForeignPost => {
            let known = left.or((!object.is_undone).then_some(object.value));
            known.is_some_and(|value| is_excess(object, suspect, value))
        }
        Kind::NotGivenBack => {
            object.taker == clue.taker && (object.is_missed || was_awaited(run, suspect.object))
        }
        Kind::LockOrder => clue.locks.iter().filter(|&&lock| lock != 0).all(|&lock| {
            book.objects.get(lock as usize - 1).is_some_and(|object| !object.is_signal)
        }),
        Kind::InHandler => !clue.is_plain || clue.mask == 0,
        _ => clue.is_complete,
    }
}

/// A thread has ended in a wait for it.
fn was_awaited(run: &Tables, object: u32) -> bool {
    run.threads.iter().any(|slot| {
        let number = slot.call.load(Ordering::Acquire) as usize;
        number > 0
            && CALLS.get(number - 1).is_some_and(|call| call.waits)
            && slot.object.load(Ordering::Relaxed) == object
            && slot.tid.load(Ordering::Relaxed) != 0
    })
}
