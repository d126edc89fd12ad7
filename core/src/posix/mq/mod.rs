//! POSIX message queues in shared memory.
//!
//! | module | |
//! |---|---|
//! | `as_file` | a queue's descriptor as a file: `fstat`, `read`, `fchmod` |
//! | `batch` | several messages in one call |
//! | `body` | bodies, between a program's memory and a slot |
//! | `calls` | `mq_unlink`, `mq_getattr`, `mq_setattr` |
//! | `closing` | `mq_close`, and the calls that close or duplicate descriptors |
//! | `deaths` | claims whose holder died without the kernel's telling |
//! | `descriptor` | from a descriptor to its queue |
//! | `ended` | whether the holder of a claim has ended |
//! | `files` | the files of a queue: made, found, removed |
//! | `hold` | loans and borrowed messages |
//! | `layout` | where everything lies in the data file |
//! | `limits` | the kernel's limits, for `RSIPC_MQ_LIMITS` |
//! | `message` | a message on its way in or out, and its checks |
//! | `model` | the protocols under the model checker |
//! | `notify` | `mq_notify` |
//! | `open` | `mq_open` |
//! | `peek` | looking at a message that stays |
//! | `permission` | which users may open a queue |
//! | `poll` | how poll(2) learns of messages and space |
//! | `snapshot` | a queue as `rsipc` shows it, read and not changed |
//! | `store` | slots, keys and the index |
//! | `straight` | sending and receiving, where nothing is in the way |
//! | `track` | who sent and who received last, for `RSIPC_MQ_TRACK` |
//! | `transfer` | sending and receiving that need not wait |
//! | `wait` | sending and receiving that may have to |

pub mod notify;
pub mod poll;
pub mod store;

#[cfg(all(test, loom))]
mod model;

#[cfg(not(loom))]
mod as_file;
#[cfg(not(loom))]
mod batch;
#[cfg(not(loom))]
mod body;
#[cfg(not(loom))]
mod calls;
#[cfg(not(loom))]
mod closing;
#[cfg(not(loom))]
mod deaths;
#[cfg(not(loom))]
mod descriptor;
#[cfg(not(loom))]
mod ended;
#[cfg(not(loom))]
mod files;
#[cfg(not(loom))]
mod hold;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod limits;
#[cfg(not(loom))]
mod message;
#[cfg(not(loom))]
mod open;
#[cfg(not(loom))]
mod peek;
#[cfg(not(loom))]
mod permission;
#[cfg(not(loom))]
pub mod snapshot;
#[cfg(not(loom))]
mod straight;
#[cfg(not(loom))]
pub mod track;
#[cfg(not(loom))]
mod transfer;
#[cfg(not(loom))]
mod wait;

#[cfg(not(loom))]
pub use as_file::{
    From, access_mode, can_send, change_mode, change_owner, describe, left_to_read, read, seek,
    status_line,
};
#[cfg(not(loom))]
pub use batch::{receive_some, send_some};
#[cfg(not(loom))]
pub use calls::{Attributes, attributes, flags_changed, set_nonblocking, unlink};
#[cfg(not(loom))]
pub use closing::{
    Close, begin as begin_close, close, doubt_all, duplicated, end as end_close, end_unknown,
    forget_closed, lowest_spared, make_way, way_was_made,
};
#[cfg(not(loom))]
pub use descriptor::inherited::{has_magic as is_descriptor_of_queue, note_inherited};
#[cfg(not(loom))]
pub use descriptor::{Closing, is_found_queue};
#[cfg(not(loom))]
pub use hold::{Borrowed, commit, give_back, release};
#[cfg(not(loom))]
pub use layout::{Geometry, MAXMSG_LIMIT, MSGSIZE_LIMIT};
#[cfg(not(loom))]
pub use message::{Incoming, Outgoing, Received};
#[cfg(not(loom))]
pub use notify::notifier::Duty;
#[cfg(not(loom))]
pub use notify::register::{Start, Wish, notify};
#[cfg(not(loom))]
pub use notify::registration::Registered;
#[cfg(not(loom))]
pub use open::{How, open};
#[cfg(not(loom))]
pub use peek::peek;
#[cfg(not(loom))]
pub use poll::answer::{Correction, correct, correct_epoll};
#[cfg(not(loom))]
pub use poll::nested;
#[cfg(not(loom))]
pub use poll::pollers::{
    Poll, before_epoll_wait, begin as begin_poll, hand_over, is_in_epoll, is_out_of_epoll,
};
#[cfg(not(loom))]
pub use poll::readiness::Pollers;
#[cfg(not(loom))]
pub use poll::reasons::{Begun, Reasons};
#[cfg(not(loom))]
pub use poll::untold::{count_untold, count_untold_of_epoll};
#[cfg(not(loom))]
pub use straight::{receive_at_once, send_at_once};
#[cfg(not(loom))]
pub use wait::{
    CallStorage, Task, Transfer, Transferred, hold_or_wait, receive_or_wait, send_or_wait,
};
