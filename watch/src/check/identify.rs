//! Which object a call is about.

use std::ffi::CStr;

use watch_run::calls::{Argument, CALLS, number};
use watch_run::finding::Kind;
use watch_run::tables::{Book, Handle, Object, ObjectKind, Tables};

use super::case::Case;
use super::system_v;
use crate::call::Call;
use crate::line::Line;
use crate::maps::{self, Region};
use crate::{book, next, peek, processes, run, who};

/// A name and a zero.
const ROOM: usize = 257;

/// The name that an argument leads to, with the zero behind.
pub fn name(address: u64, room: &mut [u8; ROOM]) -> Option<&CStr> {
    let length = peek::string(address, &mut room[..ROOM - 1])?.len();
    room[length] = 0;
    CStr::from_bytes_until_nul(room).ok()
}

/// A descriptor that this process has of the queue of this name. To open and close another one
/// would end its registration for a notification.
pub fn own_descriptor(run: &Tables, name: &CStr) -> Option<u64> {
    let pid = who::pid();
    let found = run::with_book(run, |book| {
        let object = book::named(book, ObjectKind::Queue, name.to_bytes())?;
        let is_own = |handle: &&Handle| {
            handle.pid == pid && handle.object as usize == object && handle.opens > 0
        };
        book.handles.iter().find(is_own).map(|handle| handle.key)
    });
    found.flatten()
}

/// Whether an open that may make an object does so: asked before it.
pub fn ask_whether_new(run: &Tables, call: &mut Call) {
    let flags = next::number(call.arguments[1]);
    if flags & libc::O_CREAT == 0 {
        return;
    }
    if flags & libc::O_EXCL != 0 {
        call.is_new = 1;
        return;
    }
    let mut room = [0; ROOM];
    let Some(name) = name(call.arguments[0], &mut room) else { return };
    let is_there = match call.number {
        number::SEM_OPEN => next::semaphore_named(name).is_some(),
        number::MQ_OPEN => own_descriptor(run, name).is_some() || next::queue_named(name).is_some(),
        _ => next::is_memory_named(name),
    };
    call.is_new = i32::from(!is_there);
}

/// Finds the object of a call on something that is open.
pub fn object(case: &mut Case) {
    let found = match CALLS[case.call.index()].arguments[0] {
        Argument::Semaphore => semaphore(case),
        Argument::Queue => {
            let key = u64::from(next::number(case.call.arguments[0]).unsigned_abs());
            let handle = book::handle(case.book, case.pid, key);
            handle.map(|index| {
                let handle = &mut case.book.handles[index];
                handle.is_used |= case.call.number != number::MQ_CLOSE;
                handle.object as usize
            })
        }
        Argument::Id => system_v::object(case),
        Argument::Name => of_name(case),
        _ => None,
    };
    case.call.object = found.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1);
}

const fn kind_of_open(call: u64) -> ObjectKind {
    match call {
        number::SEM_OPEN | number::SEM_UNLINK => ObjectKind::Named,
        number::MQ_OPEN | number::MQ_UNLINK => ObjectKind::Queue,
        _ => ObjectKind::Memory,
    }
}

fn of_name(case: &mut Case) -> Option<usize> {
    let mut room = [0; ROOM];
    let name = name(case.call.arguments[0], &mut room)?;
    book::named(case.book, kind_of_open(case.call.number), name.to_bytes())
}

/// After an open or an unlink.
pub fn opened(case: &mut Case) {
    let call = &*case.call;
    let (result, is_new, arguments) =
        (call.result.cast_unsigned(), call.is_new != 0, call.arguments);
    if !call.has_succeeded() || CALLS[call.index()].arguments[0] != Argument::Name {
        return;
    }
    if matches!(call.number, number::SEM_UNLINK | number::MQ_UNLINK | number::SHM_UNLINK) {
        if let Some(index) = call.object() {
            case.book.objects[index].is_linked = false;
        }
        return;
    }
    let mut room = [0; ROOM];
    let Some(name) = name(arguments[0], &mut room) else { return };
    let kind = kind_of_open(call.number);
    let mut known = book::named(case.book, kind, name.to_bytes());
    if is_new && let Some(old) = known.take() {
        // Somebody outside of the run has unlinked it.
        case.book.objects[old].is_linked = false;
    }
    let Some(index) = known.or_else(|| case.add_object(kind, name.to_bytes())) else {
        return;
    };
    let object = &mut case.book.objects[index];
    if is_new {
        object.is_made = true;
        object.maker = case.pid;
        object.is_alive = true;
        object.initial = u32::try_from(arguments[3] & 0xffff_ffff).unwrap_or(0);
        object.value = i64::from(object.initial);
    } else if known.is_none() {
        // It was there before the run: nothing is known of its value.
        object.is_signal = true;
    }
    object.is_alive = true;
    object.is_shared = true;
    case.call.object = i32::try_from(index).unwrap_or(-1);
    if kind == ObjectKind::Memory {
        if let Some(place) = place_of(next::number(result)) {
            case.book.objects[index].place = place;
        }
        return;
    }
    if let Some(new) = case.add_handle(result, index) {
        let handle = &mut case.book.handles[new];
        // A descriptor of a queue that was closed by other means.
        handle.opens = if kind == ObjectKind::Queue { 1 } else { handle.opens + 1 };
        (handle.heir_of, handle.is_over) = (0, false);
    }
}

/// The semaphore at the address that the call is given. One that is seen for the first time is
/// entered.
fn semaphore(case: &mut Case) -> Option<usize> {
    let address = case.call.arguments[0];
    let is_made_anew = case.call.number == number::SEM_INIT;
    if !is_made_anew && let Some(index) = book::handle(case.book, case.pid, address) {
        case.book.handles[index].is_used = true;
        return Some(case.book.handles[index].object as usize);
    }
    // One for the threads of this process need not be looked for: there are many of these.
    if is_made_anew && next::number(case.call.arguments[1]) == 0 {
        return private(case, address);
    }
    let region = maps::at(address)?;
    let place = if region.is_shared {
        [region.device << 40 | region.inode, 1, address - region.start + region.offset]
    } else {
        [u64::from(case.pid.unsigned_abs()), 0, address]
    };
    let known = book::placed(case.book, ObjectKind::Unnamed, place);
    let index = known.or_else(|| {
        let memory = memory(case.book, &region);
        let mut text = Line::new();
        match memory {
            Some(memory) => {
                let name = book::name(&case.book.objects[memory]);
                text.push(name.strip_prefix(b"/").unwrap_or(name));
                text.put(format_args!("+{}", place[2]));
            }
            None => text.put(format_args!("{address:#x}")),
        }
        let index = case.add_object(ObjectKind::Unnamed, text.bytes())?;
        let is_new_file = memory.is_some_and(|memory| case.book.objects[memory].is_made);
        let is_heir = processes::find(case.book, case.pid).is_none_or(|process| process.is_heir);
        let maker = if is_heir { maker_for_threads(case, address) } else { None };
        if let Some((maker, original)) = maker.filter(|_| !region.is_shared) {
            posts_to_copy(case, maker, original);
        }
        let maker = maker.map(|(maker, _)| maker);
        let may_be_made = is_heir && (!region.is_shared || maker.is_some());
        let is_own = !region.is_shared || region.path().starts_with(b"/dev/zero");
        let object = &mut case.book.objects[index];
        object.place = place;
        object.is_shared = region.is_shared;
        // In a file that was there before, others may have made it; in memory that is a copy, and
        // for its own threads, the process that this one was forked from.
        object.is_alive = may_be_made || (!is_own && !is_new_file);
        object.is_signal = object.is_alive;
        if let Some(maker) = maker.filter(|_| region.is_shared) {
            let text = format_args!(
                "process {maker} has made it for its own threads (pshared 0), and this one uses it"
            );
            case.say(Kind::NotShared, Some(index), text);
        }
        Some(index)
    })?;
    case.add_handle(address, index);
    Some(index)
}

/// The object that a region is a part of: one of `shm_open`, or a segment of System V, the inode of
/// which is its id (proc(5), `SYSV`).
fn memory(book: &Book, region: &Region) -> Option<usize> {
    if !region.is_shared || region.inode == 0 {
        return None;
    }
    if region.path().starts_with(b"/SYSV") {
        return book::placed(book, ObjectKind::Segment, [region.inode, 0, 0]);
    }
    book::placed(book, ObjectKind::Memory, [region.device << 40 | region.inode, 1, 0])
}

/// Where the memory of a descriptor is, as the regions say it.
fn place_of(descriptor: i32) -> Option<[u64; 3]> {
    // SAFETY: plain data that the call fills in.
    let status = unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        (libc::fstat(descriptor, &raw mut status) == 0).then_some(status)
    }?;
    let device =
        u64::from(libc::major(status.st_dev)) << 32 | u64::from(libc::minor(status.st_dev));
    Some([device << 40 | status.st_ino, 1, 0])
}

/// The process that has made a semaphore for its own threads at this address, which a child of it
/// has, too; and the object.
fn maker_for_threads(case: &Case, address: u64) -> Option<(i32, usize)> {
    let is_one = |object: &Object| {
        object.kind == ObjectKind::Unnamed
            && object.is_alive
            && object.place[1..] == [0, address]
            && object.place[0] != u64::from(case.pid.unsigned_abs())
    };
    let index = case.book.objects[..book::used(case.book)].iter().position(is_one)?;
    let maker = i32::try_from(case.book.objects[index].place[0]).ok()?;
    Some((maker, index))
}

/// The first that a process does with its copy of a semaphore is a post. It is told of when a
/// thread of the maker has waited in vain.
fn posts_to_copy(case: &mut Case, maker: i32, original: usize) {
    let pid = case.pid;
    if case.call.number == number::SEM_POST && processes::is_descendant(case.book, pid, maker, 0) {
        let object = &mut case.book.objects[original];
        // One that begins with a unit is a lock, and a copy of a lock is as good as any.
        object.copy_poster = if object.initial == 0 { pid } else { 0 };
    }
}

/// A semaphore in memory of this process alone.
fn private(case: &mut Case, address: u64) -> Option<usize> {
    let place = [u64::from(case.pid.unsigned_abs()), 0, address];
    let known = book::handle(case.book, case.pid, address)
        .map(|index| case.book.handles[index].object as usize)
        .filter(|&index| case.book.objects[index].place == place);
    let index = known.or_else(|| {
        let mut text = Line::new();
        text.put(format_args!("{address:#x}"));
        let index = case.add_object(ObjectKind::Unnamed, text.bytes())?;
        case.book.objects[index].place = place;
        Some(index)
    })?;
    case.add_handle(address, index);
    Some(index)
}
