//! What words in shared memory are made of, and the threads that work on them. Nothing in here
//! knows of objects.

pub mod atomic;
pub mod claim;
pub mod event;
#[cfg(loom)]
pub mod modelled;
pub mod pair;
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
