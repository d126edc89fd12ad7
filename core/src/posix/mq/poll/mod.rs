//! What makes the descriptor of a queue pollable: it really is a FIFO, and the packets in it tell
//! the kernel how the queue is.

#[cfg(not(loom))]
pub mod answer;
#[cfg(not(loom))]
pub mod fifo;
pub mod level;
#[cfg(not(loom))]
pub mod pollers;
#[cfg(not(loom))]
pub mod polling;
pub mod readiness;
#[cfg(not(loom))]
mod watched;
