//! Why processes that sleep may go on after all.

use crate::objects::file::FileId;
use crate::processes::Pid;

/// Something that could wake one of them, although nothing says that it will.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The process has a handler for this signal, which may post.
    Handler { pid: Pid, signal: i32 },
    /// The process has a timer, which may run something that posts.
    Timer { pid: Pid },
    /// The process, or this thread of it, has the object and sits in a call.
    Idle { pid: Pid, tid: Option<Pid>, call: &'static str },
    /// The process has the object, and is stopped.
    Stopped { pid: Pid },
    /// So many processes may open the object, and could not be inspected.
    Unseen { processes: usize },
    /// The queue still has a name or a key: a process that opens it anew could send.
    Anew { file: FileId },
}
