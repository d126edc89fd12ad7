//! Messages that a failed call has not sent, or not received, and that the thread does not come
//! back to: the next call on the queue is for another message, or ends its use. Such a message is
//! lost if until the end of the run nobody has sent it, or received it.

use watch_run::calls::number;
use watch_run::finding::Kind;
use watch_run::suspect::Clue;

use super::case::Case;
use super::suspects;
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
        give_up(case, lost, ends(call.number));
    }
}

/// The thread ends its process.
pub fn at_exit(case: &mut Case) {
    let lost = case.own.lost;
    if lost.object != 0 {
        case.own.lost.object = 0;
        give_up(case, lost, true);
    }
}

/// The thread does not come back to it; another one may.
fn give_up(case: &mut Case, lost: Lost, is_end: bool) {
    // A signal has ended the work.
    if lost.error == libc::EINTR && is_end {
        return;
    }
    let object = Some(lost.object as usize - 1);
    for suspect in suspects::of(case.book, Kind::MessageLost, object) {
        suspect.clue.is_complete |= suspect.clue.hash == lost.hash;
    }
}

fn suspect(case: &mut Case, index: usize, lost: Lost) {
    let error = match lost.error {
        libc::EAGAIN => "EAGAIN (the queue was full)",
        libc::ETIMEDOUT => "ETIMEDOUT (the queue was full until then)",
        libc::EINTR => "EINTR (a signal handler interrupted it)",
        _ => "EMSGSIZE (the message is too long)",
    };
    let clue = Clue { hash: lost.hash, start: lost.start, ..Clue::default() };
    if lost.hash == 0 {
        let room = lost.room;
        let clue = Clue { start: room, ..clue };
        let text = format_args!("a receive failed with EMSGSIZE: {room} bytes are too few for it");
        case.suspect(Kind::MessageLost, index, clue, text);
    } else {
        let text = format_args!("a send failed with {error}, and the message was not sent again");
        case.suspect(Kind::MessageLost, index, clue, text);
    }
}

pub fn after(case: &mut Case) {
    let Some(index) = case.call.object() else { return };
    let call = *case.call;
    if !sends(call.number) && !receives(call.number) {
        return;
    }
    if call.has_succeeded() {
        found_again(case, index, &call);
        return;
    }
    let failed = match call.error {
        libc::EAGAIN | libc::ETIMEDOUT | libc::EINTR => sends(call.number),
        libc::EMSGSIZE => true,
        _ => false,
    };
    // A single byte tells no more than the one that is in the queue.
    if !failed || (sends(call.number) && call.arguments[2] <= 1) {
        return;
    }
    let is_too_long = sends(call.number) && call.error == libc::EMSGSIZE;
    let lost = Lost {
        object: u32::try_from(index + 1).unwrap_or(0),
        error: call.error,
        hash: if sends(call.number) { hash(&call) } else { 0 },
        room: call.arguments[2],
        start: if is_too_long { start(&call).unwrap_or(0) } else { 0 },
    };
    case.own.lost = lost;
    if !suspects::is_known(case.book, Kind::MessageLost, index, lost.hash) {
        suspect(case, index, lost);
    }
}

/// The first bytes of a message.
fn start(call: &Call) -> Option<u64> {
    peek::value(call.arguments[1])
}

/// A message has come through, whichever process has sent it, and in whichever queue; or one was
/// received that was too long for another process.
fn found_again(case: &mut Case, index: usize, call: &Call) {
    if suspects::of(case.book, Kind::MessageLost, None).next().is_none() {
        return;
    }
    if receives(call.number) {
        suspects::clear(case.book, Kind::MessageLost, Some(index), |suspect| {
            suspect.clue.hash == 0 && suspect.clue.start < call.arguments[2]
        });
        return;
    }
    let hash = hash(call);
    let mut room = [0; 256];
    let bound = usize::try_from(call.arguments[2]).unwrap_or(0).min(room.len());
    let bytes = peek::bytes(call.arguments[1], &mut room[..bound]);
    suspects::clear(case.book, Kind::MessageLost, None, |suspect| {
        let start = suspect.clue.start.to_ne_bytes();
        let is_part = || bytes.windows(start.len()).any(|window| window == start);
        suspect.clue.hash == hash
            || (suspect.clue.hash != 0 && suspect.clue.start != 0 && is_part())
    });
}
