//! What looks like a mistake, until later events tell whether it is one. It is entered while the
//! book is held for the call, so that no later event misses it. The line of the report is made
//! right after, for its stack; it is written at the end of the run (`verdict`).

use watch_run::finding::Kind;
use watch_run::suspect::{Clue, LINE, Suspect};
use watch_run::tables::{Book, Object};

use crate::book;

/// One that has been entered: its place in `Book::suspects`, and since when.
#[derive(Clone, Copy)]
pub struct Entered {
    place: usize,
    since: u64,
}

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
    Suspect { kind: number(kind), object, tid, length: 0, since: 0, clue: Clue::default() }
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
pub fn enter(book: &mut Book, suspect: Suspect) -> Option<Entered> {
    let place = book.suspects.iter().position(|suspect| suspect.kind == 0)?;
    let since = book::tick(book);
    book.suspects[place] = Suspect { since, ..suspect };
    book.suspects_used = book.suspects_used.max(u32::try_from(place + 1).unwrap_or(0));
    Some(Entered { place, since })
}

/// The line of the report, unless it has been cleared meanwhile.
pub fn describe(book: &mut Book, entered: Entered, line: &[u8]) {
    let Entered { place, since } = entered;
    if book.suspects[place].kind == 0 || book.suspects[place].since != since {
        return;
    }
    let length = line.len().min(LINE);
    book.lines[place][..length].copy_from_slice(&line[..length]);
    book.suspects[place].length = u32::try_from(length).unwrap_or(0);
}

/// The semaphore goes, or is given another value, while it has this one: this decides
/// on posts by threads that had taken nothing.
pub fn settle(book: &mut Book, index: usize, value: i64) {
    let object = book.objects[index];
    for suspect in of(book, Kind::ForeignPost, Some(index)) {
        if !suspect.clue.is_settled && !is_excess(&object, suspect, value) {
            suspect.kind = 0;
        }
        suspect.clue.is_settled = true;
    }
}

/// One unit too many is there. A single thread admits nobody else to what it has several of.
pub fn is_excess(object: &Object, suspect: &Suspect, value: i64) -> bool {
    let is_one = object.initial == 1 || object.is_common;
    suspect.clue.is_complete && is_one && value > i64::from(object.initial)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Box<Book> {
        // SAFETY: all zeros are the empty book.
        unsafe { Box::new_zeroed().assume_init() }
    }

    fn of_thread(tid: i32) -> Suspect {
        new(Kind::ForeignPost, 4, tid)
    }

    #[test]
    fn what_comes_before_the_line_is_written_counts() {
        let mut book = empty();
        let entered = enter(&mut book, of_thread(7)).unwrap();
        for suspect in of(&mut book, Kind::ForeignPost, Some(4)) {
            suspect.clue.is_complete = true;
        }
        describe(&mut book, entered, b"line");
        let suspect = &book.suspects[0];
        assert!(suspect.clue.is_complete);
        assert_eq!((suspect.tid, suspect.length, &book.lines[0][..4]), (7, 4, &b"line"[..]));
    }

    #[test]
    fn a_line_does_not_go_to_the_next_in_its_place() {
        let mut book = empty();
        let first = enter(&mut book, of_thread(7)).unwrap();
        clear(&mut book, Kind::ForeignPost, None, |suspect| suspect.tid == 7);
        describe(&mut book, first, b"first");
        assert_eq!(book.suspects[0].length, 0);
        let second = enter(&mut book, of_thread(8)).unwrap();
        describe(&mut book, first, b"first");
        assert_eq!(book.suspects[0].length, 0);
        describe(&mut book, second, b"second");
        assert_eq!((book.suspects[0].tid, book.suspects[0].length), (8, 6));
    }
}
