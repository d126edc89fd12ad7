//! Interprocess communication in user space: everything of librsipc but its C edge.
//!
//! The folders are the architecture, and the arrows go one way, down this list:
//!
//! | module | |
//! |---|---|
//! | `sysv` | System V semaphores, message queues, shared memory |
//! | `posix` | semaphores, message queues, shared memory objects. As `sysv`, they never see `errno` nor a raw string of a caller |
//! | `object` | names and files of objects |
//! | `shared` | what words in shared memory are made of |
//! | `os` | what the kernel and the C library offer |
//! | `atomic` | atomics, the model checker's when it checks |
//! | `cbits` | the layouts that the C parts share with it |
//!
//! `docs/architecture.md` leads through the files, `docs/design.md` says why they are so.

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!("librsipc takes the place of a part of glibc on 64-bit Linux");

pub mod atomic;
pub mod cbits;
#[cfg(not(loom))]
pub mod object;
pub mod os;
pub mod posix;
pub mod shared;
pub mod sysv;

/// The version of the library, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
