//! POSIX message queues in shared memory.

pub mod notify;
pub mod poll;
pub mod store;

#[cfg(all(test, loom))]
mod model;

#[cfg(not(loom))]
mod calls;
#[cfg(not(loom))]
mod descriptor;
#[cfg(not(loom))]
mod files;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod limits;
#[cfg(not(loom))]
mod permission;
#[cfg(not(loom))]
pub mod snapshot;
#[cfg(not(loom))]
mod transfer;
#[cfg(not(loom))]
mod wait;

#[cfg(not(loom))]
pub use calls::{
    Attributes, How, attributes, begin_poll, close, duplicated, end_poll, forget, forget_range, forgotten,
    is_remembered, open, set_nonblocking, unlink,
};
#[cfg(not(loom))]
pub use descriptor::is_queue;
#[cfg(not(loom))]
pub use layout::{Geometry, MAXMSG_LIMIT, MSGSIZE_LIMIT};
#[cfg(not(loom))]
pub use notify::notifier::Duty;
#[cfg(not(loom))]
pub use notify::register::{Start, Wish, notify};
#[cfg(not(loom))]
pub use notify::registration::Registered;
#[cfg(not(loom))]
pub use poll::keeper::Poll;
#[cfg(not(loom))]
pub use transfer::{Incoming, Outgoing, Received, receive_at_once, send_at_once};
#[cfg(not(loom))]
pub use wait::{Room, Task, Transfer, Transferred, receive_or_wait, send_or_wait};
