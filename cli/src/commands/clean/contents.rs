//! What an object holds that somebody would miss.

use crate::failure::reason;
use crate::objects::State;
use crate::objects::messages::Snapshot as Queue;
use crate::objects::set::{self, Snapshot};
use crate::objects::sysv::common;

/// Why an object is not to be removed although nobody has it.
pub fn of(state: &State) -> Option<String> {
    let because = match state {
        State::Sem(Ok(semaphore)) if semaphore.value == 0 => "its token is taken".to_owned(),
        State::Mq(Ok(queue)) if queue.messages == 1 => "it holds a message".to_owned(),
        State::Mq(Ok(queue)) if queue.messages > 1 => {
            format!("it holds {} messages", queue.messages)
        }
        state if trouble(state).is_some() => return None,
        State::Set(Ok(set)) => of_set(set)?,
        State::Messages(Ok(queue)) => of_queue(queue)?,
        State::Segment(Ok(segment)) if !segment.attached.is_empty() => "it is attached".to_owned(),
        state => format!("it cannot be looked into: {}", reason(state.error()?)),
    };
    Some(because + "; --force removes it")
}

/// Why it cannot be used any more: then it holds nothing.
fn trouble(state: &State) -> Option<&'static str> {
    common(state)?.trouble()
}

fn of_queue(queue: &Queue) -> Option<String> {
    match queue.description.amount.messages {
        _ if !queue.waiters.is_empty() => Some("somebody waits in it".to_owned()),
        0 => None,
        1 => Some("it holds a message".to_owned()),
        messages => Some(format!("it holds {messages} messages")),
    }
}

fn of_set(set: &Snapshot) -> Option<String> {
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
