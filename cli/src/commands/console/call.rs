//! What a command of the console comes to.

use rsipc_core::os::Errno;

/// What a call gave back.
#[derive(Debug)]
pub struct Answer {
    /// As C has it; none for what is no call.
    pub returned: Option<String>,
    /// What else there is to say.
    pub remark: String,
}

impl Answer {
    /// Of a call.
    pub fn returned(value: impl std::fmt::Display, remark: impl Into<String>) -> Self {
        Self { returned: Some(format!("{value}")), remark: remark.into() }
    }

    /// 0, and nothing to add.
    pub fn zero() -> Self {
        Self::returned(0, "")
    }

    /// Of a command that is no call.
    pub fn text(text: impl Into<String>) -> Self {
        Self { returned: None, remark: text.into() }
    }
}

/// Why a command did nothing.
#[derive(Debug)]
pub enum Trouble {
    /// The arguments make no sense.
    Usage(String),
    /// The console makes no such call: why, and what to do.
    Refused(String, String),
    /// The call failed.
    Failed(Errno),
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        Self::Failed(error)
    }
}

pub type Result<T> = std::result::Result<T, Trouble>;

/// A call that may sleep.
pub struct Sleepy {
    /// What it will sleep for, if it seems that it will.
    pub sleeps_for: Option<&'static str>,
    /// The call itself, for any thread.
    pub call: Box<dyn FnOnce() -> std::result::Result<Answer, Errno> + Send>,
}

/// What a command comes to.
pub enum Step {
    Done(Answer),
    /// Somebody must make the call yet.
    MaySleep(Sleepy),
    /// The console tells of all its commands, or of the one of this name.
    Help(Option<Vec<u8>>),
    /// The console tells what an error means for each of its calls.
    Errno(Errno),
    /// The console ends.
    End,
}

impl From<Answer> for Step {
    fn from(answer: Answer) -> Self {
        Self::Done(answer)
    }
}
