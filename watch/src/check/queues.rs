//! Queues of messages: how they are opened, and what becomes of their messages.

use std::ffi::CStr;

use watch_run::calls::{Argument, CALLS, number};
use watch_run::finding::Kind;
use watch_run::tables::{ObjectKind, Tables};

use super::case::Case;
use super::{identify, kept};
use crate::call::Call;
use crate::{book, next, peek, system};

/// The messages in the queue of this name.
fn messages_of(run: &Tables, name: &CStr) -> Option<i64> {
    match identify::own_descriptor(run, name) {
        Some(descriptor) => next::queue(descriptor).map(|queue| queue.messages),
        None => next::queue_named(name),
    }
}

/// How many messages are in the queue, which matters when it goes, and when one comes.
pub fn ask_for_messages(run: &Tables, call: &mut Call) {
    let found = if call.number == number::MQ_UNLINK {
        let mut room = [0; 257];
        identify::name(call.arguments[0], &mut room).and_then(|name| messages_of(run, name))
    } else {
        next::queue(call.arguments[0]).map(|queue| queue.messages)
    };
    call.value = found.and_then(|messages| i32::try_from(messages).ok()).unwrap_or(-1);
}

/// Whether the call is on a queue that was opened with `O_NONBLOCK`.
pub fn never_waits(call: &Call) -> bool {
    CALLS[call.index()].arguments[0] == Argument::Queue && next::never_waits(call.arguments[0])
}

/// Whether a queue is as the call has asked for it: `value` is 1 if it is not.
pub fn ask_for_attributes(call: &mut Call) {
    call.value = 0;
    let makes = next::number(call.arguments[1]) & libc::O_CREAT != 0;
    if !makes || call.is_new != 0 {
        return;
    }
    let Some(asked) = peek::value::<libc::mq_attr>(call.arguments[3]) else { return };
    let Some(found) = next::queue(call.result.cast_unsigned()) else { return };
    call.value = i32::from(asked.mq_maxmsg != found.room || asked.mq_msgsize != found.size);
}

pub fn before(case: &mut Case) {
    let Some(index) = case.call.object() else { return };
    let goes = match case.call.number {
        number::MQ_CLOSE => !case.book.objects[index].is_linked && others(case, index) == 0,
        number::MQ_UNLINK => opens(case, index) == 0,
        _ => false,
    };
    if goes {
        unread(case, index, i64::from(case.call.value), case.pid);
    }
}

/// Descriptors of the queue that living processes have.
fn opens(case: &Case, index: usize) -> usize {
    let is_one = |handle: &&watch_run::tables::Handle| {
        handle.pid > 0 && handle.object as usize == index && handle.opens > 0
    };
    let found = case.book.handles.iter().filter(is_one);
    found.filter(|handle| system::is_alive(handle.pid)).count()
}

/// But the one that is being closed.
fn others(case: &Case, index: usize) -> usize {
    opens(case, index).saturating_sub(1)
}

/// Messages that nobody will read, or nobody has been told of.
pub fn unread(case: &mut Case, index: usize, messages: i64, pid: i32) {
    if messages <= 0 {
        return;
    }
    let object = case.book.objects[index];
    if object.is_notified && object.sent > 0 {
        let (sent, told) = (object.sent, object.taker_pid);
        case.found.add(
            case.book,
            Kind::NotifiedOnce,
            Some(index),
            (told, told),
            format_args!(
                "process {told} was notified once and has not registered again; {sent} more \
                 messages came, {messages} are unread"
            ),
        );
    } else {
        case.found.add(
            case.book,
            Kind::Unread,
            Some(index),
            (pid, pid),
            format_args!("left unreceived in it: {messages}"),
        );
    }
}

pub fn after(case: &mut Case) {
    let call = &*case.call;
    if call.number == number::MQ_CLOSE && call.error == libc::EBADF {
        let object = call.object();
        case.say(Kind::NotOpen, object, format_args!("mq_close of what is no open queue"));
        return;
    }
    let Some(index) = call.object() else { return };
    if !call.has_succeeded() || case.book.objects[index].kind != ObjectKind::Queue {
        return;
    }
    let pid = case.pid;
    match call.number {
        number::MQ_OPEN if call.value != 0 => {
            let asked = peek::value::<libc::mq_attr>(call.arguments[3]);
            let (room, size) = asked.map_or((0, 0), |asked| (asked.mq_maxmsg, asked.mq_msgsize));
            let text = format_args!(
                "it was there before, with other attributes than asked for (maxmsg {room}, \
                 msgsize {size})"
            );
            case.say(Kind::OtherAttributes, Some(index), text);
        }
        number::MQ_CLOSE => {
            let key = u64::from(next::number(call.arguments[0]).unsigned_abs());
            book::drop_handles(case.book, pid, |handle| handle.key == key);
            kept::note_heir(case.book, index, 0);
        }
        number::MQ_UNLINK => kept::note_heir(case.book, index, 0),
        number::MQ_NOTIFY => {
            let is_registered = call.arguments[1] != 0;
            let object = &mut case.book.objects[index];
            object.notified = if is_registered { pid } else { 0 };
            object.is_notified = false;
            object.sent = 0;
        }
        number::MQ_SEND | number::MQ_TIMEDSEND => sent(case, index),
        _ => {}
    }
}

/// A message into the empty queue ends the registration.
fn sent(case: &mut Case, index: usize) {
    let was_empty = case.call.value == 0;
    let object = &mut case.book.objects[index];
    if object.notified != 0 && was_empty {
        object.taker_pid = object.notified;
        object.notified = 0;
        object.is_notified = true;
        object.sent = 0;
    } else if object.is_notified {
        object.sent = object.sent.saturating_add(1);
    }
}
