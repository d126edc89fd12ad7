//! The data of a queue in several files, where one file would exceed RLIMIT_FSIZE. A kernel queue
//! is not a file and has no such limit.
//!
//! The data file is the first part, and all but the last are of one size, a multiple of a page.
//! They are mapped one behind the other, so the rest of the code sees one file. Part K of the queue
//! with the data file INODE is `rsipc-mqp.INODE.NONCE.K`; it belongs to that queue for the same
//! reasons as the FIFO.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use memmap2::{MmapOptions, MmapRaw};

use super::access::{open_file, read_start};
use crate::os::Errno;
use crate::os::Result;
use crate::os::file::change_mode;
use crate::os::file::{self, Status};
use crate::os::file_size;
use crate::os::file_size::reserve;
use crate::os::random::random;
use crate::os::settings;
use crate::posix::mq::layout::{self, PartsId};

/// Prefix of the parts but the first one.
pub const PART_PREFIX: &str = "rsipc-mqp.";
/// Parts at most: each is a mapping of its own.
const LIMIT: usize = 1024;

/// The inode of the data file that a part of this name belongs to.
pub fn first_part_of(file_name: &[u8]) -> Option<u64> {
    let rest = core::str::from_utf8(file_name).ok()?.strip_prefix(PART_PREFIX)?;
    u64::from_str_radix(rest.split('.').next()?, 16).ok()
}

/// How the data of a queue lies in files.
#[derive(Clone, Copy)]
pub struct Parts {
    id: PartsId,
    /// Bytes of all together.
    total: usize,
    data: Status,
}

impl Parts {
    /// As the header of the data file tells. EINVAL when that cannot be.
    pub fn new(id: PartsId, total: usize, data: &Status) -> Result<Self> {
        let parts = Self { id, total, data: *data };
        let is_possible = id.size == 0
            || id.size.is_multiple_of(page())
                && id.size < total
                && total.div_ceil(id.size) <= LIMIT;
        if is_possible { Ok(parts) } else { Err(Errno::EINVAL) }
    }

    /// Allocates `total` bytes in the data file, or in parts, of this mode. The parts are removed
    /// if there is no space after all.
    ///
    /// Errors: ENOSPC.
    pub fn make(file: &File, data: &Status, total: usize, mode: u32) -> Result<Self> {
        match reserve(file, total) {
            Ok(()) => return Self::new(PartsId::default(), total, data),
            Err(Errno::EFBIG) => {}
            Err(Errno::EDQUOT) => return Err(Errno::ENOSPC),
            Err(error) => return Err(error),
        }
        let longest = usize::try_from(file_size::longest()).unwrap_or(usize::MAX);
        let id = PartsId { nonce: random(), size: longest / page() * page() };
        if id.size == 0 {
            return Err(Errno::ENOSPC);
        }
        let parts = Self::new(id, total, data).map_err(|_| Errno::ENOSPC)?;
        reserve(file, id.size)
            .and_then(|()| parts.make_others(mode, data.st_gid))
            .inspect_err(|_| parts.remove())
            .map_err(|error| match error {
                Errno::EFBIG | Errno::EDQUOT | Errno::EEXIST => Errno::ENOSPC,
                other => other,
            })?;
        Ok(parts)
    }

    fn make_others(&self, mode: u32, group: u32) -> Result<()> {
        self.others().try_for_each(|part| {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(part.path)?;
            reserve(&file, part.length)?;
            // As far as the caller may.
            // SAFETY: no pointer. The owner stays.
            unsafe { libc::syscall(libc::SYS_fchown, file.as_raw_fd(), u32::MAX, group) };
            change_mode(&file, mode)
        })
    }

    /// What the header tells of it.
    pub fn known_as(&self) -> PartsId {
        self.id
    }

    /// Bytes of the data file.
    pub fn first(&self) -> usize {
        if self.id.size == 0 { self.total } else { self.id.size }
    }

    /// Maps all of it. EINVAL when a part is missing.
    pub fn map(&self, file: &File) -> Result<MmapRaw> {
        if self.id.size == 0 {
            return mapped(MmapOptions::new().len(self.total).map_raw(file));
        }
        let whole = MmapOptions::new().len(self.total).no_reserve_swap().map_anon();
        let whole: MmapRaw = mapped(whole)?.into();
        map_at(&whole, 0, self.id.size, file)?;
        for part in self.others() {
            map_at(&whole, part.start, part.length, &self.open(&part)?)?;
        }
        Ok(whole)
    }

    /// The files but the data file, opened one by one. EINVAL for one that is missing.
    pub fn open_others(&self) -> impl Iterator<Item = Result<File>> {
        self.others().map(|part| self.open(&part))
    }

    /// All but the data file.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.others().map(|part| part.path).collect()
    }

    /// Removes all but the data file.
    pub fn remove(&self) {
        for part in self.others() {
            // Never a file of another user.
            if file::status_of(&part.path).is_ok_and(|status| self.owns(&status)) {
                let _ = std::fs::remove_file(part.path);
            }
        }
    }

    fn open(&self, part: &Part) -> Result<File> {
        let file = open_file(&part.path).map_err(|error| match error {
            Errno::EACCES | Errno::EMFILE | Errno::ENFILE => error,
            _ => Errno::EINVAL,
        })?;
        let status = file::status(file.as_raw_fd())?;
        let is_it = self.owns(&status) && usize::try_from(status.st_size) == Ok(part.length);
        if is_it { Ok(file) } else { Err(Errno::EINVAL) }
    }

    fn owns(&self, part: &Status) -> bool {
        file::is_a(part, libc::S_IFREG)
            && (part.st_dev, part.st_uid) == (self.data.st_dev, self.data.st_uid)
    }

    fn others(&self) -> impl Iterator<Item = Part> {
        let (id, total, inode) = (self.id, self.total, self.data.st_ino);
        let count = if id.size == 0 { 1 } else { total.div_ceil(id.size) };
        (1..count).map(move |index| {
            let start = index * id.size;
            let name = format!("{PART_PREFIX}{inode:x}.{:016x}.{index}", id.nonce);
            Part { path: settings::get().dir.join(name), start, length: id.size.min(total - start) }
        })
    }
}

/// The parts of the queue with this open data file. EINVAL when it is none.
pub fn parts_of(file: &File) -> Result<Parts> {
    let (status, start) = (file::status(file.as_raw_fd())?, read_start(file)?);
    Parts::new(layout::read_parts(&start)?, layout::read_geometry(&start)?.file_size(), &status)
}

/// The bytes of a queue, for an observer.
pub struct Reader {
    size: usize,
    others: Vec<File>,
}

impl Reader {
    /// Of the queue with this open data file. EINVAL when it is none, or a part is missing.
    pub fn new(data: &File) -> Result<Self> {
        let parts = parts_of(data)?;
        let is_whole =
            usize::try_from(file::status(data.as_raw_fd())?.st_size) == Ok(parts.first());
        let others = parts.open_others().collect::<Result<_>>()?;
        if is_whole { Ok(Self { size: parts.id.size, others }) } else { Err(Errno::EINVAL) }
    }

    /// Fills `bytes` with what is there from `at` on. EINVAL when there is less.
    pub fn read(&self, data: &File, mut bytes: &mut [u8], mut at: usize) -> Result<()> {
        while !bytes.is_empty() {
            let (index, start) = match self.size {
                0 => (0, at),
                size => (at / size, at % size),
            };
            let part =
                if self.size == 0 { bytes.len() } else { bytes.len().min(self.size - start) };
            let (now, later) = bytes.split_at_mut(part);
            let file =
                if index == 0 { data } else { self.others.get(index - 1).ok_or(Errno::EINVAL)? };
            file.read_exact_at(now, start as u64)?;
            (bytes, at) = (later, at + part);
        }
        Ok(())
    }
}

/// One of the files.
struct Part {
    path: PathBuf,
    /// In the mapping.
    start: usize,
    length: usize,
}

fn map_at(whole: &MmapRaw, start: usize, length: usize, file: &File) -> Result<()> {
    // SAFETY: the range is a part of a mapping of our own, which no thread uses yet.
    let mapped = unsafe {
        libc::mmap(
            whole.as_mut_ptr().add(start).cast(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_FIXED,
            file.as_raw_fd(),
            0,
        )
    };
    if mapped == libc::MAP_FAILED { Err(Errno::last().of_mapping()) } else { Ok(()) }
}

fn mapped<T>(result: io::Result<T>) -> Result<T> {
    result.map_err(|error| Errno::from(error).of_mapping())
}

fn page() -> usize {
    // SAFETY: takes no pointer.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_sizes_are_refused() {
        let data = file::status_of(std::path::Path::new("/")).unwrap();
        let look = |size, total| Parts::new(PartsId { nonce: 1, size }, total, &data).err();
        assert_eq!(look(0, 100), None);
        assert_eq!(look(page(), 10 * page() + 1), None);
        for (size, total) in
            [(1, 100_000), (page(), page()), (page(), (LIMIT + 1) * page()), (usize::MAX, 9)]
        {
            assert_eq!(look(size, total), Some(Errno::EINVAL), "{size} {total}");
        }
    }
}
