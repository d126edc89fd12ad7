//! From a descriptor to its queue.

pub mod inherited;
mod table;

pub use table::{
    Opened, Use, adopt, all, closed, closing_in, enter, free_unused, identity, insert, insert_alias,
    is_queue, remove,
};
