//! POSIX message queues in shared memory.

pub mod bell;
pub mod event;
pub mod index;
pub mod key;
pub mod notify;
pub mod slots;

#[cfg(all(test, loom))]
mod model;

#[cfg(not(loom))]
mod descriptor;
#[cfg(not(loom))]
mod fifo;
#[cfg(not(loom))]
mod files;
#[cfg(not(loom))]
pub mod glance;
#[cfg(not(loom))]
mod herald;
#[cfg(not(loom))]
mod inherited;
#[cfg(not(loom))]
mod keeper;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod limits;
#[cfg(not(loom))]
mod open;
#[cfg(not(loom))]
mod overdue;
#[cfg(not(loom))]
mod permission;
#[cfg(not(loom))]
mod queue;
#[cfg(not(loom))]
mod wait;

#[cfg(not(loom))]
pub use descriptor::{POOL, is_queue};
#[cfg(not(loom))]
pub use herald::{Start, Wish};
#[cfg(not(loom))]
pub use keeper::Poll;
#[cfg(not(loom))]
pub use layout::{Geometry, MAXMSG_LIMIT, MSGSIZE_LIMIT};
#[cfg(not(loom))]
pub use notify::Registered;
#[cfg(not(loom))]
pub use open::{
    Attributes, How, attributes, begin_poll, close, duplicated, end_poll, forget, forget_range, forgotten,
    is_remembered, notify, open, set_nonblocking, unlink,
};
#[cfg(not(loom))]
pub use queue::{Incoming, Outgoing, Received, receive_at_once, send_at_once};
#[cfg(not(loom))]
pub use wait::{Progress, Task, Wait};
