//! Where the messages are: keys, slots, and the index that finds the best of them.

pub mod index;
pub mod key;
mod scan;
pub mod slots;
mod straight;
mod summary;
