//! What is left at the end of a process, and of the run.

use std::ffi::CStr;

use watch_run::calls::number;
use watch_run::finding::Kind;
use watch_run::suspect::Clue;
use watch_run::tables::{HANDLES, Object, ObjectKind, Tables};

use super::case::{Case, judge};
use super::report::Findings;
use super::{attached, kept, lost, queues, verdict};
use crate::call::Call;
use crate::{book, next, run, system};

/// A call that is none, for what is found without one.
fn no_call() -> Call {
    Call {
        // It has no object, and no site: it is in no report.
        number: number::MUNMAP,
        arguments: [0; 6],
        site: std::ptr::null(),
        result: 0,
        error: 0,
        has_returned: 0,
        began: 0,
        ended: 0,
        hash: 0,
        decision: 0,
        sequence: 0,
        slot: -1,
        object: -1,
        value: 0,
        is_new: 0,
        tag: 0,
    }
}

/// The process calls exit(3).
pub fn exit(run: &Tables) {
    let mut call = no_call();
    let mut kept = [None; 8];
    judge(run, &mut call, |case| {
        lost::at_exit(case);
        opened_often(case);
        attached::too_often(case);
        kept::at_exit(case);
        kept_lock(case);
        let mut own = open_queues(case).into_iter();
        kept.fill_with(|| own.next().flatten());
    });
    // The last one that has a queue takes its messages with it.
    for (index, key) in kept.into_iter().flatten() {
        let messages = next::queue(key).map_or(0, |queue| queue.messages);
        judge(run, &mut call, |case| queues::unread(case, index, messages, case.pid));
    }
    attached::at_exit(run, &mut call);
}

fn opened_often(case: &mut Case) {
    for index in 0..HANDLES {
        let handle = case.book.handles[index];
        let object = handle.object as usize;
        if handle.pid == case.pid
            && handle.opens >= 2
            && case.book.objects[object].kind == ObjectKind::Named
        {
            let opens = handle.opens;
            let text = format_args!("at the end {opens} opens have had no close");
            case.say(Kind::OpenedOften, Some(object), text);
        }
    }
}

/// A lock that this process has taken, and that others have open.
fn kept_lock(case: &mut Case) {
    for index in 0..book::used(case.book) {
        let object = case.book.objects[index];
        if object.taker == 0
            || object.taker_pid != case.pid
            || object.is_signal
            || object.returns == 0
            || object.is_undone
        {
            continue;
        }
        let is_missed = case.book.handles.iter().any(|other| {
            other.pid > 0
                && other.pid != case.pid
                && other.object as usize == index
                && other.is_used
                && !other.is_over
                && system::is_alive(other.pid)
        });
        if is_missed {
            let thread = object.taker;
            let text = format_args!("the process ends with it; thread {thread} took it last");
            let clue = Clue { taker: thread, ..Clue::default() };
            case.suspect(Kind::NotGivenBack, index, clue, text);
        }
    }
}

/// Queues that are unlinked and that this process alone has: object and descriptor.
fn open_queues(case: &Case) -> [Option<(usize, u64)>; 8] {
    let mut found = [None; 8];
    let mut places = found.iter_mut();
    for handle in &case.book.handles {
        let object = &case.book.objects[handle.object as usize];
        let is_last = handle.pid == case.pid
            && handle.opens > 0
            && object.kind == ObjectKind::Queue
            && !object.is_linked
            && case.book.handles.iter().all(|other| {
                other.pid <= 0
                    || other.object != handle.object
                    || other.pid == case.pid
                    || !system::is_alive(other.pid)
            });
        if is_last && let Some(place) = places.next() {
            *place = Some((handle.object as usize, handle.key));
        }
    }
    found
}

/// At the end of the run: nobody is there any more.
pub fn judge_end(run: &Tables) {
    verdict::judge(run, left);
    let count = run::with_book(run, |book| book::used(book)).unwrap_or(0);
    for index in 0..count {
        let Some(object) = run::with_book(run, |book| book.objects[index]) else { return };
        let left = left(&object);
        let mut call = no_call();
        let mut found = Findings::default();
        run::with_book(run, |book| {
            // SAFETY: signals are blocked, and nothing else in here asks for it.
            let own = unsafe { crate::memory::own() };
            let (pid, tid) = (object.maker, object.maker);
            let mut case = Case { run, book, own, call: &mut call, pid, tid, found: &mut found };
            not_given_back(&mut case, index, left);
            kept::was_kept(&mut case, index);
            if let Some(left) = left.filter(|_| object.kind != ObjectKind::Member) {
                never_removed(&mut case, index, left);
            }
        });
        found.report(run, None);
    }
}

/// What there is still of an object that the run has made: messages in a queue, the value of a
/// semaphore. None: nothing.
fn left(object: &Object) -> Option<i64> {
    if !object.is_made || !object.is_linked {
        return None;
    }
    let mut bytes = [0; 257];
    let name = book::name(object);
    bytes[..name.len()].copy_from_slice(name);
    let name = CStr::from_bytes_until_nul(&bytes).ok()?;
    let id = object.place[0];
    match object.kind {
        ObjectKind::Named => next::semaphore_named(name).map(i64::from),
        ObjectKind::Queue => next::queue_named(name),
        ObjectKind::Memory => next::is_memory_named(name).then_some(0),
        ObjectKind::Set => next::is_set(id).then_some(0),
        ObjectKind::Messages => next::messages(id),
        ObjectKind::Member if object.again != 0 => {
            next::value_in_set(id, object.place[1].saturating_sub(1)).map(i64::from)
        }
        ObjectKind::Segment => next::is_segment(id).then_some(0),
        ObjectKind::Unnamed | ObjectKind::Member | ObjectKind::None => None,
    }
}

fn never_removed(case: &mut Case, index: usize, left: i64) {
    let kind = case.book.objects[index].kind;
    match kind {
        ObjectKind::Named | ObjectKind::Queue | ObjectKind::Memory => {
            let text = format_args!("made by the run and never unlinked");
            case.say(Kind::NeverUnlinked, Some(index), text);
        }
        _ => {
            let text = format_args!("made by the run and never removed");
            case.say(Kind::NeverRemoved, Some(index), text);
        }
    }
    if matches!(kind, ObjectKind::Queue | ObjectKind::Messages) {
        queues::unread(case, index, left, case.pid);
    }
}

/// A lock whose taker has ended, or units that are missing.
fn not_given_back(case: &mut Case, index: usize, left: Option<i64>) {
    let object = case.book.objects[index];
    // What is gone nobody can miss.
    let Some(value) = left.filter(|_| object.kind == ObjectKind::Named) else { return };
    if object.is_signal || object.returns == 0 {
        return;
    }
    let (thread, process) = (object.taker, object.taker_pid);
    if thread != 0 && !system::is_alive(thread) {
        let text = format_args!(
            "process {process}, thread {thread} has ended without giving back what it took last"
        );
        case.found.add(case.book, Kind::NotGivenBack, Some(index), (process, thread), text);
    } else if (0..i64::from(object.initial)).contains(&value) {
        let initial = object.initial;
        let text = format_args!("made with {initial}, left with {value}");
        case.say(Kind::NotGivenBack, Some(index), text);
    }
}
