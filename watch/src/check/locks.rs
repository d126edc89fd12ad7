//! Semaphores that work as locks: made with 1, and posted by who took it. The first post by
//! somebody who has taken nothing, on one that was never given back by its taker, shows a signal:
//! nothing is said of it.

use watch_run::calls::number;
use watch_run::finding::Kind;
use watch_run::tables::{Object, Order};

use super::case::Case;
use super::circle::{self, Circle};
use super::twice;
use crate::book;
use crate::line::Shown;

/// Posts by who had taken it, after which one by somebody else is a mistake.
const KNOWN: u32 = 2;

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
    }
}

/// This thread has one token more.
pub fn taken(case: &mut Case, index: usize) {
    let object = &mut case.book.objects[index];
    if object.initial == 1 && !object.is_signal {
        (object.taker, object.taker_pid) = (case.tid, case.pid);
    }
    if object.initial >= 1 && !object.is_signal {
        case.own.take(u32::try_from(index).unwrap_or(u32::MAX - 1));
        twice::taken(case, index);
    }
}

/// This thread gives one token.
pub fn posts(case: &mut Case, index: usize) {
    let tid = case.tid;
    let was_held = case.own.give(u32::try_from(index).unwrap_or(u32::MAX - 1));
    let object = &mut case.book.objects[index];
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
    object.is_signal = true;
    let (returns, taker_pid) = (object.returns, object.taker_pid);
    if object.initial != 1 || returns < KNOWN {
        return;
    }
    if taker == 0 {
        let text = format_args!(
            "posted while nobody has it: it is a lock, made with 1 and given back by its taker \
             {returns} times"
        );
        case.say(Kind::ForeignPost, Some(index), text);
    } else {
        let text = format_args!(
            "posted by a thread that has not taken it: process {taker_pid}, thread {taker} has it"
        );
        case.say(Kind::ForeignPost, Some(index), text);
    }
}

/// Notes that this lock is taken by who has others, and looks for a circle.
pub fn order(case: &mut Case, index: usize) {
    let wanted = u32::try_from(index + 1).unwrap_or(0);
    let is_lock = |case: &Case, number: u32| is_one(&case.book.objects[number as usize - 1]);
    let held: [u32; 4] = std::array::from_fn(|place| case.own.held[place]);
    if !is_lock(case, wanted) || held.contains(&wanted) {
        return;
    }
    for had in held.into_iter().filter(|&had| had != 0) {
        if !is_lock(case, had) {
            continue;
        }
        let own = Order { had, took: wanted, tid: case.tid, pid: case.pid, all: held };
        let book = &*case.book;
        let may_lock = |number: u32| is_one(&book.objects[number as usize - 1]);
        if let Some(found) = circle::find(&book.orders, &own, may_lock) {
            say(case, index, &own, &found);
        }
        note(case, own);
    }
}

/// Whether it works as a lock.
fn is_one(object: &Object) -> bool {
    object.initial == 1 && !object.is_signal && object.is_alive && object.returns > 0
}

fn say(case: &mut Case, index: usize, own: &Order, circle: &Circle) {
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
        case.say(Kind::LockOrder, Some(index), text);
        return;
    }
    let (next, locks) = (name(took), orders.len() + 1);
    let next = Shown(book::name(&next));
    let text = format_args!(
        "taken by a thread that has {had}, which closes a circle of {locks} locks and as many \
         threads: process {pid}, thread {tid} had this one and took {next}, and so on"
    );
    case.say(Kind::LockOrder, Some(index), text);
}

fn note(case: &mut Case, new: Order) {
    let is_place = |order: &&mut Order| {
        order.had == 0 || (order.had == new.had && order.took == new.took && order.tid == new.tid)
    };
    if let Some(place) = case.book.orders.iter_mut().find(is_place) {
        *place = new;
    }
}
