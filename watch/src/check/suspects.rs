//! What looks like a mistake, until later events tell whether it is one. The line of the report is
//! made when the call is, for its stack; it is written at the end of the run (`verdict`).

use watch_run::finding::Kind;
use watch_run::suspect::{Clue, LINE, Suspect};
use watch_run::tables::{Book, Object};

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
    Suspect { kind: number(kind), object, tid, length: 0, clue: Clue::default() }
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
pub fn is_excess(object: &Object, suspect: &Suspect, value: i64) -> bool {
    let is_one = object.initial == 1 || object.is_common;
    suspect.clue.is_complete && is_one && value > i64::from(object.initial)
}
