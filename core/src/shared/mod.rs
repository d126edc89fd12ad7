//! Building blocks for words in shared memory, and the state of the threads that work on them.
//! Nothing in here knows what an object is.
//!
//! | module | |
//! |---|---|
//! | `baton` | sleepers that come one after the other |
//! | `claim` | the claim word: which thread works on a slot |
//! | `event` | the word that waiters sleep on |
//! | `experience` | what is known of attempts that may be in vain |
//! | `lull` | a short pause that lets another thread get on |
//! | `pair` | two words that change together |
//! | `participant` | a thread under the model checker, which may end anywhere |
//! | `pause` | waiting for another thread without a word to sleep on |
//! | `prefetch` | asking for memory early |
//! | `presence` | claiming in the name of the process, where the kernel cannot watch |
//! | `spin` | a short wait before a sleep |
//! | `thread` | the block of each thread, and its operations |
//! | `wait` | the wait machine |
//! | `wait_point` | where threads of any process wait |

pub mod baton;
pub mod claim;
pub mod event;
#[cfg(not(loom))]
mod experience;
#[cfg(not(loom))]
pub mod lull;
pub mod pair;
#[cfg(all(test, loom))]
pub mod participant;
pub mod pause;
pub mod prefetch;
#[cfg(not(loom))]
pub mod presence;
#[cfg(not(loom))]
pub mod spin;
#[cfg(not(loom))]
pub mod thread;
#[cfg(not(loom))]
pub mod wait;
#[cfg(not(loom))]
pub mod wait_point;
