//! What every core stands on. Nothing in here knows of semaphores, queues or shared memory objects.

pub mod atomic;
pub mod claim;
pub mod errno;
#[cfg(loom)]
pub mod modelled;
pub mod pair;
pub mod pause;
pub mod prefetch;

#[cfg(not(loom))]
pub mod cancel;
#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
pub mod cpu;
#[cfg(not(loom))]
pub mod fork;
#[cfg(not(loom))]
pub mod futex;
#[cfg(not(loom))]
pub mod membarrier;
#[cfg(not(loom))]
pub mod names;
#[cfg(not(loom))]
pub mod publish;
#[cfg(not(loom))]
pub mod robust;
#[cfg(not(loom))]
pub mod settings;
#[cfg(not(loom))]
pub mod spawn;
#[cfg(not(loom))]
pub mod spin;
#[cfg(not(loom))]
pub mod thread;

pub use errno::{Errno, Result};
