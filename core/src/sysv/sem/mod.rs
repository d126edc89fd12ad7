//! Semaphore sets.
//!
//! | module | |
//! |---|---|
//! | `at_once` | operations that need no wait, in a straight line |
//! | `call` | `semop` |
//! | `cells` | what the words of a state say |
//! | `change` | one change, from the first copy to the last wake |
//! | `changed` | which semaphores have changed |
//! | `control` | `semctl` |
//! | `draft` | a changed copy, swapped in whole or not at all |
//! | `fate` | whether the thread of a waiter is alive |
//! | `find` | `semget`: sets as objects that are found and made |
//! | `group` | some of the waiters, in the order of their arrival |
//! | `image` | copies of parts of a set's file, for an observer that does not map it |
//! | `layout` | where everything lies in the file |
//! | `many` | an array of operations, put together at once |
//! | `model` | the protocol under the model checker |
//! | `one` | one operation, in one sequence |
//! | `operate` | an array of operations, whole or not at all |
//! | `record` | what is known of waiters and processes, beside the state |
//! | `records` | records of waiters: claimed and given back |
//! | `serve` | what a change makes possible for waiters |
//! | `set` | a mapped set |
//! | `slots` | slots of processes that use SEM_UNDO |
//! | `snapshot` | a set as `rsipc` shows it, read and not changed |
//! | `state` | a set is a value: how it lies in memory, and is read |
//! | `straight` | what the straight lines share |
//! | `undo` | what is undone when a process has ended |
//! | `wait` | a wait for what cannot be done yet |
//! | `wish` | what a caller wants, attempted without a wait |

pub mod at_once;
pub mod cells;
pub mod changed;
pub mod draft;
mod group;
mod many;
#[cfg(all(test, loom))]
mod model;
mod one;
pub mod operate;
pub mod serve;
pub mod state;
pub mod straight;

#[cfg(not(loom))]
mod call;
#[cfg(not(loom))]
mod change;
#[cfg(not(loom))]
mod control;
#[cfg(not(loom))]
mod fate;
#[cfg(not(loom))]
mod find;
#[cfg(not(loom))]
mod image;
#[cfg(not(loom))]
mod layout;
mod record;
#[cfg(not(loom))]
mod records;
#[cfg(not(loom))]
mod set;
#[cfg(not(loom))]
mod slots;
#[cfg(not(loom))]
pub mod snapshot;
#[cfg(not(loom))]
mod undo;
#[cfg(not(loom))]
mod wait;
#[cfg(not(loom))]
mod wish;

#[cfg(not(loom))]
pub use call::{semop, semop_at_once};
#[cfg(not(loom))]
pub use control::{
    Description, Question, Totals, ask, ask_at_once, describe, highest, id_of_index,
    members_to_set, remove, set_all, set_permission, set_value, totals, values,
};
#[cfg(not(loom))]
pub use find::get;
#[cfg(not(loom))]
pub use operate::Operation;
#[cfg(not(loom))]
pub use serve::{OPERATIONS_MAX, Wanted};
#[cfg(not(loom))]
pub use undo::leave;
