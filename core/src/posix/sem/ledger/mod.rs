//! Who has taken what from a semaphore, so that it can be given back when they die.
//!
//! | module | |
//! |---|---|
//! | `model` | the operations under the model checker |
//! | `record` | what an operation writes into the lane that it has |
//! | `lanes` | counted operations |
//! | `burial` | what another process does for a dead one |
//! | `layout` | the memory of a ledger |
//! | `file` | its file |
//! | `keeper` | the thread that lives as long as the process, and gives back what others have taken |
//! | `pattern` | which names the environment makes robust |
//! | `account` | a semaphore that this process uses so, and its account there |
//! | `uses` | all of these |
//! | `holders` | what a look from outside shows |

#[cfg(not(loom))]
pub mod account;
mod burial;
#[cfg(not(loom))]
pub mod file;
#[cfg(not(loom))]
pub mod holders;
#[cfg(not(loom))]
mod keeper;
pub mod lanes;
#[cfg(not(loom))]
mod layout;
#[cfg(all(test, loom))]
mod model;
#[cfg(not(loom))]
pub mod pattern;
mod record;
#[cfg(not(loom))]
pub mod uses;
