//! A copy of some blocks of a queue's file, each at its offset, for an observer that does not map
//! it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr;

use super::layout::{BLOCK, Layout, RECORD_BLOCKS, RECORDS, REGION, REGION_SIZE, REGIONS};
use super::layout::{SLOT_BLOCKS, check_length};
use super::queue::Queue;
use crate::atomic::{AtomicU32, Ordering};
use crate::os::file::read_at;
use crate::os::{Errno, Result};
use crate::sysv::family::Family;
use crate::sysv::object::Identity;
use crate::sysv::registry::{self, Opened};

/// See the module. What has not been copied is 0.
pub struct Image<'f> {
    file: &'f File,
    /// A queue in memory of this process's own. It has all blocks of the file, so nothing that is
    /// done with it opens the file.
    pub queue: Queue,
}

/// What tells whether anything has happened.
type Versions = [u64; 2];

impl<'f> Image<'f> {
    /// Of the first block, of those that may hold messages, and of the records of waiters. EINVAL:
    /// the file is not that of a queue, or has become shorter; ENOMEM.
    pub fn of(file: &'f File) -> Result<Self> {
        let Opened { facts, length, .. } = registry::examine(file.try_clone()?, Family::Queues)?;
        check_length(length)?;
        let blocks = (length / BLOCK).min(REGIONS * REGION);
        // SAFETY: memory of so many bytes, zeros, which is unmapped with the queue.
        let layout = unsafe { Layout::new(memory()?) };
        let image = Self { file, queue: Queue { layout, identity: Identity::new(facts) } };
        image.queue.layout.has_blocks(blocks, |_| memory())?;
        image.copy(0)?;
        image.cut(image.queue.layout.slot_list());
        image.cut(image.queue.layout.record_list());
        let words = image.queue.layout.words();
        let slots = words.slot_blocks.load(Ordering::Relaxed) as usize;
        for place in words.occupied.blocks(slots.min(SLOT_BLOCKS)) {
            image.copy_listed(&image.queue.layout.slot_list()[place % SLOT_BLOCKS])?;
        }
        let records = words.records.load(Ordering::Relaxed) as usize;
        let record_blocks = records.div_ceil(RECORDS).min(RECORD_BLOCKS);
        for entry in &image.queue.layout.record_list()[..record_blocks] {
            image.copy_listed(entry)?;
        }
        Ok(image)
    }

    /// What leads to a block beyond the end of the file leads nowhere.
    fn cut(&self, list: &[AtomicU32]) {
        let blocks = self.queue.layout.blocks();
        for entry in list.iter().filter(|entry| entry.load(Ordering::Relaxed) as usize > blocks) {
            entry.store(0, Ordering::Relaxed);
        }
    }

    fn copy_listed(&self, entry: &AtomicU32) -> Result<()> {
        match (entry.load(Ordering::Relaxed) as usize).checked_sub(1) {
            // The first block is there; a list that leads to it is none of a queue.
            None | Some(0) => Ok(()),
            Some(block) => self.copy(block),
        }
    }

    fn copy(&self, block: usize) -> Result<()> {
        let mut bytes = vec![0; BLOCK];
        if read_at(self.file.as_raw_fd(), &mut bytes, block * BLOCK)? != BLOCK {
            return Err(Errno::EINVAL);
        }
        let into = self.queue.layout.block(block).ok_or(Errno::EINVAL)?;
        // SAFETY: a block of memory that no other thread has; all that references lead to there
        // is atomic.
        unsafe { into.copy_from_nonoverlapping(bytes.as_ptr(), BLOCK) };
        Ok(())
    }

    /// What tells whether anything has been sent or received, or a thread has begun to wait.
    fn versions(&self) -> Versions {
        let words = self.queue.layout.words();
        [words.sending.arrivals.last(), words.version.load(Ordering::Relaxed)]
    }

    /// Whether nothing of that has happened since the first block was copied: it is copied anew.
    pub fn is_settled(&self) -> Result<bool> {
        let before = self.versions();
        let usage = self.queue.layout.words().usage.seen();
        self.copy(0)?;
        self.cut(self.queue.layout.slot_list());
        self.cut(self.queue.layout.record_list());
        Ok(before == self.versions() && usage == self.queue.layout.words().usage.seen())
    }
}

/// A region of zeros.
fn memory() -> Result<*mut u8> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: new memory, at an address of the kernel's choice.
    let at = unsafe { libc::mmap(ptr::null_mut(), REGION_SIZE, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(at.cast()) }
}
