//! The two files of a queue and their names.
//!
//! Queue `/NAME` is the data file `rsipc-mq.NAME`; a name that makes that too long is hashed to `rsipc-mqh.HASH`, and
//! the header has it in full. Beside it lies a FIFO, which the descriptor really is (`bell`). It is named after the
//! random number of the queue, so that a queue which is made anew under an old name never shares the FIFO of its
//! predecessor.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use memmap2::{MmapOptions, MmapRaw};

use crate::object::names::NAME_MAX;
use crate::object::publish::publish;
use crate::os::Errno;
use crate::os::Result;
use crate::os::settings;
use crate::posix::mq::layout::{Birth, Geometry, Layout};
use crate::posix::mq::permission;
use crate::shared::pause::Pause;

/// Prefix of the data files.
pub const PREFIX: &str = "rsipc-mq.";
/// Prefix of the data files with hashed names.
pub const HASHED_PREFIX: &str = "rsipc-mqh.";
/// Prefix of the FIFOs.
pub const FIFO_PREFIX: &str = "rsipc-mqf.";

/// A queue's name, without the slash, that has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// Errors, as those of the kernel's mqueue file system through glibc: EINVAL without a leading slash, ENOENT for
    /// the slash alone, ENAMETOOLONG, EACCES with another slash, for `/.` and `/..`.
    pub fn new(name: &'a CStr) -> Result<Self> {
        let name = name.to_bytes().strip_prefix(b"/").ok_or(Errno::EINVAL)?;
        match name {
            b"" => Err(Errno::ENOENT),
            _ if name.len() > NAME_MAX && !name.contains(&b'/') => Err(Errno::ENAMETOOLONG),
            _ if name.len() >= libc::PATH_MAX as usize => Err(Errno::ENAMETOOLONG),
            b"." | b".." => Err(Errno::EACCES),
            _ if name.contains(&b'/') => Err(Errno::EACCES),
            _ => Ok(Self(name)),
        }
    }

    /// The data file.
    pub fn path(self) -> PathBuf {
        let file = if PREFIX.len() + self.0.len() <= NAME_MAX {
            [PREFIX.as_bytes(), self.0].concat()
        } else {
            format!("{HASHED_PREFIX}{:032x}", hash(self.0)).into_bytes()
        };
        settings::get().dir.join(OsStr::from_bytes(&file))
    }
}

/// FNV-1a of 128 bits. That two names meet here by chance is not to be expected; that they do is found out.
fn hash(name: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    name.iter().fold(OFFSET, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

fn fifo_name(number: u64) -> OsString {
    format!("{FIFO_PREFIX}{number:016x}").into()
}

/// The FIFO of the queue with this random number.
pub fn fifo_path(number: u64) -> PathBuf {
    settings::get().dir.join(fifo_name(number))
}

/// A mapped data file.
pub struct Data {
    /// Keeps it mapped.
    pub map: MmapRaw,
    /// What is in it.
    pub layout: Layout,
    /// Who owns it.
    pub metadata: Metadata,
    /// Whether we have just made it: then we may do anything with it, whatever its mode is.
    pub is_new: bool,
}

/// Opens the data file of an existing queue. ENOENT; EACCES; EINVAL for a file that is not one.
pub fn open(name: Name<'_>) -> Result<Data> {
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(name.path())?;
    let data = map(&file)?;
    if data.layout.name() == name.0 { Ok(data) } else { Err(Errno::EINVAL) }
}

/// Opens the data file of the queue that has this FIFO. ENOENT when it has no name any more.
pub fn open_of_fifo(fifo: &Path) -> Result<Data> {
    let is_it = |path: &Path| {
        number_of(path).is_some_and(|number| Some(fifo_name(number).as_ref()) == fifo.file_name())
    };
    let directory = fifo.parent().ok_or(Errno::ENOENT)?;
    let mut paths = std::fs::read_dir(directory)?.flatten().filter(|entry| is_data_name(&entry.file_name()));
    let path = paths.find_map(|entry| Some(entry.path()).filter(|path| is_it(path))).ok_or(Errno::ENOENT)?;
    map(&OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?)
}

/// Whether there is a file for this name, whoever may open it.
pub fn exists(name: Name<'_>) -> bool {
    name.path().symlink_metadata().is_ok()
}

/// Makes the data file of a new queue. EEXIST; ENOSPC when the directory has no room for all of it.
pub fn create(name: Name<'_>, geometry: Geometry, mode: u32) -> Result<Data> {
    let number = random()?;
    let size = geometry.file_size();
    let file = publish(&name.path(), mode & 0o777, |file| {
        let real_mode = file.metadata()?.mode() & 0o777;
        reserve(file, size)?;
        let map = MmapOptions::new().len(size).map_raw(file)?;
        let birth = Birth { geometry, mode: real_mode, number, name: name.0 };
        // SAFETY: the mapping has that size, and the file has no name yet.
        unsafe { Layout::initialise(map.as_mut_ptr(), birth)? };
        file.set_permissions(Permissions::from_mode(permission::of_files(real_mode)))?;
        Ok(())
    })?;
    Ok(Data { is_new: true, ..map(&file)? })
}

/// Blocks are reserved now, so that a full file system is ENOSPC here and not SIGBUS later.
fn reserve(file: &File, size: usize) -> Result<()> {
    let length = libc::off_t::try_from(size).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: takes no pointer. It is not `posix_fallocate`, which writes where the file system cannot reserve.
    if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) } == 0 {
        return Ok(());
    }
    match Errno::last() {
        // The file system cannot reserve. A hole is what it has to offer.
        Errno::ENOTSUP | Errno::ENOSYS => Ok(file.set_len(length.unsigned_abs())?),
        Errno::EFBIG => Err(Errno::ENOSPC),
        error => Err(error),
    }
}

fn map(file: &File) -> Result<Data> {
    let metadata = file.metadata()?;
    let size = usize::try_from(metadata.len()).map_err(|_| Errno::EINVAL)?;
    if !metadata.is_file() {
        return Err(Errno::EINVAL);
    }
    let geometry = Layout::read_geometry(&read_start(file)?)?;
    if geometry.file_size() != size {
        return Err(Errno::EINVAL);
    }
    let map = MmapOptions::new().len(size).map_raw(file)?;
    // SAFETY: the mapping has just this size, and lives as long as the layout is used with it.
    let layout = unsafe { Layout::new(map.as_mut_ptr(), geometry) };
    Ok(Data { map, layout, metadata, is_new: false })
}

fn read_start(file: &File) -> Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let mut start = vec![0; 512];
    let mut length = 0;
    while length < start.len() {
        match file.read_at(&mut start[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    start.truncate(length);
    Ok(start)
}

fn random() -> Result<u64> {
    let mut number = 0_u64;
    let length = size_of_val(&number);
    // SAFETY: valid for writing that many bytes. So few are never interrupted halfway.
    let got = unsafe { libc::getrandom((&raw mut number).cast(), length, 0) };
    if usize::try_from(got) == Ok(length) { Ok(number) } else { Err(Errno::last()) }
}

/// Opens the FIFO of a queue, and makes it if it is not there: its maker, or one who removed it, was killed.
pub fn open_fifo(layout: &Layout, flags: i32) -> Result<File> {
    let path = fifo_path(layout.number());
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | flags);
    loop {
        match options.open(&path).map_err(Errno::from) {
            Ok(fifo) if fifo.metadata()?.file_type().is_fifo() => return Ok(fifo),
            Ok(_) => return Err(Errno::EINVAL),
            Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
        match make_fifo(&path, permission::of_files(layout.mode())) {
            // ENOENT: somebody has unlinked the queue meanwhile, and the FIFO with it.
            Ok(()) | Err(Errno::EEXIST | Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
}

fn make_fifo(path: &Path, mode: u32) -> Result<()> {
    let c_path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: a C string.
    if unsafe { libc::mkfifo(c_path.as_ptr(), mode) } != 0 {
        return Err(Errno::last());
    }
    // The umask has cut it.
    Ok(std::fs::set_permissions(path, Permissions::from_mode(mode))?)
}

/// Whether the queue still has its name, or another one has it now.
pub fn has_name(name: Name<'_>, data: &Data) -> bool {
    open(name).is_ok_and(|now| now.layout.number() == data.layout.number())
}

/// Removes the name of a queue. Those who have it open keep it.
///
/// The FIFO goes first: who is killed in between leaves a queue whose FIFO is made anew by the next one who opens it,
/// and nothing that nobody knows. It goes again at the end, in case somebody has just done that.
pub fn unlink(name: Name<'_>) -> Result<()> {
    let path = name.path();
    if !may_remove(&path)? {
        return crate::object::names::unlink(Ok(path));
    }
    let data = locked(&path)?;
    let fifo =
        data.as_ref().and_then(|data| Layout::read_number(&read_start(data).ok()?).ok()).map(fifo_path);
    let remove_fifo = || fifo.as_ref().map(std::fs::remove_file);
    remove_fifo();
    crate::object::names::unlink(Ok(path))?;
    remove_fifo();
    Ok(())
}

/// Removes a queue that we have made and that cannot be used after all, unless somebody else has removed it.
pub fn take_back(name: Name<'_>, data: &Data) {
    let path = name.path();
    let number = data.layout.number();
    if let Ok(Some(file)) = locked(&path)
        && read_start(&file).and_then(|start| Layout::read_number(&start)) == Ok(number)
    {
        let _ = std::fs::remove_file(path);
        remove_fifo(number);
    }
}

/// The data file that has this name, locked against being removed by others, who could let the name pass to another
/// queue between our look at it and its removal. `None` when that is not to be had: it may not be read, or whoever has
/// locked it does not go on. ENOENT when there is none.
fn locked(path: &Path) -> Result<Option<File>> {
    let mut pause = Pause::default();
    loop {
        let file = match open_to_look(path) {
            Ok(file) => file,
            Err(Errno::ENOENT) => return Err(Errno::ENOENT),
            Err(_) => return Ok(None),
        };
        // SAFETY: no pointer. The lock goes with the file, whatever ends us.
        let is_locked = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0;
        if is_locked && is_named(path, &file) {
            return Ok(Some(file));
        }
        if !pause.turn() {
            return Ok(None);
        }
    }
}

fn is_named(path: &Path, file: &File) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let named = path.symlink_metadata().map(identity);
    file.metadata().map(identity).is_ok_and(|file| named.is_ok_and(|named| named == file))
}

/// Removes the FIFO of a queue that has lost its name meanwhile.
pub fn remove_fifo(number: u64) {
    let _ = std::fs::remove_file(fifo_path(number));
}

/// Whether a file of this name is the data file of a queue.
pub fn is_data_name(file: &OsStr) -> bool {
    [PREFIX, HASHED_PREFIX].iter().any(|prefix| file.as_bytes().starts_with(prefix.as_bytes()))
}

/// The sizes of the queue with this data file.
pub fn geometry_of(path: &Path) -> Option<Geometry> {
    Layout::read_geometry(&header_of(path)?).ok()
}

fn number_of(path: &Path) -> Option<u64> {
    Layout::read_number(&header_of(path)?).ok()
}

fn header_of(path: &Path) -> Option<Vec<u8>> {
    read_start(&open_to_look(path).ok()?).ok()
}

fn open_to_look(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?)
}

/// Whether the data file would go: in a sticky directory it takes its owner, or that of the directory.
fn may_remove(path: &Path) -> Result<bool> {
    let owner = std::fs::symlink_metadata(path)?.uid();
    let directory = std::fs::metadata(path.parent().ok_or(Errno::ENOENT)?)?;
    let is_sticky = directory.mode() & libc::S_ISVTX != 0;
    // SAFETY: takes no arguments.
    let user = unsafe { libc::geteuid() };
    Ok(!is_sticky || user == 0 || user == owner || user == directory.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let look = |name: &str| Name::new(&CString::new(name).unwrap()).err();
        assert_eq!(look("/a"), None);
        assert_eq!(look("/.a"), None);
        assert_eq!(look("a"), Some(Errno::EINVAL));
        assert_eq!(look(""), Some(Errno::EINVAL));
        assert_eq!(look("/"), Some(Errno::ENOENT));
        assert_eq!(look("//"), Some(Errno::EACCES));
        assert_eq!(look("/a/b"), Some(Errno::EACCES));
        assert_eq!(look("/."), Some(Errno::EACCES));
        assert_eq!(look(&format!("/{}", "a".repeat(255))), None);
        assert_eq!(look(&format!("/{}", "a".repeat(256))), Some(Errno::ENAMETOOLONG));
    }

    #[test]
    fn long_names_have_files_of_their_own() {
        let path = |name: &str| Name::new(&CString::new(name).unwrap()).unwrap().path();
        let (one, other) = (format!("/{}1", "a".repeat(254)), format!("/{}2", "a".repeat(254)));
        assert_ne!(path(&one), path(&other));
        assert!(path(&one).file_name().unwrap().len() <= NAME_MAX);
        assert!(path("/q").ends_with("rsipc-mq.q"));
    }
}
