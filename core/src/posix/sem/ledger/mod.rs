//! What each process has taken from a semaphore, so that it can be given back when that one dies.
//!
//! | module | |
//! |---|---|
//! | `model` | the operations under the model checker |
//! | `intent` | what an operation writes into the lane that it has |
//! | `lanes` | counted operations |
//! | `recovery` | what another process does for a dead one |
//! | `layout` | the memory of a ledger |
//! | `file` | its file |
//! | `keeper` | the thread that tells of the death of its process, and gives back what others had |
//! | `keeping` | what it and its process tell each other |
//! | `opened` | a ledger that this process has open |
//! | `account` | what this process has in it |
//! | `pins` | the threads that are inside a use, and those that have left it for good |
//! | `pool` | the uses of semaphores by this process, and their end |
//! | `entries` | the addresses that lead to them |
//! | `uses` | what the calls do with all of these |
//! | `holders` | what a look from outside shows |

#[cfg(not(loom))]
mod account;
#[cfg(not(loom))]
mod entries;
#[cfg(not(loom))]
pub mod file;
#[cfg(not(loom))]
pub mod holders;
mod intent;
#[cfg(not(loom))]
mod keeper;
#[cfg(not(loom))]
mod keeping;
pub mod lanes;
#[cfg(not(loom))]
mod layout;
#[cfg(all(test, loom))]
mod model;
#[cfg(not(loom))]
mod opened;
#[cfg(not(loom))]
mod pins;
#[cfg(not(loom))]
mod pool;
mod recovery;
#[cfg(not(loom))]
pub mod uses;
