//! Semaphores, with the memory layout and the protocol of glibc, so that both may work on the same
//! semaphore.
//!
//! | module | |
//! |---|---|
//! | `word` | the one word that is the semaphore |
//! | `layout` | what a `sem_t` is made of |
//! | `change` | changes of the value |
//! | `wait` | a wait until there is something to take |
//! | `named` | named semaphores |
//! | `track` | who took last, and who posted last, for tracked semaphores |
//! | `ledger` | who has taken what, for robust semaphores |
//! | `model` | the protocol of the word under the model checker |

pub mod ledger;
pub mod word;

#[cfg(not(loom))]
mod change;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod named;
#[cfg(not(loom))]
pub mod track;
#[cfg(not(loom))]
mod wait;

#[cfg(not(loom))]
pub use layout::{SIZE, Semaphore, VALUE_MAX};
#[cfg(not(loom))]
pub use named::{Open, PREFIX, close, open, unlink};
#[cfg(not(loom))]
pub use wait::{Decrement, Patience};
#[cfg(all(test, loom))]
mod model;
