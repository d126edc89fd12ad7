//! The state of each thread that works on shared objects, and of the operations that it has begun.
//!
//! A signal handler may begin an operation while the thread is in the middle of another one, leave
//! that one for good, or fork. So each thread has a block with an activation for each operation
//! that has begun and not ended. The activations serve three purposes:
//!
//! * the word that an operation is about to claim is announced to the kernel, or claimed in the
//!   name of the process's presence where the kernel could not watch it (`shared::presence`);
//! * the object that it works on is not unmapped meanwhile (a hazard pointer);
//! * an operation that a handler has left for good, by `siglongjmp`, is found and undone by the
//!   thread's next one.
//!
//! | module | |
//! |---|---|
//! | `block` | the blocks, and which thread owns which |
//! | `claimant` | an operation claims, and stores to what it has claimed |
//! | `copy` | copies to and from what it has claimed |
//! | `frame` | whether the stack frame of an operation still exists |
//! | `operation` | an operation begins and ends |
//! | `activation` | what is known of one that has begun |
//! | `wake` | wakes that are owed, announced to the kernel |

mod activation;
mod block;
mod claimant;
mod copy;
mod frame;
mod operation;
mod wake;

pub use block::{Thread, find_slots_with, is_in_use, reclaim_all};
pub use frame::{FrameTag, is_gone};
pub use operation::Operation;
pub use wake::Announcement;

pub(in crate::shared) use block::in_use;
