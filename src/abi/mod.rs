//! The C edge: one file for each header. An entry parses its arguments, calls a core and converts the result.

mod edge;
mod entry;
mod load;
mod mman;
mod mqueue;
mod mqueue_steps;
mod poll;
mod semaphore;
mod semaphore_steps;
mod unistd;
mod version;
