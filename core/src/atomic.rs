//! The atomics of every protocol come from here, so that the model checker can replace them by its
//! own. Nothing else names `core::sync::atomic`.

#[cfg(all(loom, test))]
pub mod explore;
#[cfg(loom)]
pub mod modelled;

#[cfg(loom)]
pub use loom::{
    hint,
    sync::atomic::{Ordering, fence},
    thread,
};
#[cfg(loom)]
pub use modelled::{AtomicU32, AtomicU64};

// Of statics, which are no part of a model: one of loom's cannot be made in a constant.
#[cfg(loom)]
pub use core::sync::atomic::AtomicPtr;
#[cfg(not(loom))]
pub use core::{
    hint,
    sync::atomic::{
        AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
        AtomicUsize, Ordering, compiler_fence, fence,
    },
};
#[cfg(not(loom))]
pub use std::thread;
