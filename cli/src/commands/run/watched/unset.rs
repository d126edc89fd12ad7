//! System V sets that nobody has given values.

use watch_run::tables::{OBJECTS, Object, ObjectKind, Tables};

use super::home::copy;

/// Of such a wait, why it is wrong.
pub const WHY: &str =
    "semget(2): the values of a new set are not defined; SETVAL or SETALL of semctl(2) gives them";

/// Whether the run has made this set, and has neither set a value in it nor posted: every wait for
/// it is in vain.
pub fn is_it(tables: &Tables, set: &Object) -> bool {
    set.kind == ObjectKind::Set
        && set.is_made
        && tables.head.is_whole()
        && members(tables, set).all(|member| !member.is_alive && !member.is_signal)
}

fn members(tables: &Tables, set: &Object) -> impl Iterator<Item = Object> {
    let (book, id) = (tables.book.get(), set.place[0]);
    (0..OBJECTS)
        // SAFETY: a place in the mapped tables, of which only the address is made.
        .map(move |index| copy(unsafe { &raw const (*book).objects[index] }))
        .take_while(|object| object.kind != ObjectKind::None)
        .filter(move |object| {
            object.kind == ObjectKind::Member && object.is_linked && object.place[0] == id
        })
}
