//! The calls of the POSIX headers.
//!
//! | module | |
//! |---|---|
//! | `mman` | the calls of `<sys/mman.h>` |
//! | `mqueue` | the calls of `<mqueue.h>` |
//! | `mqueue_batch` | what C calls for a batch |
//! | `mqueue_ext` | the calls on queues that `<mqueue.h>` does not have |
//! | `mqueue_loan` | the calls for memory of messages |
//! | `mqueue_steps` | what C calls for the calls of `<mqueue.h>` |
//! | `semaphore` | the calls of `<semaphore.h>` |
//! | `semaphore_ext` | the calls on semaphores that `<semaphore.h>` does not have |
//! | `semaphore_steps` | what C calls for these |

mod mman;
mod mqueue;
mod mqueue_batch;
mod mqueue_ext;
mod mqueue_loan;
mod mqueue_steps;
mod semaphore;
mod semaphore_ext;
mod semaphore_steps;
