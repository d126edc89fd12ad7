//! A copy of some parts of a set's file, each at its offset, for an observer that does not map it.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::layout::{Geometry, Layout};
use super::state::{self, Kind, Memory};
use crate::atomic::{Ordering, fence};
use crate::os::file::read_at;
use crate::os::{Errno, Result};
use crate::sysv::family::Family;
use crate::sysv::header::Facts;
use crate::sysv::registry::{self, Opened};

/// See the module. What has not been copied is 0.
pub struct Image<'f> {
    file: &'f File,
    /// What does not change.
    pub facts: Facts,
    /// To find the parts with.
    pub layout: Layout,
    /// What `layout` leads to. Pages that nothing is copied to take no memory.
    _words: Vec<u64>,
}

/// The header and the words that are no state.
const FIRST_PAGE: usize = 4096;

impl<'f> Image<'f> {
    /// Of the first page. EINVAL: the file is not that of a set.
    pub fn of(file: &'f File) -> Result<Self> {
        let opened = registry::examine(file.try_clone()?, Family::Semaphores)?;
        let Opened { facts, length, .. } = opened;
        let geometry = Geometry::new(facts.size)?;
        let extents = geometry.extents(length)?;
        let mut words = vec![0_u64; geometry.file_size(extents).div_ceil(size_of::<u64>())];
        // SAFETY: memory of `file_size(extents)` bytes, aligned for words, which stays where it is
        // as long as `words` is there.
        let layout = unsafe { Layout::of_copy(words.as_mut_ptr().cast(), geometry, extents) };
        let image = Self { file, facts, layout, _words: words };
        image.copy_bytes(0, FIRST_PAGE)?;
        Ok(image)
    }

    /// Copies these, which lie in the layout. EINVAL: the file has become shorter.
    pub fn copy<T>(&self, part: *const T, count: usize) -> Result<()> {
        self.copy_bytes(self.offset(part), count * size_of::<T>())
    }

    fn copy_bytes(&self, at: usize, length: usize) -> Result<()> {
        let mut bytes = vec![0; length];
        if read_at(self.file.as_raw_fd(), &mut bytes, at)? != length {
            return Err(Errno::EINVAL);
        }
        // SAFETY: within the memory of the layout, as the callers name parts of it; all that
        // references lead to there is atomic, and no other thread has it.
        unsafe { self.layout.base().add(at).copy_from_nonoverlapping(bytes.as_ptr(), length) };
        Ok(())
    }

    /// Where in the file this is.
    pub fn offset<T>(&self, part: *const T) -> usize {
        part.addr() - self.layout.base().addr()
    }

    /// The state that was current when the first page was copied.
    pub fn current(&self) -> u64 {
        self.layout.current().load(Ordering::Relaxed)
    }

    /// Whether it still is.
    pub fn is_settled(&self) -> Result<bool> {
        // With the writers' release fence: see `state`.
        fence(Ordering::Acquire);
        let mut now = [0; size_of::<u64>()];
        let at = self.offset(core::ptr::from_ref(self.layout.current()));
        let read = read_at(self.file.as_raw_fd(), &mut now, at)?;
        Ok(read == now.len() && u64::from_ne_bytes(now) == self.current())
    }

    /// The first so many cells of a kind, as words. The root has been copied.
    pub fn cells(&self, root: usize, kind: Kind, count: usize) -> Result<Vec<u64>> {
        for chunk in 0..count.div_ceil(kind.cells()) {
            let number = state::buffer_number(&self.layout, root, kind, chunk);
            let buffer = self.layout.buffer(kind, chunk, number).ok_or(Errno::EINVAL)?;
            self.copy(buffer.as_ptr(), buffer.len())?;
        }
        (0..count).map(|cell| state::cell_of(&self.layout, root, kind, cell)).collect()
    }
}
