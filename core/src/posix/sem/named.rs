//! Named semaphores: the files `sem.NAME`, and which of them this process has open.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use memmap2::{MmapOptions, MmapRaw};

use super::layout::{SIZE, Semaphore};
use super::ledger::uses;
use super::track::{self, TRACKED_SIZE};
use crate::object::names::{self, Refused};
use crate::object::publish::{Group, publish};
use crate::os::Errno;
use crate::os::Result;
use crate::os::file;
use crate::os::file_size::beyond_limit;
use crate::os::filter;
use crate::os::fork::ForkMutex;
use crate::os::futex::Scope;

/// Prefix of the names of their files.
pub const PREFIX: &str = "sem.";

/// How `sem_open` was asked to open.
#[derive(Clone, Copy, Debug)]
pub enum Open {
    /// ENOENT when there is none.
    Existing,
    /// Creates it when there is none.
    OrCreate {
        /// Permission bits of a new one.
        mode: u32,
        /// The value of a new one.
        value: u32,
        /// EEXIST when there is one.
        exclusive: bool,
    },
}

/// A file, whatever names it has: device and inode.
type Identity = (u64, u64);

struct Mapped {
    map: MmapRaw,
    opens: usize,
}

/// The named semaphores that this process has open. Each is mapped once, however often it is
/// opened.
#[derive(Default)]
pub struct Registry {
    semaphores: BTreeMap<Identity, Mapped>,
    addresses: BTreeMap<usize, Identity>,
}

/// Held only for a look-up and an mmap or munmap, never while a file is opened or made.
static REGISTRY: ForkMutex<Registry> =
    ForkMutex::new(0, Registry { semaphores: BTreeMap::new(), addresses: BTreeMap::new() });

/// The named semaphore of this name, at the address at which this process already has it, if it
/// has.
///
/// Errors: EINVAL for a name, value or file that cannot be a semaphore; ENOENT, EEXIST; those of
/// open(2), mmap(2). POSIX.1-2017, `sem_open`.
pub fn open(name: &CStr, how: Open) -> Result<*mut Semaphore> {
    let path = names::path(PREFIX, name).map_err(Refused::on_open)?;
    filter::look_while_opening();
    let file = open_file(&path, how)?;
    let status = file::status(file.as_raw_fd())?;
    let size = usize::try_from(status.st_size).unwrap_or(0);
    // A shorter file would be SIGBUS at the first access.
    if !file::is_a(&status, libc::S_IFREG) || !matches!(size, SIZE | TRACKED_SIZE) {
        return Err(Errno::EINVAL);
    }
    let is_tracked = size == TRACKED_SIZE || track::lengthen_if_asked(name, &file, size);
    let semaphore = REGISTRY.lock().open(file::identity(&status), &file)?;
    if is_tracked {
        // SAFETY: the file is that long, and mapped in whole pages until `close` forgets it.
        unsafe { track::enter(semaphore.expose_provenance()) };
    }
    Ok(semaphore)
}

/// Takes back one `open`; the last one unmaps the semaphore. EINVAL when there is none open at this
/// address.
pub fn close(semaphore: *mut Semaphore) -> Result<()> {
    let closed = REGISTRY.lock().close(semaphore.addr());
    uses::tidy_up();
    closed
}

/// Removes the name; processes that have the semaphore open keep it. POSIX.1-2017, `sem_unlink`.
pub fn unlink(name: &CStr) -> Result<()> {
    let path = names::path(PREFIX, name).map_err(Refused::on_unlink);
    let ledger = path.as_deref().ok().and_then(ledger_in);
    names::unlink(path)?;
    ledger.into_iter().for_each(uses::tidy);
    Ok(())
}

/// The number of the ledger of the semaphore in this file.
fn ledger_in(path: &Path) -> Option<u32> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let mut bytes = [0; SIZE];
    let read = file::read_at(file.as_raw_fd(), &mut bytes, 0).ok()?;
    (read == SIZE).then(|| Semaphore::from_bytes(bytes).ledger()).filter(|&number| number != 0)
}

fn open_file(path: &Path, how: Open) -> Result<File> {
    match how {
        Open::Existing => open_existing(path),
        Open::OrCreate { mode, value, exclusive } => open_or_create(path, mode, value, exclusive),
    }
}

fn open_existing(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?)
}

fn open_or_create(path: &Path, mode: u32, value: u32, exclusive: bool) -> Result<File> {
    loop {
        if !exclusive {
            match open_existing(path) {
                Err(Errno::ENOENT) => {}
                decided => return decided,
            }
        }
        let bytes = Semaphore::new(value, Scope::Shared)?.into_bytes();
        let fill = |mut file: File, _| {
            beyond_limit(SIZE as u64, || Ok(file.write_all(&bytes)?)).map(|()| (Some(file), ()))
        };
        match publish(path, (mode, Group::OfDirectory), fill) {
            // Another process was faster: its semaphore is the one to open.
            Err(Errno::EEXIST) if !exclusive => {}
            decided => return decided.and_then(|(file, ())| file.ok_or(Errno::EBADF)),
        }
    }
}

impl Registry {
    fn open(&mut self, identity: Identity, file: &File) -> Result<*mut Semaphore> {
        if let Some(mapped) = self.semaphores.get_mut(&identity) {
            mapped.opens += 1;
            return Ok(mapped.map.as_mut_ptr().cast());
        }
        let map = MmapOptions::new().len(SIZE).map_raw(file)?;
        let address = map.as_mut_ptr();
        self.addresses.insert(address.addr(), identity);
        self.semaphores.insert(identity, Mapped { map, opens: 1 });
        Ok(address.cast())
    }

    fn close(&mut self, address: usize) -> Result<()> {
        let identity = *self.addresses.get(&address).ok_or(Errno::EINVAL)?;
        let mapped = self.semaphores.get_mut(&identity).ok_or(Errno::EINVAL)?;
        mapped.opens -= 1;
        if mapped.opens == 0 {
            uses::forget(address);
            track::forget(address);
            self.addresses.remove(&address);
            self.semaphores.remove(&identity);
        }
        Ok(())
    }
}
