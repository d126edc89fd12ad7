//! From a descriptor to its queue.
//!
//! | module | |
//! |---|---|
//! | `table` | from descriptors to queues, without a lock |
//! | `open` | what the process knows of a descriptor; entries that are not in use |
//! | `spare` | a few of these, for threads that open queues |
//! | `mapping` | the mapped queue, and what the process keeps in it |
//! | `enter` | from a descriptor to an operation on its queue |
//! | `inherited` | descriptors that did not come from `mq_open` |
//! | `nonblocking` | what is known of `O_NONBLOCK` |

mod enter;
pub mod inherited;
pub mod mapping;
mod nonblocking;
mod open;
mod spare;
mod table;

pub use enter::{Use, close_gone, enter, enter_at_once, is_found_queue};
pub use inherited::{free_closed, free_unused};
pub use open::{AtOnce, Opened};
pub use table::{
    Closing, doubt, forget_what_it_was, in_range, insert, insert_alias, is_doubted, is_queue,
    no_queues_in,
};
