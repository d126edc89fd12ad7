//! How objects of System V are named in a command.

use rsipc_core::os::Errno;

use super::arguments::{Arguments, Flags, usage};
use super::call::Result;
use crate::objects::sysv::Typed;
use crate::output::escape;

/// Of `semget`, `msgget` and `shmget`.
pub const GET_FLAGS: Flags = &[("IPC_CREAT", libc::IPC_CREAT), ("IPC_EXCL", libc::IPC_EXCL)];

/// A key, for a call that gets an id.
pub fn key(arguments: &mut Arguments) -> Result<i32> {
    match arguments.word("KEY")? {
        b"IPC_PRIVATE" => Ok(libc::IPC_PRIVATE),
        word => match Typed::read(word) {
            Some(Typed::Key(key) | Typed::Id(key)) => Ok(key),
            None => Err(usage(format!("{} is no key: 0xbeef is one", escape::word(word)))),
        },
    }
}

/// An id, or a key that `find` knows the id of.
pub fn id(
    arguments: &mut Arguments,
    find: impl Fn(i32) -> std::result::Result<i32, Errno>,
) -> Result<i32> {
    let word = arguments.word("ID")?;
    match Typed::read(word) {
        Some(Typed::Id(id)) => Ok(id),
        Some(Typed::Key(key)) => Ok(find(key)?),
        None => {
            let shown = escape::word(word);
            Err(usage(format!(
                "{shown} is no id: it is a number that the get call returns, or a key"
            )))
        }
    }
}
