//! Where everything of a queue lies in its file.
//!
//! ```text
//! 0       Header      magic, geometry, name; then sequence, wait points, readiness, notification
//!                     and holders, each on lines of its own
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

mod geometry;
mod header;
mod slot;

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::os::cpu;
use crate::os::{Errno, Result, namespace};
use crate::posix::mq::notify::registration::Registration;
use crate::posix::mq::poll::readiness::Readiness;
use crate::posix::mq::store::holders::Holders;
use crate::posix::mq::store::index::{GROUP, Index, Node};
use crate::posix::mq::store::slots::Slots;
use crate::posix::mq::track::Notes;
use crate::shared::pair::Versioned;
use crate::shared::prefetch;
use crate::shared::wait_point::WaitPoint;

use geometry::LINE;
use header::{Identity, MAGIC, NAME_MAX};

pub use geometry::{DEFAULT, Geometry, HEADER_SIZE, MAXMSG_LIMIT, MSGSIZE_LIMIT};
pub(super) use header::VERSION;
pub use header::{
    Birth, FifoId, Header, PartsId, read_fifo, read_geometry, read_parts, read_version,
};
pub use slot::{MessageHeader, NOTES, Place, SlotHeader};

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
// SAFETY: all that is changed through it is atomic, or protected by a claim.
unsafe impl Sync for Layout {}

impl Layout {
    /// Writes the header of a new queue into a mapping of zeros. All slots are free then.
    ///
    /// # Safety
    /// `base` is a writable mapping of `birth.geometry.file_size()` bytes that no other process
    /// knows yet.
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
            _unused: 0,
            home: namespace::of_pids(),
            name_length: small(birth.name.len())?,
            name,
            _unused_too: 0,
            parts_nonce: birth.parts.nonce,
            part_size: birth.parts.size as u64,
        };
        // SAFETY: the header is at the start of the mapping, says the caller.
        unsafe { &*base.cast::<Header>() }.set_identity(&identity);
        // SAFETY: the mapping has the size of this geometry.
        let layout = unsafe { Self::new(base, birth.geometry) };
        let access = &layout.header().access.0;
        access.mode.store(birth.mode, Ordering::SeqCst);
        access.fifo.compare_exchange(Versioned::default(), birth.fifo.into());
        (0..maxmsg).step_by(GROUP).for_each(|slot| layout.slots.index.refresh(slot));
        Ok(())
    }

    /// # Safety
    /// `base` is a writable shared mapping of `geometry.file_size()` bytes, aligned to a page, that
    /// outlives the use of the result.
    pub unsafe fn new(base: *mut u8, geometry: Geometry) -> Self {
        cpu::learn_features();
        // SAFETY: all parts lie within the file size, and are aligned to a line at least; atomics
        // may hold any bytes.
        let (header, slots) = unsafe {
            let keys = core::slice::from_raw_parts(
                base.add(HEADER_SIZE).cast::<AtomicU64>(),
                geometry.maxmsg,
            );
            let claims = base.add(geometry.claims_at()).cast::<AtomicU32>();
            let claims = core::slice::from_raw_parts(claims, geometry.maxmsg);
            let nodes = base.add(geometry.nodes_at()).cast::<Node>();
            let nodes = core::slice::from_raw_parts(nodes, geometry.nodes());
            let header = &*base.cast::<Header>();
            let index = Index::new(keys, claims, nodes, &header.high_water.0);
            let slots = Slots {
                index,
                sequence: &header.sequence.0,
                stalled: &header.stalled.0,
                freed: &header.freed.0,
                holders: &header.holders.0,
            };
            (header, slots)
        };
        // SAFETY: within the mapping.
        let first = unsafe { base.add(geometry.slots_at()) };
        let home = header.identity().home;
        let is_at_home = home == namespace::of_pids() && home != namespace::UNKNOWN;
        Self { base, geometry, slots, first, stride: geometry.stride(), is_at_home }
    }

    /// The sizes.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Whether the queue was made in the PID namespace of this process.
    #[inline]
    pub fn is_at_home(&self) -> bool {
        self.is_at_home
    }

    /// Whether a process takes part that is not at home: see [`header::Access`].
    #[inline]
    pub fn has_visitors(&self) -> bool {
        self.header().access.0.has_visitors.load(Ordering::Relaxed) != 0
    }

    /// A process does.
    pub fn note_visitor(&self) {
        if !self.has_visitors() {
            self.header().access.0.has_visitors.store(1, Ordering::Relaxed);
        }
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

    /// Where senders wait for space.
    #[inline]
    pub fn space(&self) -> &WaitPoint {
        &self.header().space.0
    }

    /// What is known of the readiness of the descriptor.
    #[inline]
    pub fn readiness(&self) -> &Readiness {
        &self.header().readiness.0
    }

    /// Which process wants to be notified.
    #[inline]
    pub fn notify(&self) -> &Registration {
        &self.header().notify.0
    }

    /// Who sent and who received last.
    #[inline]
    pub fn track(&self) -> &Notes {
        self.header().track()
    }

    /// The queue is tracked from now on, if `RSIPC_MQ_TRACK` names it.
    pub fn track_if_asked(&self) {
        self.track().begin_if_asked(|| self.header().name());
    }

    /// The processes that keep slots beyond a call.
    #[inline]
    pub fn holders(&self) -> &Holders {
        self.header().holders()
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
    pub fn name(&self) -> Vec<u8> {
        self.header().name()
    }

    /// Where the body of a slot begins: aligned to 32 bytes, and msgsize bytes long.
    pub fn body_of_slot(&self, slot: usize) -> *mut u8 {
        self.place(slot).body().cast_mut()
    }

    /// The slot whose body begins there. `None`: there is none in this mapping.
    pub fn slot_with_body(&self, body: *const u8) -> Option<usize> {
        let first = self.body_of_slot(0).addr();
        let offset = body.addr().checked_sub(first)?;
        let slot = offset / self.stride;
        (offset % self.stride == 0 && slot < self.geometry.maxmsg).then_some(slot)
    }

    #[inline(always)]
    fn place(&self, slot: usize) -> Place {
        debug_assert!(slot < self.geometry.maxmsg);
        // SAFETY: within the mapping, as `slot` is below maxmsg.
        Place(unsafe { self.first.add(slot * self.stride).cast() })
    }

    #[inline(always)]
    fn slot(&self, slot: usize) -> *mut SlotHeader {
        self.place(slot).0
    }

    /// A slot is about to be claimed, and then written. A claim is a full barrier, so a prefetch
    /// after it would come too late to overlap with it.
    #[inline(always)]
    pub fn will_write(&self, slot: usize) -> Place {
        let place = self.place(slot);
        prefetch::to_write::<0>(place.0);
        prefetch::to_write::<LINE>(place.0);
        place
    }

    /// A slot is about to be claimed, and then read.
    #[inline(always)]
    pub fn will_read(&self, slot: usize) -> Place {
        let place = self.place(slot);
        prefetch::to_read::<0>(place.0);
        prefetch::to_read::<LINE>(place.0);
        place
    }

    /// [`Place::next_message`] of a claimed slot.
    ///
    /// # Safety
    /// As there.
    #[inline]
    pub unsafe fn next_message(&self, slot: usize) -> (*mut MessageHeader, *mut u8) {
        // SAFETY: as the caller says.
        unsafe { self.place(slot).next_message() }
    }

    /// Takes back the count of [`Self::next_message`].
    ///
    /// # Safety
    /// As there.
    pub unsafe fn count_back(&self, slot: usize) {
        // SAFETY: as the caller says.
        unsafe { self.place(slot).count(u64::MAX) };
    }

    /// Where the header of the next message goes, whose body is there already. The caller has
    /// claimed the slot.
    pub fn next_header(&self, slot: usize) -> &[AtomicU64] {
        // SAFETY: the slot is claimed.
        let (header, _) = unsafe { self.next_message(slot) };
        // SAFETY: within the mapping, and aligned to a line.
        unsafe { core::slice::from_raw_parts(header.cast(), size_of::<MessageHeader>() / 8) }
    }

    /// The message in a slot is the process's from now on, which may write to it. Release, as the
    /// program's stores to the body are to come after it: who sees one of them, and then looks here
    /// after a fence, sees this.
    pub fn count_borrowed(&self, slot: usize) {
        self.borrowed(slot).fetch_add(1, Ordering::SeqCst);
        fence(Ordering::Release);
    }

    /// How many messages have been borrowed from a slot.
    pub fn borrowed(&self, slot: usize) -> &AtomicU64 {
        // SAFETY: within the mapping, and aligned.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.slot(slot)).borrowed) }
    }

    /// How many messages have been written to a slot.
    pub fn written(&self, slot: usize) -> u64 {
        // SAFETY: within the mapping, and aligned.
        let written = unsafe { AtomicU64::from_ptr(&raw mut (*self.slot(slot)).written) };
        written.load(Ordering::SeqCst)
    }

    /// The header of the message in a slot. It may be of any message, or none, unless the slot is
    /// claimed.
    #[inline]
    pub fn message_header(&self, slot: usize) -> MessageHeader {
        // SAFETY: within the mapping.
        unsafe { MessageHeader::copy(&raw mut (*self.slot(slot)).message) }
    }

    /// The body of a claimed slot, and its length: at most msgsize. EBADMSG when the length cannot
    /// be true, or the message notes a registration: then [`Self::body_of`] tells.
    #[inline]
    pub fn body(&self, slot: usize) -> Result<(*const u8, usize)> {
        self.body_at(self.place(slot))
    }

    /// The same.
    #[inline(always)]
    pub fn body_at(&self, place: Place) -> Result<(*const u8, usize)> {
        // SAFETY: within the mapping.
        let length = unsafe { MessageHeader::length_in(&raw mut (*place.0).message) } as usize;
        if length > self.geometry.msgsize {
            return Err(Errno::EBADMSG);
        }
        Ok((place.body(), length))
    }

    /// The same for the message with this header, whatever that notes.
    pub fn body_of(&self, slot: usize, header: MessageHeader) -> Result<(*const u8, usize)> {
        if header.bytes() > self.geometry.msgsize {
            return Err(Errno::EBADMSG);
        }
        Ok((self.place(slot).body(), header.bytes()))
    }
}
