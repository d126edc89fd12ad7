//! How a set is named in a command.

use rsipc_core::sysv::sem;

use crate::commands::console::arguments::Arguments;
use crate::commands::console::call::Result;
use crate::commands::console::keys;
use crate::objects::open_queue::this_thread;

/// An id, or a key.
pub fn id(arguments: &mut Arguments) -> Result<i32> {
    keys::id(arguments, |key| sem::get(this_thread()?, key, 0, 0))
}
