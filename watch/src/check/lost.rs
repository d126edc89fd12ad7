//! Messages that a failed call has not sent, or not received, and that the thread does not come
//! back to: the next call on the queue is for another message, or ends its use.

use watch_run::calls::number;
use watch_run::finding::Kind;

use super::case::Case;
use crate::call::Call;
use crate::chaos::mix;
use crate::memory::Lost;
use crate::peek;

const fn sends(call: u64) -> bool {
    matches!(call, number::MQ_SEND | number::MQ_TIMEDSEND | number::MSGSND)
}

const fn receives(call: u64) -> bool {
    matches!(call, number::MQ_RECEIVE | number::MQ_TIMEDRECEIVE)
}

const fn ends(call: u64) -> bool {
    matches!(call, number::MQ_CLOSE)
}

/// Of what is sent: its length and its beginning.
fn hash(call: &Call) -> u64 {
    let mut room = [0; 256];
    let mut length = call.arguments[2];
    if call.number == number::MSGSND {
        // The type comes first.
        length = length.saturating_add(8);
    }
    let bound = usize::try_from(length).unwrap_or(0).min(room.len());
    let bytes = peek::bytes(call.arguments[1], &mut room[..bound]);
    bytes.iter().fold(length, |sum, &byte| mix(sum, u64::from(byte))) | 1
}

pub fn before(case: &mut Case) {
    let lost = case.own.lost;
    let Some(index) = case.call.object() else { return };
    if lost.object == 0 || lost.object as usize != index + 1 {
        return;
    }
    let call = &*case.call;
    let was_sent = lost.hash != 0;
    let is_about_it = (sends(call.number) && was_sent)
        || (receives(call.number) && !was_sent)
        || ends(call.number);
    if !is_about_it {
        return;
    }
    let comes_back = (sends(call.number) && hash(call) == lost.hash)
        || (receives(call.number) && call.arguments[2] > lost.room);
    case.own.lost.object = 0;
    if !comes_back {
        say(case, lost);
    }
}

/// The thread ends its process.
pub fn at_exit(case: &mut Case) {
    let lost = case.own.lost;
    if lost.object != 0 {
        case.own.lost.object = 0;
        say(case, lost);
    }
}

fn say(case: &mut Case, lost: Lost) {
    let object = Some(lost.object as usize - 1);
    let error = match lost.error {
        libc::EAGAIN => "EAGAIN (the queue was full)",
        libc::ETIMEDOUT => "ETIMEDOUT (the queue was full until then)",
        libc::EINTR => "EINTR (a signal handler interrupted it)",
        _ => "EMSGSIZE (the message is too long)",
    };
    if lost.hash == 0 {
        let room = lost.room;
        let text = format_args!("a receive failed with EMSGSIZE: {room} bytes are too few for it");
        case.say(Kind::MessageLost, object, text);
    } else {
        let text = format_args!("a send failed with {error}, and the message was not sent again");
        case.say(Kind::MessageLost, object, text);
    }
}

pub fn after(case: &mut Case) {
    let Some(index) = case.call.object() else { return };
    let call = &*case.call;
    let failed = match call.error {
        libc::EAGAIN | libc::ETIMEDOUT | libc::EINTR => sends(call.number),
        libc::EMSGSIZE => sends(call.number) || receives(call.number),
        _ => false,
    };
    if failed {
        case.own.lost = Lost {
            object: u32::try_from(index + 1).unwrap_or(0),
            error: call.error,
            hash: if sends(call.number) { hash(call) } else { 0 },
            room: call.arguments[2],
        };
    }
}
