//! The POSIX families.

pub mod mq;
pub mod sem;
#[cfg(not(loom))]
pub mod shm;
