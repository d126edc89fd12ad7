//! Which of the suspects have made a mistake: judged when nothing can come any more that explains
//! it.

use std::sync::atomic::Ordering;

use watch_run::calls::CALLS;
use watch_run::finding::Kind;
use watch_run::suspect::Suspect;
use watch_run::tables::{Book, Object, Tables};

use super::suspects::is_excess;
use super::{report, twice};
use crate::line::Line;
use crate::{records, run};

/// At the end of the run. `left` is what the semaphore has still, if it is there.
pub fn judge(run: &Tables, left: impl Fn(&Object) -> Option<i64>) {
    let used = run::with_book(run, |book| book.suspects_used as usize).unwrap_or(0);
    for place in 0..used {
        let known = run::with_book(run, |book| {
            let suspect = book.suspects[place];
            let object = book.objects.get((suspect.object as usize).wrapping_sub(1))?;
            (suspect.kind != 0 && suspect.length != 0).then_some((suspect, *object))
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
            let value = twice::with_undone(object, left.unwrap_or(object.value));
            is_excess(object, suspect, value)
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
