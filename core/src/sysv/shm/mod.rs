//! Segments of shared memory, where they are not the kernel's.
//!
//! A segment is two files. One holds the header and a few words, and is mapped by all processes
//! that know the segment. The other one is the memory, and is mapped where the program wants it. So
//! a process that may only read the memory gets a descriptor that cannot write to it. A segment
//! that has lost its name goes with the last mapping of its memory, however the process that had it
//! ended.
//!
//! | module | |
//! |---|---|
//! | `access` | what a program wants to do with the memory |
//! | `attach` | `shmat` |
//! | `attachments` | which processes have a segment attached, as /proc shows |
//! | `control` | `shmctl` |
//! | `detach` | `shmdt` |
//! | `find` | `shmget` |
//! | `info` | the structures of IPC_INFO and SHM_INFO |
//! | `kind` | whether segments are the kernel's or ours |
//! | `memory` | the file that is the memory |
//! | `placement` | where in the memory of the process a segment is mapped |
//! | `places` | where this process has segments attached |
//! | `reach` | the memory of a segment that has lost its name |
//! | `segment` | a segment that this process knows |
//! | `snapshot` | a segment as `rsipc` shows it, read and not changed |
//! | `words` | what is in the file beside the header |

mod access;
mod attach;
pub mod attachments;
mod control;
mod detach;
mod find;
mod info;
pub mod kind;
mod memory;
mod placement;
mod places;
mod reach;
mod segment;
pub mod snapshot;
mod words;

pub use attach::attach;
pub use control::{
    Description, Totals, describe, highest, id_of_index, lock, remove, set_permission, totals,
};
pub use detach::detach;
pub use find::{SIZE_MAX, get};
pub use info::{Limits, Usage};
pub use places::note_change;
