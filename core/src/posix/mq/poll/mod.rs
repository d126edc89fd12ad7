//! What makes a queue's descriptor ready for poll(2).

pub mod bell;
#[cfg(not(loom))]
pub mod fifo;
#[cfg(not(loom))]
pub mod keeper;
