//! Calls that are not ours, in which queues among the descriptors concern us.

mod file;
mod poll;
mod socket;
mod unistd;
