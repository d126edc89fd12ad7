//! A segment as `rsipc` shows it: read from its file, which is not mapped, and not changed.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::attachments::Attachments;
use super::words::{FILE_SIZE, LOCKED, WORDS_AT, Words};
use crate::atomic::Ordering;
use crate::os::file::read_at;
use crate::os::{Errno, Result};
use crate::sysv::family::Family;
use crate::sysv::header::{Header, Life};
use crate::sysv::permission::Permission;
use crate::sysv::registry::{self, Opened};

/// A segment at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: i32,
    /// Its key; 0 = IPC_PRIVATE.
    pub key: i32,
    /// Which user may do what.
    pub permission: Permission,
    /// Bytes.
    pub size: u64,
    /// SHM_LOCK: it is to stay in memory.
    pub is_locked: bool,
    /// How far its life has come. Once it has been removed, it is gone when no process has it
    /// attached any more.
    pub life: Life,
    /// The process that made it, or began to remove it, died before it was done.
    pub is_half_done: bool,
    /// Whether its PIDs are those of the caller's PID namespace.
    pub is_at_home: bool,
    /// The processes that have it attached, each as often as it has. Those that this process may
    /// not look at are missing.
    pub attached: Vec<u32>,
    /// The last attach, in seconds since 1970; 0 = never.
    pub atime: u64,
    /// The last detach; 0 = never.
    pub dtime: u64,
    /// The birth, or the last IPC_SET.
    pub ctime: u64,
    /// The PID of its maker, as it knows itself.
    pub creator: u32,
    /// The PID of the process that last attached or detached it; 0 = none.
    pub last: u32,
}

/// A page, aligned as in memory.
#[repr(C, align(4096))]
struct Page([u8; FILE_SIZE]);

impl Snapshot {
    /// Errors: EINVAL if the file is not that of a segment; those of pread(2).
    pub fn at(file: &File, attachments: &Attachments) -> Result<Self> {
        let Opened { file, facts, .. } = registry::examine(file.try_clone()?, Family::Memory)?;
        let mut page = Page([0; FILE_SIZE]);
        if read_at(file.as_raw_fd(), &mut page.0, 0)? != FILE_SIZE {
            return Err(Errno::EINVAL);
        }
        let base = page.0.as_ptr();
        // SAFETY: within a page of this function's own, aligned; any bytes are integers.
        let (header, words) = unsafe {
            #[expect(clippy::cast_ptr_alignment, reason = "aligned to a line of a page")]
            (&*base.cast::<Header>(), &*base.add(WORDS_AT).cast::<Words>())
        };
        let load = |word: &crate::atomic::AtomicU64| word.load(Ordering::Relaxed);
        let (mode, life) = (load(&words.mode), header.life());
        Ok(Self {
            id: facts.id,
            key: facts.key,
            permission: facts.permission(load(&words.owner), mode),
            size: facts.size,
            is_locked: mode & LOCKED != 0,
            life,
            is_half_done: header.is_half_done(),
            is_at_home: facts.is_at_home,
            attached: attachments.of(facts.id, load(&words.inode)),
            atime: load(&words.atime),
            dtime: load(&words.dtime),
            ctime: load(&words.ctime),
            creator: words.creator.load(Ordering::Relaxed),
            last: words.last.load(Ordering::Relaxed),
        })
    }
}
