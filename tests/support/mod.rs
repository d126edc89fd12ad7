//! What the tests that run C programs stand on: compile a source one of four ways, run it, never
//! wait for ever. A test crate takes it in with `mod support;`.
//!
//! | module | |
//! |---|---|
//! | `cases` | the cases of `tests/c/semantics/` |
//! | `cc` | compiling a C file, once |
//! | `exempt` | cases that do not hold in some place, with reasons |
//! | `glibc` | the version of the C library |
//! | `place` | a directory in memory for the objects of a test |
//! | `poor` | programs where the kernel refuses newer calls |
//! | `run` | running a command within a time |
//! | `scratch` | a directory for programs that are linked in ways of their own |
//! | `storm` | how long a storm lasts, and how many it kills |
//! | `tracing` | what strace sees of a program |
//! | `ways` | the four ways, and where the library is |

// Each test crate compiles its own copy of this module and needs only a part of it.
#![allow(dead_code, unused_imports)]

pub mod cases;
mod cc;
pub mod exempt;
pub mod glibc;
mod place;
pub mod poor;
mod run;
mod scratch;
pub mod storm;
pub mod tracing;
mod ways;

pub use cc::compile;
pub use place::Place;
pub use run::{Ended, Output, run_bounded};
pub use scratch::Scratch;
pub use ways::{Way, command, library_dir};
