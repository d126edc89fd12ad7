//! Finding, making and removing objects: the directory is the registry (see `family`).
//!
//! * An object is made whole, gets its id, and then its key. It lives from then on. A maker that
//!   loses its key to another one takes its object back.
//! * A process that removes an object holds its removal claim: first the name of a segment's memory
//!   goes, then the names of the key, then the object is marked, then the name of its id goes. A
//!   process that meets a removal that was left half done finishes it.
//!
//! All of this is done as the effective user, to whom objects belong, and not as the user for files
//! (setfsuid(2)).
//!
//! Bare system calls: these calls are made in signal handlers, C's are cancellation points, and
//! some are interposed by this library.

use core::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use super::family::{Family, KEY_NAMES, LEAST_ID, Path};
use super::header::{Facts, HEADER_SIZE, Header};
use crate::atomic::{AtomicU32, Ordering};
use crate::object::publish::{Group, Way, publish};
use crate::os::credentials::as_effective;
use crate::os::errno::preserved;
use crate::os::file::{self, Status, change_mode};
use crate::os::random::random;
use crate::os::settings;
use crate::os::{Errno, Result};

/// An object's file, and what its header says.
pub struct Opened {
    /// The file.
    pub file: File,
    /// What does not change.
    pub facts: Facts,
    /// Its size in bytes.
    pub length: usize,
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// To take part.
    Use,
    /// To look.
    Reading,
}

/// Opens the file of the object with this id. EINVAL: there is none; EACCES. Allocates nothing.
pub fn open(family: Family, id: i32, purpose: For) -> Result<Opened> {
    if id < LEAST_ID {
        return Err(Errno::EINVAL);
    }
    let path = family.id_path(id)?;
    let access = if purpose == For::Use { libc::O_RDWR } else { libc::O_RDONLY };
    let opened = open_file(path.as_c_str(), access);
    let file = opened.map_err(|error| match error {
        Errno::ENOENT | Errno::ELOOP | Errno::ENXIO | Errno::EISDIR => Errno::EINVAL,
        other => other,
    })?;
    let opened = examine(file, family)?;
    if opened.facts.id == id { Ok(opened) } else { Err(Errno::EINVAL) }
}

fn open_file(path: &CStr, access: libc::c_int) -> Result<File> {
    let flags = access | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: a C string.
    let open = || unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
    let fd = as_effective(open);
    if fd < 0 {
        return Err(Errno::last());
    }
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EMFILE)?;
    // SAFETY: a new descriptor of our own.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// What the header of a file says. EINVAL: it is no object of this family.
pub fn examine(file: File, family: Family) -> Result<Opened> {
    let status = file::status(file.as_raw_fd())?;
    let mut start = [0_u64; HEADER_SIZE / size_of::<u64>()];
    // SAFETY: the bytes of an array of integers.
    let bytes = unsafe {
        core::slice::from_raw_parts_mut(start.as_mut_ptr().cast::<u8>(), size_of_val(&start))
    };
    if !file::is_a(&status, libc::S_IFREG)
        || file::read_at(file.as_raw_fd(), bytes, 0) != Ok(HEADER_SIZE)
    {
        return Err(Errno::EINVAL);
    }
    // SAFETY: a header's bytes, aligned, and borrowed by no other code.
    let facts = unsafe { Header::facts(start.as_ptr().cast(), family)? };
    let length = usize::try_from(status.st_size).map_err(|_| Errno::EINVAL)?;
    Ok(Opened { file, facts, length })
}

/// Makes a file under a new id. `fill` writes the object into it, and its result is returned with
/// the id. The permission bits of the file are `mode`, whatever the umask is.
pub fn create<T>(
    family: Family,
    mode: u32,
    fill: impl Fn(&File, i32) -> Result<T>,
) -> Result<(i32, T)> {
    loop {
        let id = random_id();
        let path = family.id_path(id)?;
        let fill = |file, _: Way| {
            let filled = fill(&file, id)?;
            change_mode(&file, mode)?;
            Ok((Some(file), filled))
        };
        let made = as_effective(|| publish(path.as_path(), (mode, Group::OfMaker), fill));
        match made {
            Ok((_, filled)) => return Ok((id, filled)),
            Err(Errno::EEXIST) => {}
            Err(error) => return Err(error),
        }
    }
}

/// From [`LEAST_ID`] up. Old ids do not come back soon: there are 2^31 of them.
fn random_id() -> i32 {
    loop {
        let bytes = random().to_ne_bytes();
        let id = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) & i32::MAX;
        if id >= LEAST_ID {
            return id;
        }
    }
}

/// The ids that the names of a key lead to, with the numbers of these names.
pub fn ids_of(family: Family, key: i32) -> impl Iterator<Item = (u32, i32)> {
    ids_but(family, key, None)
}

/// The same without the one of this number, if there is one to leave out.
pub fn ids_but(
    family: Family,
    key: i32,
    left_out: Option<u32>,
) -> impl Iterator<Item = (u32, i32)> {
    let numbers = (0..KEY_NAMES).filter(move |number| Some(*number) != left_out);
    numbers.filter_map(move |number| Some((number, target(family, key, number).ok()?)))
}

/// The numbers of all names of a key, and the ids that they lead to. ENOENT: the name is free;
/// others: it leads nowhere, or cannot be read.
pub fn names_of(family: Family, key: i32) -> impl Iterator<Item = (u32, Result<i32>)> {
    (0..KEY_NAMES).map(move |number| (number, target(family, key, number)))
}

fn target(family: Family, key: i32, number: u32) -> Result<i32> {
    let path = family.key_path(key, number)?;
    let mut text = [0_u8; 64];
    let (at, into, room) = (path.as_c_str().as_ptr(), text.as_mut_ptr(), text.len());
    // SAFETY: a C string, and space for so many bytes.
    let read = || unsafe { libc::syscall(libc::SYS_readlinkat, libc::AT_FDCWD, at, into, room) };
    let length = usize::try_from(as_effective(read)).map_err(|_| Errno::last())?;
    text.get(..length).and_then(|text| family.id_in(text)).ok_or(Errno::EINVAL)
}

/// Gives an object one of the names of a key, and says which. `names` are those of its header.
/// ENOSPC: none is free.
pub fn link_key(family: Family, key: i32, id: i32, names: &AtomicU32) -> Result<u32> {
    let text = family.link_to(id)?;
    for number in 0..KEY_NAMES {
        names.fetch_or(1 << number, Ordering::SeqCst);
        let path = family.key_path(key, number)?;
        let (text, path) = (text.as_c_str().as_ptr(), path.as_c_str().as_ptr());
        // SAFETY: both are C strings.
        let link = || unsafe { libc::syscall(libc::SYS_symlinkat, text, libc::AT_FDCWD, path) };
        let failed = as_effective(link) != 0;
        match if failed { Err(Errno::last()) } else { Ok(()) } {
            Ok(()) => return Ok(number),
            Err(Errno::EEXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::ENOSPC)
}

/// Those of these names of a key that lead to this object: of [`Header::names`], or of [`ALL`].
fn names_to(family: Family, key: i32, id: i32, names: u32) -> impl Iterator<Item = Path> {
    let numbers = (0..KEY_NAMES).filter(move |number| names & 1 << number != 0);
    let own = numbers.filter(move |number| target(family, key, *number) == Ok(id));
    own.filter_map(move |number| family.key_path(key, number).ok())
}

/// All names of a key.
pub const ALL: u32 = u32::MAX;

/// Removes those of these names of a key that lead to this object. Only for the holder of its
/// removal claim: so none of them leads elsewhere by the time it is unlinked.
pub fn unlink_key(family: Family, key: i32, id: i32, names: u32) {
    names_to(family, key, id, names).for_each(|path| unlink(path.as_c_str()));
}

/// Makes this user the owner of those of these names of a key that lead to this object, as far as
/// the caller can do that.
pub fn give_key(family: Family, key: i32, id: i32, names: u32, user: u32) {
    for path in names_to(family, key, id, names) {
        let (path, link) = (path.as_c_str().as_ptr(), libc::AT_SYMLINK_NOFOLLOW);
        let (here, group) = (libc::AT_FDCWD, u32::MAX);
        // SAFETY: a C string.
        as_effective(|| unsafe {
            libc::syscall(libc::SYS_fchownat, here, path, user, group, link)
        });
    }
}

/// The file of the object with this id. ENOENT and others of stat(2). Leaves `errno` alone.
pub fn status(family: Family, id: i32) -> Result<Status> {
    let path = family.id_path(id)?;
    preserved(|| as_effective(|| file::status_of_c(path.as_c_str())))
}

/// Removes the name of an id. Only for the holder of the object's removal claim.
pub fn unlink_id(family: Family, id: i32) {
    if let Ok(path) = family.id_path(id) {
        unlink(path.as_c_str());
    }
}

/// In a sticky directory this may be refused: then the name stays, and look-ups pass over it.
fn unlink(path: &CStr) {
    // SAFETY: a C string.
    as_effective(|| unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path.as_ptr(), 0) });
}

/// Maps so many bytes of a file, of which some may lie beyond its end. ENOMEM.
pub fn map(file: RawFd, length: usize) -> Result<*mut u8> {
    map_from(file, 0, length)
}

/// The same from this place on, which begins a page.
pub fn map_from(file: RawFd, start: usize, length: usize) -> Result<*mut u8> {
    let start = libc::off_t::try_from(start).map_err(|_| Errno::EOVERFLOW)?;
    let (protection, anywhere) = (libc::PROT_READ | libc::PROT_WRITE, core::ptr::null_mut());
    // SAFETY: new memory at an address of the kernel's choice.
    let map = unsafe { libc::mmap(anywhere, length, protection, libc::MAP_SHARED, file, start) };
    if map == libc::MAP_FAILED { Err(Errno::last().of_mapping()) } else { Ok(map.cast()) }
}

/// The ids of all objects of a family, in order.
pub fn all(family: Family) -> Result<Vec<i32>> {
    let mut ids = Vec::new();
    for entry in as_effective(|| std::fs::read_dir(&settings::get().dir))? {
        ids.extend(family.id_in(entry?.file_name().as_bytes()));
    }
    ids.sort_unstable();
    Ok(ids)
}
