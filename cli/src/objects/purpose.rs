//! What the threads that sleep in an object wait for.

/// What a thread waits for that sleeps in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Of a semaphore.
    #[serde(rename = "token")]
    Value,
    /// In an empty queue.
    Message,
    /// In a full queue.
    #[serde(rename = "room")]
    Space,
    /// Of a word that a program keeps in shared memory: an unnamed semaphore, a mutex, a condition
    /// variable.
    Change,
    /// Of a semaphore of a set.
    Increase,
    /// In a semaphore of a set.
    Zero,
}

impl Purpose {
    /// `waits for …`
    pub fn describe(self) -> &'static str {
        match self {
            Self::Value => "a post",
            Self::Message => "a message",
            Self::Space => "space",
            Self::Change => "a word to change",
            Self::Increase => "an increase",
            Self::Zero => "zero",
        }
    }
}
