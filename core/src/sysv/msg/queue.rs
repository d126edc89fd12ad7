//! A mapped queue.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::layout::{BLOCK, FIRST_SIZE, FIRST_SLOTS, Layout, MESSAGES_MAX, REGION_SIZE, kind};
use super::layout::{REGION, REGIONS, STEP};
use super::usage::Amount;
use crate::atomic::Ordering;
use crate::os::file_size::reserve_from;
use crate::os::membarrier;
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::presence;
use crate::sysv::header::{Birth, Facts, Header};
use crate::sysv::object::{Identity, reopen, steps_mapped};
use crate::sysv::permission::Permission;
use crate::sysv::registry::{self, Opened};

/// A mapped queue.
pub struct Queue {
    /// What is in it.
    pub layout: Layout,
    /// What the process knows of it. The size is the limit on a message, in bytes.
    pub identity: Identity,
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: no thread uses it any more.
        unsafe { self.layout.unmap() };
    }
}

impl Queue {
    /// Maps the file of a new queue, and writes what does not change into it. The file has blocks
    /// for the first waiters and long bodies: a process that confines itself cannot make it longer.
    pub fn map_new(file: &File, birth: &Birth) -> Result<Self> {
        let size = FIRST_SIZE + STEP * BLOCK;
        reserve_from(file, 0, size)?;
        let header = Header::new(birth);
        // SAFETY: a header.
        let facts = unsafe { Header::facts((&raw const header).cast(), birth.family)? };
        let queue = Self::map_file(file, facts)?;
        // SAFETY: the header is at the start of the mapping, which no other process knows.
        unsafe { queue.layout.header_place().write(header) };
        queue.has_length(file, size)?;
        // The first slots.
        let block = u32::try_from(FIRST_SLOTS).unwrap_or(0);
        queue.layout.slot_list()[0].store(block + 1, Ordering::Relaxed);
        if let Some(entry) = queue.layout.entry(FIRST_SLOTS) {
            entry.kind.store(kind::SLOTS | 1 << kind::PLACE_SHIFT, Ordering::Relaxed);
        }
        queue.layout.words().slot_blocks.store(1, Ordering::Relaxed);
        Ok(queue)
    }

    /// Maps a file that begins so.
    pub fn map_file(file: &File, facts: Facts) -> Result<Self> {
        membarrier::prepare();
        presence::prepare(&settings::get().dir);
        let base = registry::map(file.as_raw_fd(), REGION_SIZE)?;
        // SAFETY: mapped so, and unmapped when this is dropped.
        let layout = unsafe { Layout::new(base) };
        Ok(Self { layout, identity: Identity::new(facts) })
    }

    /// The file has been seen to have so many bytes.
    pub fn has_length(&self, file: &File, length: usize) -> Result<()> {
        self.layout.has_blocks(length / BLOCK, |region| {
            registry::map_from(file.as_raw_fd(), region * REGION_SIZE, REGION_SIZE)
        })
    }

    /// Others have made the file longer. EIDRM; ENOMEM.
    #[cold]
    pub fn learn_blocks(&self) -> Result<()> {
        self.look().map(drop)
    }

    /// The file, and others may have made it longer: that is known now. `None`: this process cannot
    /// open it any more, but it is longer. EIDRM; ENOMEM.
    fn look(&self) -> Result<Option<Opened>> {
        match reopen(self) {
            Ok(opened) => self.has_length(&opened.file, opened.length).map(|()| Some(opened)),
            // Of one that has been removed, too: a receiver may still have a message there.
            Err(error) => self.learn_mapped_blocks().ok_or(error).map(|()| None),
        }
    }

    /// How far the file reaches, for a process that cannot open it any more. `None`: no further
    /// than is known, in what it has mapped.
    fn learn_mapped_blocks(&self) -> Option<()> {
        let known = self.layout.blocks();
        let last = self.layout.block(known.checked_sub(1)?)?;
        let limit = known.next_multiple_of(REGION) - known;
        let more = steps_mapped(last.wrapping_add(BLOCK), BLOCK, limit);
        let learned = self.layout.has_blocks(known + more, |_| Err(Errno::ENOMEM));
        (more > 0 && learned.is_ok()).then_some(())
    }

    /// Makes the file longer by so many blocks. False: another process has made it longer before,
    /// and that is known now. ENOMEM; EIDRM.
    #[cold]
    pub fn grow(&self, count: usize) -> Result<bool> {
        let known = self.layout.blocks();
        let Some(Opened { file, length, .. }) = self.look()? else { return Ok(false) };
        if length / BLOCK > known {
            return Ok(false);
        }
        let first = Layout::next_usable(length / BLOCK);
        let blocks = first + count;
        if blocks > REGIONS * REGION {
            return Err(Errno::ENOMEM);
        }
        reserve_from(&file, length, blocks * BLOCK - length).map_err(|error| match error {
            Errno::ENOSPC | Errno::EDQUOT => Errno::ENOMEM,
            other => other,
        })?;
        self.has_length(&file, blocks * BLOCK).map(|()| true)
    }

    /// What the messages in it may amount to.
    #[inline(always)]
    pub fn bound(&self) -> Amount {
        let bytes = self.layout.words().bound.load(Ordering::SeqCst);
        Amount { bytes: bytes.min(u32::MAX.into()), messages: bytes.min(MESSAGES_MAX as u64) }
    }

    /// Whose it is, as `uid | gid << 32`, and its mode.
    #[inline(always)]
    pub fn owner_words(&self) -> (u64, u64) {
        let words = self.layout.words();
        let mode = words.mode.load(Ordering::Relaxed);
        (words.owner.load(Ordering::Relaxed), mode.into())
    }

    /// Whose it is, and what its mode is.
    pub fn permission(&self) -> Permission {
        let (owner, mode) = self.owner_words();
        self.identity.permission(owner, mode)
    }

    /// EACCES unless the caller has this access. `now`: seconds of CLOCK_REALTIME. Makes no system
    /// call while the last answer holds.
    #[inline(always)]
    pub fn check(&self, wanted: u16, now: u64) -> Result<()> {
        let (owner, mode) = self.owner_words();
        self.identity.check(owner, mode, wanted, now)
    }

    /// EIDRM: it has been removed.
    #[inline]
    pub fn check_life(&self) -> Result<()> {
        let is_removed = self.layout.words().removed.load(Ordering::SeqCst) != 0;
        if is_removed { Err(Errno::EIDRM) } else { Ok(()) }
    }
}
