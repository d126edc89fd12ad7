//! Semaphores that work as locks: made with 1, and posted by the thread that took it. The first
//! post by one that has taken nothing shows a signal, or a lock that is handed on: nothing more is
//! said of it, unless it has a unit too many in the end (`twice`).

use watch_run::calls::number;
use watch_run::finding::Kind;
use watch_run::suspect::{Clue, HELD};
use watch_run::tables::{Book, Object, Order};

use super::case::Case;
use super::circle::{self, Circle};
use super::{handlers, suspects, twice};
use crate::chaos::mix;
use crate::line::Shown;
use crate::{book, processes, system};

pub fn before(case: &mut Case) {
    let Some(index) = case.call.object() else { return };
    match case.call.number {
        number::SEM_POST => posts(case, index),
        number::SEM_WAIT => order(case, index),
        _ => {}
    }
}

pub fn after(case: &mut Case) {
    let Some(index) = case.call.object() else { return };
    let takes = matches!(
        case.call.number,
        number::SEM_WAIT | number::SEM_TRYWAIT | number::SEM_TIMEDWAIT | number::SEM_CLOCKWAIT
    );
    if takes && case.call.has_succeeded() {
        taken(case, index);
    } else if case.call.number == number::SEM_POST && !case.call.has_succeeded() {
        case.book.objects[index].value -= 1;
    } else if takes && case.call.has_returned != 0 {
        twice::not_taken(case, index);
        if case.call.error == libc::ETIMEDOUT {
            waited_in_vain(case, index);
        }
    }
}

fn waited_in_vain(case: &mut Case, index: usize) {
    let object = &mut case.book.objects[index];
    object.is_missed |= object.taker != 0 && system::has_ended(object.taker);
    let object = *object;
    if object.copy_poster != 0 {
        let text = format_args!(
            "waited for in vain: process {} has posted to a copy of its own, which fork(2) has \
             made of memory that is not shared",
            object.copy_poster
        );
        case.say(Kind::NotShared, Some(index), text);
    }
    // A thread that has given it back before is judged when it ends.
    if object.is_missed && object.returns == 0 && !object.is_undone && !has_heirs(case, &object) {
        let (pid, tid) = (object.taker_pid, object.taker);
        let text = format_args!(
            "waited for in vain: process {pid}, thread {tid} has taken it, and has ended without \
             giving it back"
        );
        case.suspect(Kind::NotGivenBack, index, Clue { taker: tid, ..Clue::default() }, text);
    }
}

/// Whether a thread lives that may give back what the taker has taken: another thread of its
/// process, or a process that this one has forked since.
fn has_heirs(case: &Case, object: &Object) -> bool {
    let (taker, since) = (object.taker_pid, object.taken_at);
    system::is_alive(taker)
        || case.book.processes.iter().any(|process| {
            process.pid != 0
                && processes::is_descendant(case.book, process.pid, taker, since)
                && system::is_alive(process.pid)
        })
}

/// This thread has one unit more.
pub fn taken(case: &mut Case, index: usize) {
    handlers::taken(case, index);
    let now = book::tick(case.book);
    let object = &mut case.book.objects[index];
    object.value -= 1;
    object.taken_at = now;
    if object.initial == 1 && !object.is_signal {
        (object.taker, object.taker_pid) = (case.tid, case.pid);
    }
    if object.initial >= 1 && !object.is_signal {
        case.own.take(u32::try_from(index).unwrap_or(u32::MAX - 1));
    }
    twice::taken(case, index);
}

/// This thread gives one unit.
pub fn posts(case: &mut Case, index: usize) {
    let tid = case.tid;
    let was_held = case.own.give(u32::try_from(index).unwrap_or(u32::MAX - 1));
    let object = &mut case.book.objects[index];
    object.value += 1;
    let taker = object.taker;
    if was_held || (taker != 0 && taker == tid) {
        object.returns = object.returns.saturating_add(1);
        if taker == tid {
            object.taker = 0;
        }
        twice::given(case, index);
        return;
    }
    if object.is_signal {
        return;
    }
    twice::posted(case, index);
    let object = &mut case.book.objects[index];
    (object.is_signal, object.taker) = (true, 0);
}

/// Notes that this lock is taken by a thread that has others, and looks for a circle.
pub fn order(case: &mut Case, index: usize) {
    let wanted = u32::try_from(index + 1).unwrap_or(0);
    let is_lock = |case: &Case, number: u32| is_one(&case.book.objects[number as usize - 1]);
    let held = case.own.held;
    if !is_lock(case, wanted) || held.contains(&wanted) {
        return;
    }
    let at = book::tick(case.book);
    for had in held.into_iter().filter(|&had| had != 0) {
        if !is_lock(case, had) {
            continue;
        }
        let (tid, pid) = (case.tid, case.pid);
        let is_alone = may_be_alone(case.book, had, wanted, tid) && system::is_alone();
        let own = Order { had, took: wanted, tid, pid, is_alone, at, all: held };
        if let Some(found) = circle::find(&case.book.orders, &own, &Known(case.book)) {
            say(case, index, &own, &found);
        }
        note(case.book, own);
    }
}

/// What the orders are judged by.
struct Known<'a>(&'a Book);

impl circle::Facts for Known<'_> {
    fn units(&self, lock: u32) -> u32 {
        self.0.objects.get(lock as usize - 1).map_or(0, |object| object.initial)
    }

    fn is_lock(&self, number: u32) -> bool {
        is_one(&self.0.objects[number as usize - 1])
    }

    /// The process of the later one, or its thread, had not begun when the earlier one was taken.
    fn comes_before(&self, early: &Order, late: &Order) -> bool {
        (early.is_alone && early.pid == late.pid)
            || (early.pid != late.pid
                && processes::is_descendant(self.0, late.pid, early.pid, early.at))
    }
}

/// Whether this order is new, or was that of a process with one thread so far.
fn may_be_alone(book: &Book, had: u32, took: u32, tid: i32) -> bool {
    let is_it = |order: &&Order| order.had == had && order.took == took && order.tid == tid;
    book.orders
        .iter()
        .take_while(|order| order.had != 0)
        .find(is_it)
        .is_none_or(|order| order.is_alone)
}

/// Whether it works as a lock.
fn is_one(object: &Object) -> bool {
    object.initial == 1 && !object.is_signal && object.is_alive && object.returns > 0
}

fn say(case: &mut Case, index: usize, own: &Order, circle: &Circle) {
    let mut locks = [0; HELD];
    locks[0] = own.had;
    for (place, order) in locks[1..].iter_mut().zip(circle.orders()) {
        *place = order.had;
    }
    let hash = locks.iter().fold(1, |sum, &lock| mix(sum, u64::from(lock)));
    if suspects::is_known(case.book, Kind::LockOrder, index, hash) {
        return;
    }
    let clue = Clue { hash, locks, ..Clue::default() };
    let name = |number: u32| case.book.objects[number as usize - 1];
    let had = name(own.had);
    let had = Shown(book::name(&had));
    let orders = circle.orders();
    let Order { pid, tid, took, .. } = orders[0];
    if let [_] = orders {
        let text = format_args!(
            "taken by a thread that has {had}; process {pid}, thread {tid} took them in the \
             opposite order"
        );
        case.suspect(Kind::LockOrder, index, clue, text);
        return;
    }
    let (next, count) = (name(took), orders.len() + 1);
    let next = Shown(book::name(&next));
    let text = format_args!(
        "taken by a thread that has {had}, which closes a circle of {count} locks and as many \
         threads: process {pid}, thread {tid} had this one and took {next}, and so on"
    );
    case.suspect(Kind::LockOrder, index, clue, text);
}

fn note(book: &mut Book, new: Order) {
    let is_place = |order: &&mut Order| {
        order.had == 0 || (order.had == new.had && order.took == new.took && order.tid == new.tid)
    };
    if let Some(place) = book.orders.iter_mut().find(is_place) {
        *place = new;
    }
}
