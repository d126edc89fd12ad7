//! What every core stands on. Nothing in here knows of semaphores, queues or shared memory objects.

pub mod atomic;
pub mod errno;

#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
pub mod cpu;
#[cfg(not(loom))]
pub mod fork;
#[cfg(not(loom))]
pub mod futex;
#[cfg(not(loom))]
pub mod names;
#[cfg(not(loom))]
pub mod publish;
#[cfg(not(loom))]
pub mod settings;
#[cfg(not(loom))]
pub mod spin;

pub use errno::{Errno, Result};
