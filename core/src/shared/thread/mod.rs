//! The state of each thread that works on shared objects, and of the operations that it has begun.
//!
//! A signal handler may begin an operation while the thread is in the middle of another one, leave
//! that one for good, or fork. So each thread has a block with a record for each operation that has
//! begun and not ended (`block`, `record`). The records serve three purposes:
//!
//! * the word that an operation is about to claim is announced to the kernel (`operation`), or
//!   claimed in the name of the process's presence where the kernel could not watch it
//!   (`shared::presence`);
//! * the object that it works on is not unmapped meanwhile (a hazard pointer);
//! * an operation that a handler has left for good, by `siglongjmp`, is found and undone by the
//!   thread's next one (`frame`).

mod block;
mod copy;
mod frame;
mod operation;
mod record;
mod wake;

pub use block::{Thread, find_slots_with, forget_threads, is_in_use, reclaim_all};
pub use frame::FrameTag;
pub use operation::Operation;
pub use wake::Announcement;

pub(in crate::shared) use block::in_use;
