//! The first page of a queue's file.

use core::mem::{offset_of, size_of};
use std::fs::File;
use std::os::unix::fs::FileExt;

use super::geometry::{Geometry, HEADER_SIZE};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::{Errno, Result};
use crate::posix::mq::notify::registration::Registration;
use crate::posix::mq::poll::readiness::Readiness;
use crate::posix::mq::store::holders::Holders;
use crate::posix::mq::track::Notes;
use crate::shared::pair::{Pair, Versioned};
use crate::shared::wait_point::WaitPoint;

/// "rsipc-mq" and the version of the format.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"rsipc-mq");
pub(in crate::posix::mq) const VERSION: u32 = 8;
/// Longest name in bytes, without the slash.
pub(super) const NAME_MAX: usize = 255;
/// What is set once, when the queue is created. It is no part of [`Header`]: a process that may
/// write to the file may change it at any time, so operations use copies ([`Header::identity`]).
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub(super) magic: u64,
    pub(super) version: u32,
    pub(super) maxmsg: u32,
    pub(super) msgsize: u32,
    pub(super) _unused: u32,
    /// The PID namespace of the process that made it: see `claim`.
    pub(super) home: u64,
    pub(super) name_length: u32,
    pub(super) name: [u8; NAME_MAX + 1],
    pub(super) _unused_too: u32,
    /// Of the names of the other parts, and bytes of each part; 0 = the data file is all.
    pub(super) parts_nonce: u64,
    pub(super) part_size: u64,
}

const IDENTITY_WORDS: usize = size_of::<Identity>() / size_of::<u64>();
const _: () = assert!(IDENTITY_WORDS * size_of::<u64>() == size_of::<Identity>());

/// On lines of its own, so that one side's changes do not take the other side's line.
#[repr(C, align(128))]
pub(super) struct Lines<T>(pub(super) T);

/// The FIFO of a queue: see `files`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FifoId {
    /// Of its name.
    pub nonce: u64,
    /// The file system is that of the data file.
    pub inode: u64,
}

/// The files that the data lies in: see `files`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartsId {
    /// Of their names.
    pub nonce: u64,
    /// Bytes of each but the last one; 0 = there is one file.
    pub size: usize,
}

/// What `mq_open` looks at, and what may change of it.
#[repr(C)]
#[derive(Default)]
pub(super) struct Access {
    /// Number and inode of the FIFO. Changed in one step by the owner or the superuser, when the
    /// old one is lost.
    pub(super) fifo: Pair,
    /// Permission bits that `mq_open` enforces. Those of the files are wider: see `permission`.
    /// Stored by the owner or the superuser.
    pub(super) mode: AtomicU32,
    /// 1: a process of another PID namespace than the queue's home has used it, and TIDs mean
    /// nothing there. Each such process stores it, and it is never cleared. Relaxed: a claim that
    /// is made before it is seen is left to the threads at home to check.
    pub(super) has_visitors: AtomicU32,
}

/// The first page.
#[repr(C, align(4096))]
pub struct Header {
    /// An [`Identity`], word by word. It is not written to once the file has a name.
    identity: [AtomicU64; IDENTITY_WORDS],
    pub(super) access: Lines<Access>,
    pub(super) sequence: Lines<AtomicU64>,
    pub(super) stalled: Lines<AtomicU64>,
    pub(super) freed: Lines<AtomicU32>,
    pub(super) high_water: Lines<AtomicU32>,
    pub(super) message: Lines<WaitPoint>,
    pub(super) space: Lines<WaitPoint>,
    pub(super) readiness: Lines<Readiness>,
    pub(super) notify: Lines<Registration>,
    pub(super) holders: Lines<Holders>,
    pub(super) track: Lines<Notes>,
}

const _: () = assert!(size_of::<Header>() == HEADER_SIZE);

/// In the file: the FIFO, the inode first.
const FIFO_AT: usize = offset_of!(Header, access) + offset_of!(Access, fifo);

/// What a new queue is told of itself.
#[derive(Clone, Copy, Debug)]
pub struct Birth<'a> {
    /// Sizes.
    pub geometry: Geometry,
    /// Permission bits.
    pub mode: u32,
    /// Its FIFO.
    pub fifo: FifoId,
    /// Its data files.
    pub parts: PartsId,
    /// Without the slash.
    pub name: &'a [u8],
}

impl From<FifoId> for Versioned {
    fn from(FifoId { nonce, inode }: FifoId) -> Self {
        Self { value: inode, version: nonce }
    }
}

impl From<Versioned> for FifoId {
    fn from(pair: Versioned) -> Self {
        Self { nonce: pair.version, inode: pair.value }
    }
}

impl Header {
    /// In the file: the word that receivers sleep on.
    pub const MESSAGE_WORD: u64 = offset_of!(Self, message) as u64;
    /// In the file: the word that senders sleep on.
    pub const SPACE_WORD: u64 = offset_of!(Self, space) as u64;

    /// A copy of the header of a file. EINVAL if it is not that of a queue.
    pub fn copy(file: &File) -> Result<Box<Self>> {
        let mut header = Box::<Self>::new_zeroed();
        // SAFETY: the bytes of the box, which are all initialised.
        let bytes = unsafe {
            core::slice::from_raw_parts_mut(header.as_mut_ptr().cast::<u8>(), HEADER_SIZE)
        };
        file.read_exact_at(bytes, 0).map_err(|_| Errno::EINVAL)?;
        read_geometry(bytes)?;
        // SAFETY: initialised, and any bytes are a header.
        Ok(unsafe { header.assume_init() })
    }

    /// A copy of what is said once.
    pub(super) fn identity(&self) -> Identity {
        // Relaxed: written before the file had a name.
        let words = self.identity.each_ref().map(|word| word.load(Ordering::Relaxed));
        // SAFETY: it has that size, and any bytes are an Identity.
        unsafe { core::mem::transmute(words) }
    }

    /// Sets it, in a file that no other process knows yet.
    pub(super) fn set_identity(&self, identity: &Identity) {
        // SAFETY: it has that size, and no padding.
        let words: [u64; IDENTITY_WORDS] = unsafe { core::mem::transmute(*identity) };
        for (word, value) in self.identity.iter().zip(words) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// The sizes that the header claims. EINVAL if they are out of range.
    pub fn geometry(&self) -> Result<Geometry> {
        let identity = self.identity();
        Geometry::new(identity.maxmsg.into(), identity.msgsize.into())
    }

    /// The processes that keep slots.
    pub fn holders(&self) -> &Holders {
        &self.holders.0
    }

    /// Who sent and who received last.
    pub fn track(&self) -> &Notes {
        &self.track.0
    }

    /// Which process wants to be notified.
    pub fn notify(&self) -> &Registration {
        &self.notify.0
    }

    /// The number of messages ever sent through a queue with a tree: see `Slots::sequence`.
    pub fn sent(&self) -> u64 {
        self.sequence.0.load(Ordering::Relaxed)
    }

    /// Permission bits, as `mq_open` was given them.
    pub fn mode(&self) -> u32 {
        self.access.0.mode.load(Ordering::SeqCst)
    }

    /// The FIFO. Its two words belong together unless another process has just changed them.
    pub fn fifo(&self) -> FifoId {
        self.access.0.fifo.load().into()
    }

    /// The name without the slash. Whatever the bytes are, at most 255 of them.
    pub fn name(&self) -> Vec<u8> {
        let Identity { name, name_length, .. } = self.identity();
        name[..(name_length as usize).min(NAME_MAX)].to_vec()
    }
}

/// The geometry that a header claims, if the header is that of a queue. EINVAL if it is not.
pub fn read_geometry(header: &[u8]) -> Result<Geometry> {
    let identity = read_identity(header)?;
    Geometry::new(identity.maxmsg.into(), identity.msgsize.into())
}

/// The FIFO of the queue with this header. EINVAL if it is not that of a queue.
pub fn read_fifo(header: &[u8]) -> Result<FifoId> {
    read_identity(header)?;
    let bytes = header.get(FIFO_AT..FIFO_AT + size_of::<Pair>()).ok_or(Errno::EINVAL)?;
    let (value, version) = bytes.split_at(size_of::<u64>());
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_ne_bytes).map_err(|_| Errno::EINVAL);
    Ok(Versioned { value: number(value)?, version: number(version)? }.into())
}

/// The data files of the queue with this header. EINVAL if it is not that of a queue.
pub fn read_parts(header: &[u8]) -> Result<PartsId> {
    let identity = read_identity(header)?;
    let size = usize::try_from(identity.part_size).map_err(|_| Errno::EINVAL)?;
    Ok(PartsId { nonce: identity.parts_nonce, size })
}

/// The version of the format, if the file is that of a queue at all.
pub fn read_version(header: &[u8]) -> Option<u32> {
    let magic = header.get(..offset_of!(Identity, version))?;
    let version = header.get(offset_of!(Identity, version)..offset_of!(Identity, maxmsg))?;
    (magic == MAGIC.to_ne_bytes()).then(|| version.try_into().ok().map(u32::from_ne_bytes))?
}

fn read_identity(header: &[u8]) -> Result<Identity> {
    let bytes = header.get(..size_of::<Identity>()).ok_or(Errno::EINVAL)?;
    // SAFETY: long enough, any bytes are an Identity, and the read does not need alignment.
    let identity = unsafe { bytes.as_ptr().cast::<Identity>().read_unaligned() };
    let is_queue = identity.magic == MAGIC && identity.version == VERSION;
    if is_queue { Ok(identity) } else { Err(Errno::EINVAL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_header_is_refused() {
        assert_eq!(read_geometry(&[0; HEADER_SIZE]).err(), Some(Errno::EINVAL));
        assert_eq!(read_geometry(b"rsipc-mq").err(), Some(Errno::EINVAL));
    }
}
