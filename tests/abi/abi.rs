//! The types, constants and functions of the C ABI as Rust has them, and those of the system's
//! headers and of `include/rsipc.h`. `build.rs` has ctest read their names in `names.rs` and write
//! the test; the types and values are those of the `libc` crate, and the library's own.

// The code below is ctest's.
#![allow(clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]
#![allow(missing_docs, non_camel_case_types)]

use libc::*;
use rsipc_core::cbits::{MQ_LOAN_ALL as RSIPC_MQ_LOAN_ALL, MqMessage as rsipc_mq_message};
use rsipc_core::posix::sem::{self, Semaphore};
use rsipc_core::sysv::shm::{Limits as shminfo, Usage as shm_info};

const SEM_VALUE_MAX: c_uint = sem::VALUE_MAX;

unsafe extern "C" {
    // The `libc` crate does not have it yet.
    fn sem_clockwait();
    fn semtimedop();
}

// What ctest wrote in C, and `build.rs` compiled.
#[link(name = "abi_test", kind = "static")]
unsafe extern "C" {}

include!(concat!(env!("OUT_DIR"), "/abi_test.rs"));
