//! Where everything of a queue lies in its file.
//!
//! ```text
//! 0       Header      magic, geometry, name; sequence, wait points, readiness, notification, each on lines of its own
//! 4096    keys        u64 each
//!         claims      u32 each
//!         nodes       16 bytes each, where there are more than 32 slots
//!         slots       SlotHeader and body, a multiple of 64 bytes each
//! ```
//!
//! The geometry is read once, checked against the size of the file, and kept privately
//! (`Geometry`): whatever happens to the bytes later, no access leaves the mapping.

#![expect(
    clippy::cast_ptr_alignment,
    reason = "all parts are aligned to a line of the page-aligned mapping"
)]

use core::mem::{offset_of, size_of};
use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::os::Errno;
use crate::os::Result;
use crate::os::namespace;
use crate::posix::mq::notify::registration::{Registration, Sender};
use crate::posix::mq::poll::readiness::Readiness;
use crate::posix::mq::store::index::{self, GROUP, Index, Node};
use crate::posix::mq::store::slots::Slots;
use crate::shared::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::pair::{Pair, Versioned};
use crate::shared::prefetch;
use crate::shared::wait_point::WaitPoint;

/// Largest number of messages.
pub const MAXMSG_LIMIT: usize = 65536;
/// Largest size of a message in bytes: 16 MiB.
pub const MSGSIZE_LIMIT: usize = 16 << 20;
/// Attributes of a queue that is created without any.
pub const DEFAULT: Geometry = Geometry { maxmsg: 10, msgsize: 8192 };

/// "rsipc-mq" and the version of the format.
const MAGIC: u64 = u64::from_le_bytes(*b"rsipc-mq");
pub(super) const VERSION: u32 = 5;
/// Longest name in bytes, without the slash.
const NAME_MAX: usize = 255;
pub const HEADER_SIZE: usize = 4096;
const LINE: usize = 64;

/// The two numbers from which all places follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Slots: messages at most, 1..=65536.
    pub maxmsg: usize,
    /// Bytes of a message at most, 1..=16 MiB.
    pub msgsize: usize,
}

/// What is said once, when the queue is created.
#[repr(C)]
#[derive(Clone, Copy)]
struct Identity {
    magic: u64,
    version: u32,
    maxmsg: u32,
    msgsize: u32,
    /// The PID namespace of whoever made it: see `claim`.
    home: u64,
    name_length: u32,
    name: [u8; NAME_MAX + 1],
    /// Of the names of the other parts, and bytes of each part; 0 = the data file is all.
    parts_number: u64,
    part_size: u64,
}

/// On lines of its own, so that one side's changes do not take the other side's line.
#[repr(C, align(128))]
struct Lines<T>(T);

/// The FIFO of a queue: see `files`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FifoId {
    /// Of its name.
    pub number: u64,
    /// The file system is that of the data file.
    pub inode: u64,
}

/// The files that the data lies in: see `files`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartsId {
    /// Of their names.
    pub number: u64,
    /// Bytes of each but the last one; 0 = there is one file.
    pub size: usize,
}

/// What `mq_open` looks at, and what may change of it.
#[repr(C)]
#[derive(Default)]
struct Access {
    /// Number and inode of the FIFO. Changed in one step by the owner or the superuser, when the
    /// old one is lost.
    fifo: Pair,
    /// Permission bits that `mq_open` enforces. Those of the files are wider: see `permission`.
    /// Stored by the owner or the superuser.
    mode: AtomicU32,
}

/// The first page.
#[repr(C, align(4096))]
pub struct Header {
    identity: Identity,
    access: Lines<Access>,
    sequence: Lines<AtomicU64>,
    stalled: Lines<AtomicU64>,
    freed: Lines<AtomicU32>,
    message: Lines<WaitPoint>,
    room: Lines<WaitPoint>,
    readiness: Lines<Readiness>,
    notify: Lines<Registration>,
}

const _: () = assert!(size_of::<Header>() == HEADER_SIZE);

/// In the file: the FIFO, the inode first.
const FIFO_AT: usize = offset_of!(Header, access) + offset_of!(Access, fifo);

/// In front of each body.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotHeader {
    message: MessageHeader,
    /// Messages ever written to this slot. Whoever has claimed the slot adds one before the commit.
    written: u64,
    _reserved: u64,
}

/// What is known of a message.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageHeader {
    /// Bytes of the body that count, and [`NOTES`]. So what a receiver looks at anyway tells it of
    /// the rest.
    pub length: u32,
    /// With [`NOTES`], the registration whose process the sender must notify.
    number: u32,
    /// The sender, then.
    pub pid: u32,
    /// The sender's real user.
    pub uid: u32,
}

/// In [`MessageHeader::length`], far above any length: the message came into the empty queue, and
/// notes a registration.
pub const NOTES: u32 = 1 << 31;

impl MessageHeader {
    /// As it lies in memory.
    #[inline]
    pub fn to_bytes(self) -> [u8; size_of::<Self>()] {
        // SAFETY: four numbers without padding.
        unsafe { core::mem::transmute(self) }
    }

    /// Of a message that notes nothing.
    #[inline]
    pub fn plain(length: u32) -> Self {
        Self { length, number: 0, pid: 0, uid: 0 }
    }

    /// Of a message that notes this registration.
    pub fn noting(length: u32, number: u32, Sender { pid, uid }: Sender) -> Self {
        Self { length: length | NOTES, number, pid, uid }
    }

    /// The registration that it notes; 0 = none.
    pub fn noted(self) -> u32 {
        if self.length & NOTES == 0 { 0 } else { self.number }
    }

    /// Bytes, whatever it notes.
    pub fn bytes(self) -> usize {
        (self.length & !NOTES) as usize
    }
}

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
    fn from(FifoId { number, inode }: FifoId) -> Self {
        Self { value: inode, version: number }
    }
}

impl From<Versioned> for FifoId {
    fn from(pair: Versioned) -> Self {
        Self { number: pair.version, inode: pair.value }
    }
}

impl Geometry {
    /// EINVAL for numbers out of range.
    pub fn new(maxmsg: i64, msgsize: i64) -> Result<Self> {
        let within = |number, limit| {
            usize::try_from(number)
                .ok()
                .filter(|number| (1..=limit).contains(number))
                .ok_or(Errno::EINVAL)
        };
        Ok(Self { maxmsg: within(maxmsg, MAXMSG_LIMIT)?, msgsize: within(msgsize, MSGSIZE_LIMIT)? })
    }

    /// Bytes of the file.
    pub fn file_size(&self) -> usize {
        self.slots_at() + self.maxmsg * self.stride()
    }

    fn nodes(&self) -> usize {
        index::level_sizes(self.maxmsg).iter().sum()
    }

    /// Whether the index is more than the keys themselves.
    pub fn has_tree(&self) -> bool {
        self.nodes() > 0
    }

    fn claims_at(&self) -> usize {
        HEADER_SIZE + (self.maxmsg * size_of::<u64>()).next_multiple_of(LINE)
    }

    fn nodes_at(&self) -> usize {
        self.claims_at() + (self.maxmsg * size_of::<u32>()).next_multiple_of(LINE)
    }

    fn slots_at(&self) -> usize {
        self.nodes_at() + (self.nodes() * size_of::<Node>()).next_multiple_of(LINE)
    }

    /// Where a slot begins in the file.
    pub(super) fn slot_at(&self, slot: usize) -> usize {
        self.slots_at() + slot * self.stride()
    }

    /// Where the count of messages of a slot is in the file: see `SlotHeader::written`.
    pub(super) fn written_at(&self, slot: usize) -> usize {
        self.slot_at(slot) + offset_of!(SlotHeader, written)
    }

    /// Bytes from one slot to the next.
    fn stride(&self) -> usize {
        (size_of::<SlotHeader>() + self.msgsize).next_multiple_of(LINE)
    }
}

impl Header {
    /// In the file: the word that receivers sleep on.
    pub const MESSAGE_WORD: u64 = offset_of!(Self, message) as u64;
    /// In the file: the word that senders sleep on.
    pub const ROOM_WORD: u64 = offset_of!(Self, room) as u64;

    /// A copy of the header of a file. EINVAL if it is not that of a queue.
    pub fn copy(file: &File) -> Result<Box<Self>> {
        let mut header = Box::<Self>::new_uninit();
        // SAFETY: the bytes of the box, which are written before they are read.
        let bytes = unsafe {
            core::slice::from_raw_parts_mut(header.as_mut_ptr().cast::<u8>(), HEADER_SIZE)
        };
        bytes.fill(0);
        file.read_exact_at(bytes, 0).map_err(|_| Errno::EINVAL)?;
        Layout::read_geometry(bytes)?;
        // SAFETY: initialised, and any bytes are a header.
        Ok(unsafe { header.assume_init() })
    }

    /// The sizes that the header claims. EINVAL if they are out of range.
    pub fn geometry(&self) -> Result<Geometry> {
        Geometry::new(self.identity.maxmsg.into(), self.identity.msgsize.into())
    }

    /// Who wants to be notified.
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

    /// The FIFO. Both numbers are of one only if nobody has just changed them.
    pub fn fifo(&self) -> FifoId {
        self.access.0.fifo.load().into()
    }

    /// The name without the slash. Whatever the bytes are, at most 255 of them.
    pub fn name(&self) -> &[u8] {
        &self.identity.name[..(self.identity.name_length as usize).min(NAME_MAX)]
    }
}

/// A mapped queue.
#[derive(Clone, Copy)]
pub struct Layout {
    base: *mut u8,
    geometry: Geometry,
    slots: Slots<'static>,
    /// Of the first slot, and from one slot to the next: they follow from the geometry.
    first: *mut u8,
    stride: usize,
    is_at_home: bool,
}

// SAFETY: what it leads to is made for many processes, let alone threads.
unsafe impl Send for Layout {}
// SAFETY: the same.
unsafe impl Sync for Layout {}

impl Layout {
    /// Writes the header of a new queue into a mapping of zeros. All slots are free then.
    ///
    /// # Safety
    /// `base` is a writable mapping of `birth.geometry.file_size()` bytes that nobody else knows
    /// yet.
    pub unsafe fn initialise(base: *mut u8, birth: Birth<'_>) -> Result<()> {
        let Geometry { maxmsg, msgsize } = birth.geometry;
        let mut name = [0; NAME_MAX + 1];
        name.get_mut(..birth.name.len()).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(birth.name);
        let small = |number: usize| u32::try_from(number).map_err(|_| Errno::EINVAL);
        let identity = Identity {
            magic: MAGIC,
            version: VERSION,
            maxmsg: small(maxmsg)?,
            msgsize: small(msgsize)?,
            home: namespace::of_pids(),
            name_length: small(birth.name.len())?,
            name,
            parts_number: birth.parts.number,
            part_size: birth.parts.size as u64,
        };
        // SAFETY: the header is at the start of the mapping, says the caller.
        unsafe { (&raw mut (*base.cast::<Header>()).identity).write(identity) };
        // SAFETY: the mapping has the size of this geometry.
        let layout = unsafe { Self::new(base, birth.geometry) };
        let access = &layout.header().access.0;
        access.mode.store(birth.mode, Ordering::SeqCst);
        access.fifo.compare_exchange(Versioned::default(), birth.fifo.into());
        (0..maxmsg).step_by(GROUP).for_each(|slot| layout.slots.index.refresh(slot));
        Ok(())
    }

    /// The geometry that a header claims, if the header is that of a queue. EINVAL if it is not.
    pub fn read_geometry(header: &[u8]) -> Result<Geometry> {
        let identity = Self::read_identity(header)?;
        Geometry::new(identity.maxmsg.into(), identity.msgsize.into())
    }

    /// The FIFO of the queue with this header. EINVAL if it is not that of a queue.
    pub fn read_fifo(header: &[u8]) -> Result<FifoId> {
        Self::read_identity(header)?;
        let bytes = header.get(FIFO_AT..FIFO_AT + size_of::<Pair>()).ok_or(Errno::EINVAL)?;
        let (value, version) = bytes.split_at(size_of::<u64>());
        let number =
            |bytes: &[u8]| bytes.try_into().map(u64::from_ne_bytes).map_err(|_| Errno::EINVAL);
        Ok(Versioned { value: number(value)?, version: number(version)? }.into())
    }

    /// The data files of the queue with this header. EINVAL if it is not that of a queue.
    pub fn read_parts(header: &[u8]) -> Result<PartsId> {
        let identity = Self::read_identity(header)?;
        let size = usize::try_from(identity.part_size).map_err(|_| Errno::EINVAL)?;
        Ok(PartsId { number: identity.parts_number, size })
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

    /// # Safety
    /// `base` is a writable shared mapping of `geometry.file_size()` bytes, aligned to a page, that
    /// outlives the use of the result.
    pub unsafe fn new(base: *mut u8, geometry: Geometry) -> Self {
        // SAFETY: all parts lie within the file size, and are aligned to a line at least; atomics
        // may hold any bytes.
        let slots = unsafe {
            let keys = core::slice::from_raw_parts(
                base.add(HEADER_SIZE).cast::<AtomicU64>(),
                geometry.maxmsg,
            );
            let claims = base.add(geometry.claims_at()).cast::<AtomicU32>();
            let claims = core::slice::from_raw_parts(claims, geometry.maxmsg);
            let nodes = base.add(geometry.nodes_at()).cast::<Node>();
            let nodes = core::slice::from_raw_parts(nodes, geometry.nodes());
            let header = &*base.cast::<Header>();
            let index = Index::new(keys, claims, nodes);
            Slots {
                index,
                sequence: &header.sequence.0,
                stalled: &header.stalled.0,
                freed: &header.freed.0,
            }
        };
        // SAFETY: within the mapping.
        let first = unsafe { base.add(geometry.slots_at()) };
        // SAFETY: the same, and any bytes are a number.
        let home = unsafe { (&raw const (*base.cast::<Header>()).identity.home).read_volatile() };
        let is_at_home = home == namespace::of_pids() && home != namespace::UNKNOWN;
        Self { base, geometry, slots, first, stride: geometry.stride(), is_at_home }
    }

    /// The sizes.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Whether the queue was made in the PID namespace of whoever has mapped it.
    #[inline]
    pub fn is_at_home(&self) -> bool {
        self.is_at_home
    }

    /// The slots and their index.
    #[inline]
    pub fn slots(&self) -> &Slots<'static> {
        &self.slots
    }

    fn header(&self) -> &Header {
        // SAFETY: the header is at the start of the mapping; what changes in it is atomic.
        unsafe { &*self.base.cast::<Header>() }
    }

    /// Where receivers wait for a message.
    #[inline]
    pub fn message(&self) -> &WaitPoint {
        &self.header().message.0
    }

    /// Where senders wait for room.
    #[inline]
    pub fn room(&self) -> &WaitPoint {
        &self.header().room.0
    }

    /// What is known of the readiness of the descriptor.
    #[inline]
    pub fn readiness(&self) -> &Readiness {
        &self.header().readiness.0
    }

    /// Who wants to be notified.
    #[inline]
    pub fn notify(&self) -> &Registration {
        &self.header().notify.0
    }

    /// See [`Header::mode`].
    pub fn mode(&self) -> u32 {
        self.header().mode()
    }

    /// From now on `mq_open` enforces these permission bits.
    pub fn set_mode(&self, mode: u32) {
        self.header().access.0.mode.store(mode, Ordering::SeqCst);
    }

    /// See [`Header::fifo`].
    pub fn fifo(&self) -> FifoId {
        self.header().fifo()
    }

    /// The queue has another FIFO now. False: it has another one than `old` already.
    pub fn replace_fifo(&self, old: FifoId, new: FifoId) -> bool {
        self.header().access.0.fifo.compare_exchange(old.into(), new.into())
    }

    /// See [`Header::name`].
    pub fn name(&self) -> &[u8] {
        self.header().name()
    }

    #[inline]
    fn slot(&self, slot: usize) -> *mut SlotHeader {
        debug_assert!(slot < self.geometry.maxmsg);
        // SAFETY: within the mapping, as `slot` is below maxmsg.
        unsafe { self.first.add(slot * self.stride).cast() }
    }

    /// A slot is about to be claimed, and then written. A claim is a full barrier, so what is asked
    /// for only behind it is waited for twice.
    #[inline]
    pub fn will_write(&self, slot: usize) {
        prefetch::to_write(self.slot(slot));
        prefetch::to_write(self.slot(slot).wrapping_byte_add(LINE));
    }

    /// A slot is about to be claimed, and then read.
    #[inline]
    pub fn will_read(&self, slot: usize) {
        prefetch::to_read(self.slot(slot));
        prefetch::to_read(self.slot(slot).wrapping_byte_add(LINE));
    }

    /// Counts a message more in a claimed slot, and says where its header goes, and its body: room
    /// for msgsize bytes, and for 16.
    ///
    /// # Safety
    /// The caller has claimed the slot.
    #[inline]
    pub unsafe fn next_message(&self, slot: usize) -> (*mut MessageHeader, *mut u8) {
        let room = self.slot(slot);
        // SAFETY: within the mapping; nobody else touches a claimed slot.
        unsafe {
            (*room).written = (*room).written.wrapping_add(1);
            (&raw mut (*room).message, room.add(1).cast())
        }
    }

    /// The header of the message in a slot. It may be of any message, or none, unless the slot is
    /// claimed.
    #[inline]
    pub fn message_header(&self, slot: usize) -> MessageHeader {
        // SAFETY: within the mapping, and any bytes are a header.
        unsafe { (&raw const (*self.slot(slot)).message).read_volatile() }
    }

    /// The body of a claimed slot, and its length: at most msgsize. EBADMSG when the length cannot
    /// be true, or the message notes a registration: then [`Self::body_of`] tells.
    #[inline]
    pub fn body(&self, slot: usize) -> Result<(*const u8, usize)> {
        // SAFETY: within the mapping, and any bytes are a length.
        let length =
            unsafe { (&raw const (*self.slot(slot)).message.length).read_volatile() } as usize;
        self.body_of_length(slot, length)
    }

    /// The same for the message with this header, whatever that notes.
    pub fn body_of(&self, slot: usize, header: MessageHeader) -> Result<(*const u8, usize)> {
        self.body_of_length(slot, header.bytes())
    }

    #[inline]
    fn body_of_length(&self, slot: usize, length: usize) -> Result<(*const u8, usize)> {
        if length > self.geometry.msgsize {
            return Err(Errno::EBADMSG);
        }
        Ok((self.slot(slot).wrapping_add(1).cast(), length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_out_of_range_are_refused() {
        for (maxmsg, msgsize) in [(0, 1), (1, 0), (-1, 1), (65537, 1), (1, (16 << 20) + 1)] {
            assert_eq!(
                Geometry::new(maxmsg, msgsize).err(),
                Some(Errno::EINVAL),
                "{maxmsg} {msgsize}"
            );
        }
        assert!(Geometry::new(65536, 16 << 20).is_ok());
    }

    #[test]
    fn parts_do_not_overlap() {
        for maxmsg in [1, 10, 32, 33, 1000, 65536] {
            let geometry = Geometry { maxmsg, msgsize: 100 };
            assert!(geometry.claims_at() >= HEADER_SIZE + maxmsg * 8);
            assert!(geometry.nodes_at() >= geometry.claims_at() + maxmsg * 4);
            assert!(geometry.slots_at() >= geometry.nodes_at() + geometry.nodes() * 16);
            assert_eq!(geometry.stride(), 192, "header and body on whole lines");
        }
    }

    #[test]
    fn a_foreign_header_is_refused() {
        assert_eq!(Layout::read_geometry(&[0; HEADER_SIZE]).err(), Some(Errno::EINVAL));
        assert_eq!(Layout::read_geometry(b"rsipc-mq").err(), Some(Errno::EINVAL));
    }
}
