//! Calls that are not ours: those in which queues among the descriptors concern us, and those that
//! change credentials.

mod credentials;
mod file;
mod poll;
mod socket;
mod unistd;
