//! `mq_notify`: one process at a time is notified when a message comes into the empty queue.
//!
//! | module | |
//! |---|---|
//! | `registration` | the shared words, and the protocol |
//! | `request` | the lock that tells which process is registered, and for what |
//! | `register` | the call |
//! | `sender` | the sender of a message notifies |
//! | `handed` | whether a message goes to a receiver that sleeps |
//! | `signal` | the signal |
//! | `notifier` | the thread that notifies where the sender cannot |
//! | `mutex` | one thread of a process registers at a time |
//! | `internal` | descriptors of ours, whose closing must not end a registration |

#[cfg(not(loom))]
mod handed;
#[cfg(not(loom))]
pub mod internal;
#[cfg(not(loom))]
mod mutex;
#[cfg(not(loom))]
pub mod notifier;
#[cfg(not(loom))]
pub mod register;
pub mod registration;
#[cfg(not(loom))]
pub mod request;
#[cfg(not(loom))]
mod sender;
#[cfg(not(loom))]
pub mod signal;
