//! How a set is named in a command.

use rsipc_core::sysv::sem::{self, Request};

use crate::commands::console::arguments::{Arguments, usage};
use crate::commands::console::call::Result;
use crate::objects::open_queue::this_thread;
use crate::objects::set::Typed;
use crate::output::escape;

/// An id, or a key.
pub fn id(arguments: &mut Arguments) -> Result<i32> {
    let word = arguments.word("ID")?;
    match Typed::read(word) {
        Some(Typed::Id(id)) => Ok(id),
        Some(Typed::Key(key)) => {
            Ok(sem::get(this_thread()?, Request { key, members: 0, flags: 0 })?)
        }
        None => {
            let shown = escape::word(word);
            Err(usage(format!("{shown} is no id: it is a number that semget returns, or a key")))
        }
    }
}
