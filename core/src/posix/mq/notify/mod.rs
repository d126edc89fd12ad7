//! mq_notify.

#[cfg(not(loom))]
pub mod herald;
#[cfg(not(loom))]
pub mod overdue;
pub mod registration;
