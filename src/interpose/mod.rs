//! Calls that are not ours, in which queues among the descriptors concern us.

mod poll;
mod unistd;
