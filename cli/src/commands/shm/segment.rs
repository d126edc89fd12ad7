//! The memory of System V segments. That of ours is read and written through its file, which
//! attaches nothing; that of the kernel can only be attached, for as long as it takes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::ptr;

use crate::failure::{Failure, Result};
use crate::objects::kernel::{self, Contents};
use crate::objects::name::Name;
use crate::objects::sysv::Typed;
use crate::objects::{self, Kind, segment};

/// The memory of a segment, from some byte on to its end.
pub enum Memory {
    Ours(io::Take<File>),
    Kernels(Attached),
}

/// A segment of the kernel in the memory of this process.
pub struct Attached {
    at: *mut u8,
    /// The next byte, and how many there are.
    place: usize,
    size: usize,
}

/// `None`: there is no such segment.
pub fn open(typed: Typed, writes: bool, offset: u64) -> Result<Option<Memory>> {
    let failed = |error: io::Error| {
        let what = format!("cannot open the {} {}", Kind::Svshm.describe(), typed.shown());
        Failure::call(what, error)
            .advise(format!("`rsipc stat {}` shows whose it is", typed.shown()))
    };
    let name = Name::from_text(&typed.shown());
    let ours = objects::scan()?
        .into_iter()
        .find(|object| object.kind() == Kind::Svshm && object.is_called(&name));
    if let Some(object) = ours {
        let known = object.segment().map(|known| (known.id, known.size));
        let (id, size) = known.ok_or_else(|| failed(io::ErrorKind::PermissionDenied.into()))?;
        return open_file(id, size, writes, offset).map(Some).map_err(failed);
    }
    let theirs = kernel::list()
        .into_iter()
        .find(|object| object.kind == Kind::Svshm && typed.means(object.key, object.id));
    let Some(object) = theirs else { return Ok(None) };
    let Contents::Segment { bytes, .. } = object.contents else { return Ok(None) };
    Attached::new(object.id, bytes, writes, offset)
        .map(|attached| Some(Memory::Kernels(attached)))
        .map_err(failed)
}

fn open_file(id: i32, size: u64, writes: bool, offset: u64) -> io::Result<Memory> {
    let mut options = OpenOptions::new();
    options.read(true).write(writes).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let mut file = options.open(segment::memory_path(id)?)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(Memory::Ours(file.take(size.saturating_sub(offset))))
}

impl Memory {
    /// Bytes up to its end.
    pub fn remaining(&self) -> u64 {
        match self {
            Self::Ours(file) => file.limit(),
            Self::Kernels(attached) => (attached.size - attached.place) as u64,
        }
    }
}

impl Attached {
    /// Read-only unless it is written. The call goes to the kernel, whatever library is preloaded.
    fn new(id: i32, size: u64, writes: bool, offset: u64) -> io::Result<Self> {
        let flags = if writes { 0 } else { libc::SHM_RDONLY };
        // SAFETY: new memory, at an address of the kernel's choice.
        let at = unsafe { libc::syscall(libc::SYS_shmat, id, 0, flags) };
        if at == -1 {
            return Err(io::Error::last_os_error());
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let place = usize::try_from(offset).unwrap_or(usize::MAX).min(size);
        let at = usize::try_from(at.cast_unsigned()).map_err(io::Error::other)?;
        let at = ptr::with_exposed_provenance_mut(at);
        Ok(Self { at, place, size })
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: attached here, and not used after this.
        unsafe { libc::syscall(libc::SYS_shmdt, self.at) };
    }
}

impl Read for Memory {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Ours(file) => file.read(into),
            Self::Kernels(attached) => {
                let length = into.len().min(attached.size - attached.place);
                // SAFETY: within the segment; the bytes may change meanwhile, and are any.
                unsafe {
                    let from = attached.at.add(attached.place);
                    from.copy_to_nonoverlapping(into.as_mut_ptr(), length);
                }
                attached.place += length;
                Ok(length)
            }
        }
    }
}

impl Write for Memory {
    /// 0 at its end: it does not grow.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Ours(file) => {
                let room = usize::try_from(file.limit()).unwrap_or(usize::MAX);
                let written = file.get_mut().write(&bytes[..bytes.len().min(room)])?;
                file.set_limit(file.limit() - written as u64);
                Ok(written)
            }
            Self::Kernels(attached) => {
                let length = bytes.len().min(attached.size - attached.place);
                // SAFETY: within the segment, which is attached for writing.
                unsafe {
                    let into = attached.at.add(attached.place);
                    into.copy_from_nonoverlapping(bytes.as_ptr(), length);
                }
                attached.place += length;
                Ok(length)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
