//! What is known of objects, and of their use by processes. The caller holds the lock of the book.

use watch_run::tables::{Book, HANDLES, Handle, NAME, OBJECTS, Object, ObjectKind, PROCESSES};

use crate::system;

/// All zeros: nothing.
const NO_OBJECT: Object = Object {
    kind: ObjectKind::None,
    is_made: false,
    is_linked: false,
    is_alive: false,
    is_shared: false,
    is_signal: false,
    is_notified: false,
    name_length: 0,
    name: [0; NAME],
    place: [0; 3],
    maker: 0,
    taker: 0,
    taker_pid: 0,
    notified: 0,
    initial: 0,
    returns: 0,
    sent: 0,
    first_taker: 0,
    is_common: false,
    again: 0,
    value: 0,
    is_undone: false,
    is_taken_undone: false,
    is_missed: false,
    taken_at: 0,
    copy_poster: 0,
};

/// All zeros: free.
const NO_HANDLE: Handle = Handle {
    pid: 0,
    object: 0,
    key: 0,
    opens: 0,
    heir_of: 0,
    is_used: false,
    is_over: false,
    is_keeping: false,
};

/// The next number in the order of events.
pub const fn tick(book: &mut Book) -> u64 {
    book.clock += 1;
    book.clock
}

/// The name of an object as a user knows it.
pub fn name(object: &Object) -> &[u8] {
    &object.name[..usize::from(object.name_length)]
}

fn set_name(object: &mut Object, name: &[u8]) {
    let length = name.len().min(usize::from(u8::MAX));
    object.name[..length].copy_from_slice(&name[..length]);
    object.name_length = u8::try_from(length).unwrap_or(u8::MAX);
}

pub fn used(book: &Book) -> usize {
    (book.objects_used as usize).min(OBJECTS)
}

/// The object of this kind that the name leads to.
pub fn named(book: &Book, kind: ObjectKind, wanted: &[u8]) -> Option<usize> {
    book.objects[..used(book)]
        .iter()
        .position(|object| object.kind == kind && object.is_linked && is_same(name(object), wanted))
}

/// A leading slash may be left out (sem_open(3) of glibc).
fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn bare(name: &[u8]) -> &[u8] {
        name.strip_prefix(b"/").unwrap_or(name)
    }
    bare(one) == bare(other)
}

/// The object of this kind at a place.
pub fn placed(book: &Book, kind: ObjectKind, place: [u64; 3]) -> Option<usize> {
    let objects = &book.objects[..used(book)];
    objects.iter().rposition(|object| object.kind == kind && object.place == place)
}

/// A new entry; None when there is no room.
pub fn add_object(book: &mut Book, kind: ObjectKind, name: &[u8]) -> Option<usize> {
    let fresh = used(book);
    let index = if fresh < OBJECTS { fresh } else { forgotten(book)? };
    if index == fresh {
        book.objects_used = u32::try_from(index + 1).ok()?;
    }
    let object = &mut book.objects[index];
    *object = NO_OBJECT;
    set_name(object, name);
    object.kind = kind;
    object.is_linked = true;
    Some(index)
}

/// An object that is gone, and that nobody has any more.
fn forgotten(book: &mut Book) -> Option<usize> {
    let index = unknown(book).or_else(|| {
        make_room(book);
        unknown(book)
    })?;
    // What is noted of it by its number is not true of the next one.
    let number = u32::try_from(index + 1).ok()?;
    for order in &mut book.orders {
        if order.had == number || order.took == number {
            // It stays taken, so that those behind it are found.
            (order.had, order.took) = (u32::MAX, u32::MAX);
        }
    }
    Some(index)
}

/// An object that has no name any more, and that no process has.
fn unknown(book: &Book) -> Option<usize> {
    let mut is_known = [false; OBJECTS];
    for handle in book.handles.iter().filter(|handle| handle.pid != 0) {
        is_known[handle.object as usize % OBJECTS] = true;
    }
    (0..OBJECTS).find(|&index| {
        let object = &book.objects[index];
        !is_known[index] && (object.kind == ObjectKind::Unnamed || !object.is_linked)
    })
}

/// Forgets handles that are of no use: of processes that have ended, of what has been closed or
/// destroyed, of children that have not come.
fn make_room(book: &mut Book) {
    sweep(book);
    forget(book, |handle| handle.is_over);
    book.oldest_ticket = book.oldest_ticket.max(book.tickets.saturating_sub(LATE));
    let oldest = book.oldest_ticket;
    forget(book, |handle| {
        handle.pid >= FIRST_TICKET && (handle.pid & TICKETS).unsigned_abs() < oldest
    });
}

/// No process has a number as large: with one, what a process has is noted for a child that it is
/// about to begin (`heirs`).
pub const FIRST_TICKET: i32 = 1 << 30;

/// The part of such a number that counts.
pub const TICKETS: i32 = 0xff_ffff;

/// So many forks later a child that has not come is no longer expected: the fork has failed, or it
/// was killed at once.
const LATE: u32 = 256;

/// The place in the row where a search for this handle begins.
fn start(pid: i32, key: u64) -> usize {
    let mixed = (key ^ u64::from(pid.unsigned_abs()) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize % HANDLES
}

/// What a process knows by this key.
pub fn handle(book: &Book, pid: i32, key: u64) -> Option<usize> {
    let first = start(pid, key);
    let row = (0..HANDLES).map(|step| (first + step) % HANDLES);
    row.take_while(|&index| book.handles[index].pid != 0)
        .find(|&index| book.handles[index].pid == pid && book.handles[index].key == key)
}

/// The entry for this key, made if it is not there. None when there is no room.
pub fn add_handle(book: &mut Book, pid: i32, key: u64, object: usize) -> Option<usize> {
    let found = handle(book, pid, key);
    let index = found.or_else(|| free_place(book, pid, key)).or_else(|| {
        make_room(book);
        free_place(book, pid, key)
    })?;
    let object = u32::try_from(object).ok()?;
    let entry = &mut book.handles[index];
    if found.is_none() || entry.object != object {
        *entry = NO_HANDLE;
        (entry.pid, entry.object, entry.key) = (pid, object, key);
    }
    Some(index)
}

fn free_place(book: &Book, pid: i32, key: u64) -> Option<usize> {
    let first = start(pid, key);
    let mut row = (0..HANDLES).map(|step| (first + step) % HANDLES);
    row.find(|&index| book.handles[index].pid == 0)
}

/// Forgets handles of a process.
pub fn drop_handles(book: &mut Book, pid: i32, is_meant: impl Fn(&Handle) -> bool) {
    forget(book, |handle| handle.pid == pid && is_meant(handle));
}

fn forget(book: &mut Book, is_meant: impl Fn(&Handle) -> bool) {
    let mut index = 0;
    while index < HANDLES {
        if book.handles[index].pid != 0 && is_meant(&book.handles[index]) {
            // Another one may stand here now.
            remove(book, index);
        } else {
            index += 1;
        }
    }
}

/// Frees a place, and closes the gap in the row: those behind it that are found by a search from in
/// front of it move up.
fn remove(book: &mut Book, place: usize) {
    let mut gap = place;
    for step in 1..HANDLES {
        let next = (place + step) % HANDLES;
        let handle = book.handles[next];
        if handle.pid == 0 {
            break;
        }
        let from_start = |index: usize| (index + HANDLES - start(handle.pid, handle.key)) % HANDLES;
        if from_start(gap) < from_start(next) {
            book.handles[gap] = handle;
            gap = next;
        }
    }
    book.handles[gap].pid = 0;
}

/// Forgets the handles of processes that have ended.
pub fn sweep(book: &mut Book) {
    for index in 0..PROCESSES {
        let process = &mut book.processes[index];
        if process.pid != 0 && !process.is_over && !system::is_alive(process.pid) {
            process.is_over = true;
            let pid = process.pid;
            // What it has kept is told at the end.
            drop_handles(book, pid, |handle| !handle.is_keeping);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Box<Book> {
        // SAFETY: all zeros are the empty book.
        unsafe { Box::new_zeroed().assume_init() }
    }

    #[test]
    fn handles_are_found_while_others_go() {
        let mut book = empty();
        let count = HANDLES as u64 * 3 / 4;
        for key in 0..count {
            let pid = 1 + i32::try_from(key % 3).unwrap();
            assert!(add_handle(&mut book, pid, key, 0).is_some());
        }
        drop_handles(&mut book, 2, |handle| handle.key % 2 == 0);
        for key in 0..count {
            let pid = 1 + i32::try_from(key % 3).unwrap();
            let is_there = handle(&book, pid, key).is_some();
            assert_eq!(is_there, pid != 2 || key % 2 != 0, "{pid} {key}");
        }
    }
}
