//! `msgget`: queues as objects that are found and made.

use std::fs::File;

use super::layout::{Did, check_length};
use super::limits;
use super::queue::Queue;
use super::tell;
use super::transfer::note;
use crate::atomic::Ordering;
use crate::os::{Errno, Result};
use crate::shared::thread::{Operation, Thread};
use crate::sysv::attached::Attached;
use crate::sysv::family::Family;
use crate::sysv::find::{self, Request};
use crate::sysv::header::{Birth, Header};
use crate::sysv::object::{Identity, Object};
use crate::sysv::registry::Opened;

/// The queues that this process has mapped.
static QUEUES: Attached<Queue> = Attached::new();

/// The id of the queue with this key, or of a new one. msgget(2).
///
/// Errors: ENOENT, EEXIST, EACCES; ENOSPC, ENOMEM.
pub fn get(thread: &'static Thread, key: i32, flags: i32) -> Result<i32> {
    find::get::<Queue>(thread, Request { key, size: 0, flags }, || Ok(()))
}

impl Object for Queue {
    const FAMILY: Family = Family::Queues;

    #[inline(always)]
    fn table() -> &'static Attached<Self> {
        &QUEUES
    }

    fn map(Opened { file, facts, length }: &Opened) -> Result<Self> {
        check_length(*length)?;
        let queue = Self::map_file(file, *facts)?;
        queue.has_length(file, *length)?;
        Ok(queue)
    }

    fn make(file: &File, birth: &Birth) -> Result<Self> {
        let limits = limits::of_new_queues();
        let queue = Self::map_new(file, &Birth { size: limits.message, ..*birth })?;
        let words = queue.layout.words();
        let owner = u64::from(birth.permission.uid) | u64::from(birth.permission.gid) << 32;
        words.owner.store(owner, Ordering::Relaxed);
        words.mode.store(birth.permission.mode.into(), Ordering::Relaxed);
        words.bound.store(limits.queue, Ordering::Relaxed);
        note(&queue, Did::Change);
        Ok(queue)
    }

    #[inline(always)]
    fn identity(&self) -> &Identity {
        &self.identity
    }

    #[inline(always)]
    fn header(&self) -> &Header {
        self.layout.header()
    }

    fn owner_and_mode(&self) -> Result<(u64, u64)> {
        self.check_life().map_err(|_| Errno::EINVAL)?;
        Ok(self.owner_words())
    }

    fn set_removed(&self, who: &Operation<'static>) -> Result<()> {
        let words = self.layout.words();
        // A thread that is killed in here leaves the rest to the threads that sleep.
        let due = who.guard_wake(&self.layout.header().removal, &words.death);
        let was_removed = words.removed.swap(1, Ordering::SeqCst) != 0;
        tell::all(self);
        drop(due);
        if was_removed { Err(Errno::EIDRM) } else { Ok(()) }
    }
}
