//! Segments of System V that a process has attached: at its end, those that it has attached more
//! often than it has detached them, and those that an heir keeps without ever having touched them.
//!
//! Memory is used without a call. Whether an heir has touched it is what the kernel says: the child
//! of a fork begins without a page of its parent's shared memory.

use watch_run::calls::number;
use watch_run::finding::Kind;
use watch_run::tables::{HANDLES, Handle, ObjectKind, Tables};

use super::case::{Case, judge};
use crate::call::Call;
use crate::{book, maps, next};

/// What tells the key of an attachment from the address of a semaphore at the beginning of it.
const ATTACHED: u64 = 1;
/// Attached with `SHM_RDONLY`.
const READ_ONLY: u64 = 2;
/// Attached where the program wanted it.
const PLACED: u64 = 4;

const ADDRESS: u64 = !(ATTACHED | READ_ONLY | PLACED);

fn is_attached(case: &Case, handle: &Handle) -> bool {
    handle.pid == case.pid && case.book.objects[handle.object as usize].kind == ObjectKind::Segment
}

pub fn after(case: &mut Case) {
    let call = *case.call;
    if !call.has_succeeded() {
        return;
    }
    match call.number {
        number::SHMAT => {
            let Some(segment) = call.object() else { return };
            let address = call.result.cast_unsigned();
            forget(case, address);
            let mut key = address | ATTACHED;
            if next::number(call.arguments[2]) & libc::SHM_RDONLY != 0 {
                key |= READ_ONLY;
            }
            if call.arguments[1] != 0 {
                key |= PLACED;
            }
            if let Some(new) = case.add_handle(key, segment) {
                case.book.handles[new].opens = 1;
            }
        }
        number::SHMDT => forget(case, call.arguments[0]),
        _ => {}
    }
}

fn forget(case: &mut Case, address: u64) {
    for flags in 0..=!ADDRESS {
        let known = book::handle(case.book, case.pid, address | flags);
        if known.is_some_and(|index| is_attached(case, &case.book.handles[index])) {
            let key = address | flags;
            book::drop_handles(case.book, case.pid, |handle| handle.key == key);
        }
    }
}

/// Two of a ring buffer lie where the program wants them, and one may be for reading alone. Two
/// that are alike are one too many.
pub fn too_often(case: &mut Case) {
    for index in 0..HANDLES {
        let handle = case.book.handles[index];
        if !is_attached(case, &handle) || !is_own(&handle) {
            continue;
        }
        let alike = case.book.handles.iter().filter(|other| {
            is_attached(case, other)
                && is_own(other)
                && other.object == handle.object
                && other.key & READ_ONLY == handle.key & READ_ONLY
                && maps::at(other.key & ADDRESS).is_some()
        });
        let count = alike.count();
        if count >= 2 {
            let text = format_args!("at the end it is attached {count} times");
            case.say(Kind::OpenedOften, Some(handle.object as usize), text);
        }
    }
}

fn is_own(handle: &Handle) -> bool {
    handle.heir_of == 0 && handle.key & PLACED == 0
}

/// The process calls exit(3): a segment that is removed, that nobody else has attached, and that it
/// has inherited and never touched.
pub fn at_exit(run: &Tables, call: &mut Call) {
    let mut found = [None; 8];
    judge(run, call, |case| {
        let is_candidate = |handle: &&Handle| {
            is_attached(case, handle)
                && handle.heir_of != 0
                && !case.book.objects[handle.object as usize].is_linked
        };
        let candidates = case.book.handles.iter().filter(is_candidate);
        for (place, handle) in found.iter_mut().zip(candidates) {
            let segment = case.book.objects[handle.object as usize].place[0];
            *place = Some((*handle, segment));
        }
    });
    for (handle, segment) in found.into_iter().flatten() {
        if next::attaches(segment) != Some(1)
            || maps::is_untouched(handle.key & ADDRESS) != Some(true)
        {
            continue;
        }
        judge(run, call, |case| {
            let parent = handle.heir_of;
            let text = format_args!(
                "inherited from process {parent}, never touched and never detached; it kept the \
                 segment, which is removed and detached everywhere else"
            );
            case.say(Kind::KeptOpen, Some(handle.object as usize), text);
        });
    }
}
