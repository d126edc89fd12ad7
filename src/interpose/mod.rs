//! Interposed calls of the C library: those that may be given the descriptor of a queue, and those
//! that change credentials.

mod control;
mod credentials;
mod file;
mod poll;
mod socket;
mod unistd;
mod vectors;
