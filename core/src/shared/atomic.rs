//! The atomics of every protocol go through here, so that the model checker can put its own in
//! their place.

#[cfg(loom)]
pub use crate::shared::modelled::{AtomicU32, AtomicU64};
#[cfg(loom)]
pub use loom::{
    hint,
    sync::atomic::{Ordering, fence},
    thread,
};

#[cfg(not(loom))]
pub use core::{
    hint,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};
#[cfg(not(loom))]
pub use std::thread;
