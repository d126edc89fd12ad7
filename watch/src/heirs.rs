//! What the child of a fork has of its parent. The caller holds the lock of the book.
//!
//! The parent may go on before the child runs. So what it has is noted before the fork under a
//! ticket, a number that no process has, and the child comes for it.

use watch_run::tables::{Book, HANDLES, Handle, ObjectKind};

use crate::book::{FIRST_TICKET, TICKETS, add_handle, drop_handles, sweep};

/// So many forks later, ended processes are looked for.
const OFTEN: u32 = 16;

/// Notes what a process has, for the child that it is about to begin: the number under which that
/// stands, 0 if there is no room.
pub fn hand_down(book: &mut Book, parent: i32) -> i32 {
    let ticket = FIRST_TICKET | book.tickets.cast_signed() & TICKETS;
    book.tickets = book.tickets.wrapping_add(1);
    if book.tickets.is_multiple_of(OFTEN) {
        sweep(book);
    }
    for index in 0..HANDLES {
        let handle = book.handles[index];
        if handle.pid == parent && is_inherited(book, &handle) {
            let Some(new) = add_handle(book, ticket, handle.key, handle.object as usize) else {
                return 0;
            };
            book.handles[new] = Handle { pid: ticket, ..handle };
        }
    }
    ticket
}

/// Whether a child has it. Of private memory it has a copy, about which nothing is known: there may
/// be thousands of semaphores in it, which the child never uses.
fn is_inherited(book: &Book, handle: &Handle) -> bool {
    let object = &book.objects[handle.object as usize];
    !handle.is_over && (object.kind != ObjectKind::Unnamed || object.is_shared)
}

/// A child has what stands under `from`: the number of [`hand_down`], or that of its parent. False
/// if there is no room for all of it.
pub fn inherit(book: &mut Book, from: i32, parent: i32, child: i32) -> bool {
    drop_handles(book, child, |_| true);
    let is_ticket = from != parent;
    let mut is_whole = !is_ticket || (from & TICKETS).unsigned_abs() >= book.oldest_ticket;
    for index in 0..HANDLES {
        let handle = book.handles[index];
        if handle.pid != from || !is_inherited(book, &handle) {
            continue;
        }
        match add_handle(book, child, handle.key, handle.object as usize) {
            Some(new) => {
                book.handles[new] = Handle {
                    heir_of: parent,
                    is_used: false,
                    is_keeping: false,
                    pid: child,
                    ..handle
                };
            }
            None => is_whole = false,
        }
    }
    if is_ticket {
        drop_handles(book, from, |_| true);
    }
    is_whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::handle;

    #[test]
    fn a_child_has_what_its_parent_had_at_the_fork() {
        // SAFETY: all zeros are the empty book.
        let mut book: Box<Book> = unsafe { Box::new_zeroed().assume_init() };
        add_handle(&mut book, 7, 3, 1);
        let ticket = hand_down(&mut book, 7);
        drop_handles(&mut book, 7, |_| true);
        assert!(inherit(&mut book, ticket, 7, 8));
        let index = handle(&book, 8, 3).unwrap();
        assert_eq!((book.handles[index].object, book.handles[index].heir_of), (1, 7));
        assert!(book.handles.iter().filter(|handle| handle.pid != 0).count() == 1);
    }
}
