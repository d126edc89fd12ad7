//! librsipc: the C ABI of interprocess communication, on the cores of `rsipc-core`.
//!
//! An entry point parses pointers and flags, calls a core, and turns `Result<_, Errno>` into -1 and
//! `errno`.
//!
//! | module | |
//! |---|---|
//! | `edge` | how results, errors and strings cross |
//! | `entry` | exported names of functions that are written in C |
//! | `heap` | where the library's own allocations come from |
//! | `interpose` | functions that exist without us, in which queues concern us |
//! | `load` | what happens when the library is loaded |
//! | `posix` | the functions of `<semaphore.h>`, `<mqueue.h>` and `<sys/mman.h>` |
//! | `sysv` | the functions of `<sys/sem.h>`, `<sys/msg.h>` and `<sys/shm.h>` |
//! | `thread` | the block of the calling thread |
//! | `version` | `rsipc_version` |
//! | `wait` | how waits cross |

#[cfg(not(any(panic = "abort", test, debug_assertions)))]
compile_error!("librsipc must be built with panic = \"abort\": a panic must never unwind into C");

// Without panic=abort there is no C edge that a panic could cross.
#[cfg(all(panic = "abort", not(test)))]
mod edge;
#[cfg(all(panic = "abort", not(test)))]
mod entry;
#[cfg(all(panic = "abort", not(test)))]
mod heap;
#[cfg(all(panic = "abort", not(test)))]
mod interpose;
#[cfg(all(panic = "abort", not(test)))]
mod load;
#[cfg(all(panic = "abort", not(test)))]
mod posix;
#[cfg(all(panic = "abort", not(test)))]
mod sysv;
#[cfg(all(panic = "abort", not(test)))]
mod thread;
#[cfg(all(panic = "abort", not(test)))]
mod version;
#[cfg(all(panic = "abort", not(test)))]
mod wait;
