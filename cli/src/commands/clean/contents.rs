//! What an object holds that a user would miss.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;

use crate::failure::reason;
use crate::objects::messages::Snapshot as Queue;
use crate::objects::set::{self, Snapshot};
use crate::objects::sysv::common;
use crate::objects::{Object, State, file, segment};

/// Why an object is not to be removed although nobody has it.
pub fn at(object: &Object) -> Option<String> {
    of(&object.state, object, None)
}

/// The same, with what is in it by now. While there is a lease on its file, that cannot be opened
/// once more.
pub fn of(state: &State, object: &Object, leased: Option<&File>) -> Option<String> {
    let because = match state {
        State::Shm => of_memory(leased.map_or_else(|| file::open(&object.path), File::try_clone))?,
        State::Sem(Ok(semaphore)) if semaphore.value == 0 => {
            "its value is 0: it may be taken".to_owned()
        }
        State::Mq(Ok(queue)) if queue.messages == 1 => "it holds 1 message".to_owned(),
        State::Mq(Ok(queue)) if queue.messages > 1 => {
            format!("it holds {} messages", queue.messages)
        }
        state if trouble(state).is_some() => return None,
        State::Set(Ok(set)) => of_set(set)?,
        State::Messages(Ok(queue)) => of_queue(queue)?,
        State::Segment(Ok(segment)) if !segment.attached.is_empty() => "it is attached".to_owned(),
        State::Segment(Ok(known)) => {
            of_memory(segment::memory_path(known.id).and_then(|path| file::open(&path)))?
        }
        state => format!("it cannot be inspected: {}", reason(state.error()?)),
    };
    Some(because + "; --force removes it")
}

/// Of shared memory. What was never written is zeros.
fn of_memory(file: io::Result<File>) -> Option<String> {
    match file.and_then(has_data) {
        Ok(false) => None,
        Ok(true) => Some("it holds data".to_owned()),
        // The memory of a segment may be gone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(format!("it cannot be inspected: {}", reason(&error))),
    }
}

/// Whether any byte is another one than 0. Holes are left out.
fn has_data(mut file: File) -> io::Result<bool> {
    const PIECE: u64 = 1 << 16;
    let mut place = 0;
    loop {
        // SAFETY: takes no pointer.
        place = unsafe { libc::lseek(file.as_raw_fd(), place, libc::SEEK_DATA) };
        let Ok(start) = u64::try_from(place) else {
            let error = io::Error::last_os_error();
            // There is nothing but a hole up to the end.
            return if error.raw_os_error() == Some(libc::ENXIO) { Ok(false) } else { Err(error) };
        };
        file.seek(SeekFrom::Start(start))?;
        let mut piece = Vec::new();
        (&file).take(PIECE).read_to_end(&mut piece)?;
        if piece.iter().any(|byte| *byte != 0) {
            return Ok(true);
        }
        place += i64::try_from(piece.len()).unwrap_or(i64::MAX / 2).max(1);
    }
}

/// Why it cannot be used any more: then it holds nothing.
fn trouble(state: &State) -> Option<&'static str> {
    common(state)?.trouble()
}

fn of_queue(queue: &Queue) -> Option<String> {
    match queue.description.amount.messages {
        _ if !queue.waiters.is_empty() => Some("a thread waits in it".to_owned()),
        0 => None,
        1 => Some("it holds 1 message".to_owned()),
        messages => Some(format!("it holds {messages} messages")),
    }
}

fn of_set(set: &Snapshot) -> Option<String> {
    if let Some(adjustment) = set::living(set).next() {
        let who = adjustment.pid.map_or("?".to_owned(), |pid| pid.to_string());
        let number = adjustment.member;
        return Some(format!("what process {who} did to semaphore {number} will be undone"));
    }
    if !set.waiters.is_empty() {
        return Some("a thread waits in it".to_owned());
    }
    let taken = (0..set.members.len()).find(|&number| set::value(set, number) <= 0)?;
    Some(match set.members.len() {
        1 => "its value is 0: it may be taken".to_owned(),
        _ => format!("its semaphore {taken} is 0: it may be taken"),
    })
}
