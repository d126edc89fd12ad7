//! The calls of the POSIX headers.

mod mman;
mod mqueue;
mod mqueue_batch;
mod mqueue_ext;
mod mqueue_steps;
mod semaphore;
mod semaphore_steps;
