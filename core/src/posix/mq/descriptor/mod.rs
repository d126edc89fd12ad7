//! From a descriptor to its queue.

mod enter;
pub mod inherited;
pub mod mapping;
mod nonblocking;
mod open;
mod table;

pub use enter::{Use, enter, enter_at_once, is_found_queue};
pub use inherited::free_unused;
pub use open::Opened;
pub use table::{
    Closing, doubt, forget_what_it_was, identity, in_range, insert, insert_alias, is_doubted,
    is_queue, no_queues_in,
};
