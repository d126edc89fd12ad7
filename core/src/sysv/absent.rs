//! Keys that no object has: a program that waits for another one to make the object asks for its
//! key again and again.
//!
//! To see that a key has no name takes a system call for each name that it could have. As long as
//! the directory has the same version, none has come, and that takes one.
//!
//! Async-signal-safe: allocates nothing.

use std::sync::{Mutex, MutexGuard};

use super::family::{Family, directory};
use crate::os::directory::Version;
use crate::os::{Errno, Result};
use crate::shared::thread::Thread;

/// What a look at all names of a key has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The id of its object.
    Object(i32),
    /// No object, but a name that leads to none, or cannot be read.
    Nothing,
    /// The key has no name.
    NoName,
}

/// Keys of one family.
struct Keys {
    /// The version of the directory in which they have no name.
    version: Option<Version>,
    /// Each at an index that follows from the key. IPC_PRIVATE, which is nobody's key: none.
    keys: [i32; 16],
}

/// A handler that interrupts a look, and the child that another thread forks in the middle of one,
/// do without these.
static ABSENT: [Mutex<Keys>; 3] =
    [const { Mutex::new(Keys { version: None, keys: [libc::IPC_PRIVATE; 16] }) }; 3];

fn absent(family: Family) -> Option<MutexGuard<'static, Keys>> {
    ABSENT[family as usize].try_lock().ok()
}

impl Keys {
    fn place(&mut self, key: i32) -> &mut i32 {
        &mut self.keys[key.cast_unsigned() as usize % self.keys.len()]
    }
}

/// The id of the object with this key, which `find` looks for if need be. ENOENT: there is none;
/// the errors of `find`.
pub fn look(
    thread: &'static Thread,
    family: Family,
    key: i32,
    find: impl FnOnce() -> Result<Found>,
) -> Result<i32> {
    // A filter may kill for the clock of the kernel.
    let may_ask = !thread.filter.is_confined();
    // Before the names are read: one that comes meanwhile is found by the next look.
    let version = || Version::of(directory().ok()?.as_c_str()).ok();
    let version = may_ask.then(version).flatten();
    let is_known = |mut known: MutexGuard<'_, Keys>| {
        version.is_some() && known.version == version && *known.place(key) == key
    };
    if absent(family).is_some_and(is_known) {
        return Err(Errno::ENOENT);
    }
    let version = version.filter(Version::is_settled);
    let found = find()?;
    if let Found::Object(id) = found {
        return Ok(id);
    }
    if found == Found::NoName
        && version.is_some()
        && let Some(mut known) = absent(family)
    {
        if known.version != version {
            *known = Keys { version, keys: [libc::IPC_PRIVATE; 16] };
        }
        *known.place(key) = key;
    }
    Err(Errno::ENOENT)
}
