//! The C edge: one file for each header. An entry parses its arguments, calls a core and converts the result.

mod descriptor;
mod edge;
mod entry;
mod load;
mod mman;
mod mqueue;
mod semaphore;
mod version;
