//! `core/src/cbits.rs` and the headers of `cbits/`: sizes, alignments, offsets and types of fields,
//! and the values of the constants. `build.rs` has ctest write the test.

// The code below is ctest's.
#![allow(clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]
#![allow(missing_docs)]

use libc::{c_long, timespec};
use rsipc_core::cbits::*;

// What ctest wrote in C, and `build.rs` compiled.
#[link(name = "cbits_test", kind = "static")]
unsafe extern "C" {}

include!(concat!(env!("OUT_DIR"), "/cbits_test.rs"));
