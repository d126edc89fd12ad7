//! The semaphores of a System V set that the run has made: each of them may work as a lock, as a
//! POSIX semaphore may. One is entered when its value is set, or with the first operation on it.
//! One whose value nobody has set begins with 0 on Linux, and is no lock.

use watch_run::calls::number;
use watch_run::tables::{Book, ObjectKind, Tables};

use super::case::Case;
use super::{handlers, locks, suspects, system_v, twice};
use crate::call::Call;
use crate::line::Line;
use crate::{book, next, peek, run};

/// Semaphores of a set that are looked at.
const MEMBERS: u64 = 16;

fn place(id: u64, member: u64) -> [u64; 3] {
    [u64::from(next::number(id).unsigned_abs()), member + 1, 0]
}

/// The semaphore, if the run has made its set.
fn of(case: &mut Case, member: u64) -> Option<usize> {
    let set = case.call.object()?;
    if member >= MEMBERS || !case.book.objects[set].is_made {
        return None;
    }
    let id = case.call.arguments[0];
    known(case.book, set, member).or_else(|| {
        let mut name = Line::new();
        name.put(format_args!("sem:{}[{member}]", next::number(id)));
        let index = case.add_object(ObjectKind::Member, name.bytes())?;
        let object = &mut case.book.objects[index];
        object.place = place(id, member);
        (object.is_made, object.is_shared, object.maker) = (true, true, case.pid);
        Some(index)
    })
}

/// The semaphore of the set with this place in the book, if it has been entered.
pub fn known(book: &Book, set: usize, member: u64) -> Option<usize> {
    let id = book.objects[set].place[0];
    book::placed(book, ObjectKind::Member, place(id, member))
        .filter(|&index| book.objects[index].is_linked)
}

/// Before the set is removed: the value of a semaphore that was posted again. To be asked while
/// nobody has the book.
pub fn ask_for_value(run: &Tables, call: &mut Call) {
    if next::number(call.arguments[2]) != libc::IPC_RMID {
        return;
    }
    let id = call.arguments[0];
    let posted = |book: &mut Book| {
        let first = place(id, 0)[0];
        book.objects[..book::used(book)].iter().position(|object| {
            object.kind == ObjectKind::Member
                && object.is_linked
                && object.again != 0
                && object.place[0] == first
        })
    };
    let found = run::with_book(run, |book| {
        let index = posted(book)?;
        Some((index, book.objects[index].place))
    });
    call.value = -1;
    if let Some((index, place)) = found.flatten() {
        call.hash = index as u64;
        call.value = next::value_in_set(place[0], place[1] - 1).unwrap_or(-1);
    }
}

fn undoes(operation: libc::sembuf) -> bool {
    i32::from(operation.sem_flg) & libc::SEM_UNDO != 0
}

/// Nothing has to be there for it: it is noted before the call. Of one that may find nothing to
/// take, no operation is performed.
fn only_posts(call: &Call) -> bool {
    system_v::operations(call).all(|operation| operation.sem_op > 0)
}

/// The call has failed, and they were counted before it.
fn were_not_posted(case: &mut Case, call: &Call) {
    for operation in system_v::operations(call).filter(|operation| operation.sem_op == 1) {
        if let Some(index) = of(case, u64::from(operation.sem_num)) {
            let object = &mut case.book.objects[index];
            object.value -= i64::from(object.is_alive || object.is_signal);
        }
    }
}

pub fn before(case: &mut Case) {
    if case.call.number == number::SEMCTL {
        if next::number(case.call.arguments[2]) == libc::IPC_RMID && case.call.value >= 0 {
            let index = usize::try_from(case.call.hash).unwrap_or(0);
            let value = twice::with_undone(&case.book.objects[index], case.call.value.into());
            suspects::settle(case.book, index, value);
        }
        return;
    }
    let call = *case.call;
    let only_posts = only_posts(&call);
    for operation in system_v::operations(&call) {
        let known = of(case, u64::from(operation.sem_num));
        let may_wait = i32::from(operation.sem_flg) & libc::IPC_NOWAIT == 0;
        if operation.sem_op <= 0
            && may_wait
            && handlers::is_in_one(case)
            && let Some(index) = known.or(case.call.object())
        {
            handlers::waits(case, index);
        }
        let Some(index) = known else { continue };
        if operation.sem_op == 1 && !undoes(operation) {
            twice::given_for_good(case, index);
        }
        let object = &mut case.book.objects[index];
        object.is_undone |= undoes(operation);
        let is_set = object.is_alive || object.is_signal;
        match operation.sem_op {
            // Others must not take it before it is noted as given back.
            1 if only_posts && is_set => locks::posts(case, index),
            1.. => object.is_signal |= !is_set || operation.sem_op > 1,
            0 => object.is_signal = true,
            -1 if may_wait => locks::order(case, index),
            -1 => {}
            ..-1 => object.is_signal = true,
        }
    }
}

pub fn after(case: &mut Case) {
    let call = *case.call;
    if !call.has_succeeded() {
        if only_posts(&call) {
            were_not_posted(case, &call);
        } else if call.has_returned != 0 {
            let takes = system_v::operations(&call).find(|operation| operation.sem_op == -1);
            let lock = takes.and_then(|operation| of(case, u64::from(operation.sem_num)));
            if let Some(index) = lock {
                twice::not_taken(case, index);
            }
        }
        return;
    }
    if call.number == number::SEMCTL {
        control(case, &call);
        return;
    }
    let only_posts = only_posts(&call);
    for operation in system_v::operations(&call) {
        let Some(index) = of(case, u64::from(operation.sem_num)) else { continue };
        match operation.sem_op {
            -1 => {
                locks::taken(case, index);
                case.book.objects[index].is_taken_undone = undoes(operation);
            }
            1 if !only_posts => locks::posts(case, index),
            1 | 0 => {}
            by => case.book.objects[index].value += i64::from(by),
        }
    }
}

fn control(case: &mut Case, call: &Call) {
    let value = call.arguments[3];
    match next::number(call.arguments[2]) {
        libc::SETVAL => set(case, call.arguments[1] & 0xffff_ffff, value & 0xffff_ffff),
        libc::SETALL => {
            let count = case.call.object().map_or(0, |set| case.book.objects[set].initial);
            for member in 0..u64::from(count).min(MEMBERS) {
                let address = value.wrapping_add(member * size_of::<u16>() as u64);
                let Some(value) = peek::value::<u16>(address) else { return };
                set(case, member, u64::from(value));
            }
        }
        libc::IPC_RMID => {
            let first = place(call.arguments[0], 0)[0];
            let used = book::used(case.book);
            for object in &mut case.book.objects[..used] {
                let is_one = object.kind == ObjectKind::Member && object.place[0] == first;
                object.is_linked &= !is_one;
            }
        }
        _ => {}
    }
}

fn set(case: &mut Case, member: u64, value: u64) {
    if let Some(index) = of(case, member) {
        twice::begins(case, index);
        case.book.objects[index].begin(u32::try_from(value).unwrap_or(0));
    }
}
