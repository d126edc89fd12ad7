//! What an object holds that somebody would miss.

use crate::failure::reason;
use crate::objects::State;

/// Why an object is not to be removed although nobody has it.
pub fn of(state: &State) -> Option<String> {
    let because = match state {
        State::Sem(Ok(semaphore)) if semaphore.value == 0 => "its token is taken".to_owned(),
        State::Mq(Ok(queue)) if queue.messages == 1 => "it holds a message".to_owned(),
        State::Mq(Ok(queue)) if queue.messages > 1 => {
            format!("it holds {} messages", queue.messages)
        }
        State::Sem(Err(error)) | State::Mq(Err(error)) => {
            format!("it cannot be looked into: {}", reason(error))
        }
        State::Sem(Ok(_)) | State::Mq(Ok(_)) | State::Shm => return None,
    };
    Some(because + "; --force removes it")
}
