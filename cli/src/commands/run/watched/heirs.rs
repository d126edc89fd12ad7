//! Processes that were forked while their parent, or its parent, had a lock.

use watch_run::tables::{PROCESSES, Process, Tables};

use super::home::copy;

/// Descendants of this process that began after this time of the book.
pub fn of(tables: &Tables, ancestor: i32, since: u64) -> impl Iterator<Item = i32> {
    let book = tables.book.get();
    let all: Vec<Process> = (0..PROCESSES)
        // SAFETY: a place in the mapped tables, of which only the address is made.
        .map(|index| copy(unsafe { &raw const (*book).processes[index] }))
        .filter(|process| process.pid != 0 && process.born > since)
        .collect();
    let parent = {
        let all = all.clone();
        move |pid: i32| all.iter().find(|process| process.pid == pid).map(|known| known.parent)
    };
    all.into_iter().map(|process| process.pid).filter(move |&pid| {
        let mut current = pid;
        // As many generations at most as there are processes.
        for _ in 0..PROCESSES {
            match parent(current) {
                Some(found) if found == ancestor => return true,
                Some(found) => current = found,
                None => return false,
            }
        }
        false
    })
}
