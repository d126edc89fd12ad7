//! What the kernel and the C library offer. Nothing in here knows of shared words or of objects.

pub mod errno;

#[cfg(not(loom))]
pub mod bare;
#[cfg(not(loom))]
pub mod cancel;
#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
pub mod concern;
#[cfg(not(loom))]
pub mod cpu;
#[cfg(not(loom))]
pub mod file;
#[cfg(not(loom))]
pub mod file_size;
#[cfg(not(loom))]
pub mod filter;
#[cfg(not(loom))]
pub mod fork;
#[cfg(not(loom))]
pub mod futex;
#[cfg(not(loom))]
pub mod lock;
#[cfg(not(loom))]
pub mod membarrier;
#[cfg(not(loom))]
pub mod namespace;
#[cfg(not(loom))]
pub mod process;
#[cfg(not(loom))]
pub mod random;
#[cfg(not(loom))]
pub mod readable;
#[cfg(not(loom))]
pub mod reserved;
#[cfg(not(loom))]
pub mod restartable;
#[cfg(not(loom))]
pub mod robust;
#[cfg(not(loom))]
pub mod settings;
#[cfg(not(loom))]
pub mod signals;
#[cfg(not(loom))]
pub mod spawn;
#[cfg(not(loom))]
pub mod stopped;
#[cfg(not(loom))]
pub mod wiped;

pub use errno::{Errno, Result};
