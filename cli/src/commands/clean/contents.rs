//! What an object holds that somebody would miss.

use crate::failure::reason;
use crate::objects::State;
use crate::objects::set::{self, Snapshot};

/// Why an object is not to be removed although nobody has it.
pub fn of(state: &State) -> Option<String> {
    let because = match state {
        State::Sem(Ok(semaphore)) if semaphore.value == 0 => "its token is taken".to_owned(),
        State::Mq(Ok(queue)) if queue.messages == 1 => "it holds a message".to_owned(),
        State::Mq(Ok(queue)) if queue.messages > 1 => {
            format!("it holds {} messages", queue.messages)
        }
        State::Set(Ok(set)) => of_set(set)?,
        State::Sem(Err(error)) | State::Mq(Err(error)) | State::Set(Err(error)) => {
            format!("it cannot be looked into: {}", reason(error))
        }
        State::Sem(Ok(_)) | State::Mq(Ok(_)) | State::Shm => return None,
    };
    Some(because + "; --force removes it")
}

/// One that cannot be used any more holds nothing.
fn of_set(set: &Snapshot) -> Option<String> {
    if set::trouble(set).is_some() {
        return None;
    }
    if let Some(adjustment) = set::living(set).next() {
        let who = adjustment.pid.map_or("?".to_owned(), |pid| pid.to_string());
        let number = adjustment.member;
        return Some(format!("what process {who} has done to semaphore {number} is to be undone"));
    }
    if !set.waiters.is_empty() {
        return Some("somebody waits in it".to_owned());
    }
    let taken = (0..set.members.len()).find(|&number| set::value(set, number) <= 0)?;
    Some(match set.members.len() {
        1 => "its value is 0: it may be taken".to_owned(),
        _ => format!("its semaphore {taken} is 0: it may be taken"),
    })
}
