//! POSIX interprocess communication in user space, with the C ABI of glibc.
//!
//! The folders are the architecture, and the arrows go one way:
//!
//! * `abi` is the C edge: it parses pointers and flags, calls a core and turns `Result<_, Errno>` into
//!   `-1` and `errno`.
//! * [`sem`], [`mq`] and [`shm`] are the cores. They never see `errno` nor a raw string of a caller.
//! * [`sys`] is what the cores stand on: futexes, clocks, names, files, settings.
//!
//! `docs/design.md` tells why it is built this way.

// What only the C edge calls.
#![cfg_attr(cores, allow(dead_code))]

#[cfg(not(any(panic = "abort", test, debug_assertions, cores)))]
compile_error!("librsipc must be built with panic = \"abort\": a panic must never unwind into C");

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!("librsipc takes the place of a part of glibc on 64-bit Linux");

// Without panic=abort (the unit tests of the cores) there is no C edge that a panic could cross, and the command, which
// stands on the cores alone (cli/cores), wants none.
#[cfg(all(panic = "abort", not(any(test, loom, cores))))]
mod abi;
pub mod mq;
pub mod sem;
#[cfg(not(loom))]
pub mod shm;
pub mod sys;

/// The version of this library, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
