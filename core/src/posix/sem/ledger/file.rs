//! The file of a ledger: `rsipc-rs.NUMBER` in the directory of the objects. The semaphore holds the
//! number.
//!
//! A user of the semaphore may use its ledger. So the file has the permission bits, the owner and
//! the group of the file that the semaphore is in, as far as its maker can give them away. Where
//! the memory of the semaphore has no name, the file is the maker's own, and for the maker alone.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use memmap2::{MmapMut, MmapOptions, MmapRaw};

use super::layout::{ACCOUNTS, MAGIC, MEMBERSHIP, PATH, SIZE, Words};
use crate::atomic::Ordering;
use crate::object::publish::{Group, publish};
use crate::os::file;
use crate::os::file_size;
use crate::os::futex;
use crate::os::lock::{self, Kind, Owner};
use crate::os::maps::{self, Look};
use crate::os::random::random;
use crate::os::settings;
use crate::os::{Errno, Result};

/// Prefix of the files. Eight hexadecimal digits follow.
pub const PREFIX: &str = "rsipc-rs.";

/// So often the membership lock is tried, a millisecond apart, by a call that may fail, and at the
/// end of the program: the process that has it may be stopped.
pub const PATIENTLY: u32 = 2000;
/// The same by a call that must not last.
pub const BRIEFLY: u32 = 10;

/// The memory that a semaphore is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of the file.
    pub inode: u64,
    /// Of the semaphore in the file, in bytes.
    pub offset: u64,
    /// The name that the file had when it was mapped.
    path: PathBuf,
}

impl Place {
    /// Of the semaphore at this address. EINVAL: its memory belongs to no file, not even one
    /// without a name, or is read-only or private; ENOSYS: without /proc that cannot be known;
    /// EMFILE, ENFILE, ENOMEM.
    pub fn of(address: usize) -> Result<Self> {
        let mut found = Err(Errno::EINVAL);
        maps::each_of_own(|mapping| {
            if !(mapping.start..mapping.end).contains(&address) {
                return Look::Continue(());
            }
            if mapping.inode != 0 && mapping.is_writable && mapping.is_shared {
                found = Ok(Self {
                    inode: mapping.inode,
                    offset: (mapping.offset + address - mapping.start) as u64,
                    path: named(mapping.path, mapping.inode),
                });
            }
            Look::Break(())
        })
        .map_err(|error| match error {
            // That may be over the next time.
            Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => error,
            _ => Errno::ENOSYS,
        })?;
        found
    }

    /// Permission bits, owner and group of the file; `None`: it has no name.
    fn access(&self) -> Option<(u32, u32, u32)> {
        let status = file::status_of(&self.path).ok()?;
        let is_its = status.st_ino == self.inode && file::is_a(&status, libc::S_IFREG);
        is_its.then_some((status.st_mode & 0o666, status.st_uid, status.st_gid))
    }
}

/// The path, or that of the object that the file has become: the kernel shows a file as it was when
/// it was opened, and the maker of an object has opened it without a name, as `#NUMBER`.
fn named(path: &[u8], inode: u64) -> PathBuf {
    let path = Path::new(OsStr::from_bytes(path));
    let directory = &settings::get().dir;
    let begins = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"#"));
    if begins && path.parent() == Some(directory) {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let found = entries.into_iter().find(|entry| entry.ino() == inode);
        return found.map_or_else(|| path.into(), |entry| entry.path());
    }
    path.into()
}

/// A ledger in memory, and its file.
pub struct Mapped {
    map: MmapRaw,
    /// The file.
    pub file: File,
}

impl Mapped {
    /// Its words.
    pub fn words(&self) -> &Words {
        // SAFETY: as long as it is mapped.
        unsafe { Words::at(self.map.as_ptr()) }
    }

    /// From now on it stays in memory, and the caller has the file.
    pub fn into_parts(self) -> (&'static Words, File) {
        let start = self.map.as_ptr();
        core::mem::forget(self.map);
        // SAFETY: never unmapped from now on.
        (unsafe { Words::at(start) }, self.file)
    }

    fn new(file: File) -> Result<Self> {
        let status = file::status(file.as_raw_fd())?;
        if !file::is_a(&status, libc::S_IFREG) || usize::try_from(status.st_size) != Ok(SIZE) {
            return Err(Errno::EINVAL);
        }
        let map = MmapOptions::new().len(SIZE).map_raw(&file)?;
        Ok(Self { map, file })
    }

    fn is_of(&self, place: &Place) -> bool {
        let words = self.words();
        words.magic.load(Ordering::Relaxed) == MAGIC
            && words.inode.load(Ordering::Relaxed) == place.inode
            && words.offset.load(Ordering::Relaxed) == place.offset
    }
}

/// A copy of a ledger, for a look at one that may be anybody's: in a mapping, the memory would go
/// when the file becomes shorter.
pub struct Copied(MmapMut);

impl Copied {
    /// EINVAL: it is no ledger.
    pub fn of(file: &File) -> Result<Self> {
        if !file::is_a(&file::status(file.as_raw_fd())?, libc::S_IFREG) {
            return Err(Errno::EINVAL);
        }
        // As aligned as the file is in memory.
        let mut copy = MmapMut::map_anon(SIZE)?;
        file.read_exact_at(&mut copy, 0).map_err(|_| Errno::EINVAL)?;
        let copied = Self(copy);
        let is_ledger = copied.words().magic.load(Ordering::Relaxed) == MAGIC;
        if is_ledger { Ok(copied) } else { Err(Errno::EINVAL) }
    }

    /// Its words.
    pub fn words(&self) -> &Words {
        // SAFETY: so many bytes, as long as they are mapped.
        unsafe { Words::at(self.0.as_ptr()) }
    }
}

/// The path of the ledger of this number.
pub fn path(number: u32) -> PathBuf {
    settings::get().dir.join(format!("{PREFIX}{number:08x}"))
}

/// Opens the ledger of this number. ENOENT: there is none, or it belongs to another semaphore;
/// EACCES and others of open(2) and mmap(2).
pub fn open(number: u32, place: &Place) -> Result<Mapped> {
    if number == 0 {
        return Err(Errno::ENOENT);
    }
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path(number))?;
    match Mapped::new(file) {
        Ok(mapped) if mapped.is_of(place) => Ok(mapped),
        Ok(_) | Err(Errno::EINVAL) => Err(Errno::ENOENT),
        Err(error) => Err(error),
    }
}

/// Makes a ledger for the semaphore there, and gives its number. ENOSPC and others.
pub fn create(place: &Place) -> Result<(u32, Mapped)> {
    const TRIES: usize = 8;
    for _ in 0..TRIES {
        let number = u32::try_from(random() >> 32).unwrap_or(0).max(1);
        let fill = |file: File, _| {
            file_size::reserve(&file, SIZE)?;
            let mapped = Mapped::new(file)?;
            let words = mapped.words();
            words.inode.store(place.inode, Ordering::Relaxed);
            words.offset.store(place.offset, Ordering::Relaxed);
            for (byte, from) in words.path.iter().zip(place.path.as_os_str().as_bytes()) {
                byte.store(*from, Ordering::Relaxed);
            }
            words.magic.store(MAGIC, Ordering::Relaxed);
            admit(&mapped.file, place)?;
            let copy = mapped.file.try_clone()?;
            Ok((Some(copy), mapped))
        };
        match publish(&path(number), (0o600, Group::OfDirectory), fill) {
            Err(Errno::EEXIST) => {}
            made => return made.map(|(_, mapped)| (number, mapped)),
        }
    }
    Err(Errno::EAGAIN)
}

/// Lets those in who may use the semaphore.
fn admit(file: &File, place: &Place) -> Result<()> {
    let Some((mode, owner, group)) = place.access() else { return Ok(()) };
    // SAFETY: no pointer.
    let give = |owner, group| unsafe { libc::fchown(file.as_raw_fd(), owner, group) } == 0;
    let is_given = give(owner, group) || give(u32::MAX, group);
    // Another group must not get what that of the semaphore has.
    file::change_mode(file, if is_given { mode } else { mode & !0o060 })
}

/// Waits for the membership lock, to join: no process removes the ledger before
/// [`unlock_membership`]. Any number of processes join at the same time, so one that is stopped in
/// the middle keeps none from it. EBUSY: a process that removes the ledger has had the lock for so
/// many milliseconds. Async-signal-safe.
pub fn lock_to_join(fd: RawFd, tries: u32) -> Result<()> {
    for _ in 0..tries {
        if lock::try_lock(fd, Owner::Process, Kind::Read, MEMBERSHIP)? {
            return Ok(());
        }
        futex::pause_us(1000);
    }
    Err(Errno::EBUSY)
}

/// The same to remove the ledger, which one process does at a time. EAGAIN, too, at once, where a
/// process joins: the ledger is to stay.
pub fn lock_to_remove(fd: RawFd, tries: u32) -> Result<()> {
    for _ in 0..tries {
        if lock::try_lock(fd, Owner::Process, Kind::Write, MEMBERSHIP)? {
            return Ok(());
        }
        if !lock::is_locked(fd, Owner::Process, Kind::Read, MEMBERSHIP)? {
            break;
        }
        futex::pause_us(1000);
    }
    Err(Errno::EAGAIN)
}

/// The end of both.
pub fn unlock_membership(fd: RawFd) {
    let _ = lock::unlock(fd, Owner::Process, MEMBERSHIP);
}

/// The number in the name of a ledger. `None`: it is another file's.
pub fn number_of(name: &[u8]) -> Option<u32> {
    let digits = name.strip_prefix(PREFIX.as_bytes()).filter(|digits| digits.len() == 8)?;
    u32::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

/// Whether no process takes part in this ledger, and none can come to it any more: the file of its
/// semaphore has lost its name. False in doubt. Not for a process that takes part.
pub fn is_stale(path: &Path) -> bool {
    let file =
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    file.is_ok_and(|file| {
        let is_unused = is_unused_by_others(file.as_raw_fd());
        is_unused && Copied::of(&file).is_ok_and(|copied| is_nameless(copied.words()))
    })
}

/// Removes a ledger if it is stale ([`is_stale`]). False: it stays. EACCES and others.
pub fn remove_if_stale(path: &Path) -> Result<bool> {
    let mut options = OpenOptions::new();
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = options.read(true).write(true).custom_flags(flags).open(path)?;
    let Ok(copied) = Copied::of(&file) else { return Ok(false) };
    let fd = file.as_raw_fd();
    if !is_nameless(copied.words()) || !lock::try_lock(fd, Owner::Process, Kind::Write, MEMBERSHIP)?
    {
        return Ok(false);
    }
    // With the lock: no process joins meanwhile.
    let is_idle = is_unused_by_others(fd);
    if is_idle {
        std::fs::remove_file(path)?;
    }
    Ok(is_idle)
}

/// Whether no other process has an account. In doubt one has.
pub fn is_unused_by_others(fd: RawFd) -> bool {
    (0..ACCOUNTS).all(|account| {
        let byte = i64::try_from(account).unwrap_or(0);
        lock::is_locked(fd, Owner::Process, Kind::Write, byte) == Ok(false)
    })
}

/// Whether the semaphore's file has no name, or that name leads elsewhere now. In doubt it has one.
pub fn is_nameless(words: &Words) -> bool {
    let bytes: Vec<u8> = words.path.iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
    let Some(end) = bytes.iter().position(|&byte| byte == 0).filter(|&end| end < PATH) else {
        return false;
    };
    let (path, inode) = (&bytes[..end], words.inode.load(Ordering::Relaxed));
    match file::status_of(Path::new(OsStr::from_bytes(path))) {
        Ok(status) => status.st_ino != inode,
        Err(error) => error == Errno::ENOENT,
    }
}

/// Removes some ledgers that are stale, so that they do not accumulate. Not those that this process
/// has open: to close them would give back its locks.
pub fn remove_some_stale(is_ours: impl Fn(u32) -> bool) {
    const A_FEW: usize = 4;
    let Ok(entries) = std::fs::read_dir(&settings::get().dir) else { return };
    let is_another = |name: &[u8]| number_of(name).is_some_and(|number| !is_ours(number));
    let ledgers = entries.flatten().filter(|entry| is_another(entry.file_name().as_bytes()));
    for entry in ledgers.take(A_FEW) {
        // Another user's stays.
        let _ = remove_if_stale(&entry.path());
    }
}
