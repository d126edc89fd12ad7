//! From a descriptor to its queue.

mod enter;
pub mod inherited;
mod nonblocking;
mod open;
mod table;

pub use enter::{Use, close_gone, enter, enter_at_once, is_found_queue};
pub use inherited::free_unused;
pub use open::Opened;
pub use table::{
    Closing, doubt, forget_what_it_was, in_range, insert, insert_alias, is_doubted, is_queue,
    no_queues_in,
};
