//! The sizes of a queue, and where its parts begin.

use core::mem::{offset_of, size_of};

use super::slot::SlotHeader;
use crate::os::{Errno, Result};
use crate::posix::mq::store::index::{self, Node};

/// Largest number of messages.
pub const MAXMSG_LIMIT: usize = 65536;
/// Largest size of a message in bytes: 16 MiB.
pub const MSGSIZE_LIMIT: usize = 16 << 20;
/// Attributes of a queue that is created without any.
pub const DEFAULT: Geometry = Geometry { maxmsg: 10, msgsize: 8192 };

/// Bytes of the header.
pub const HEADER_SIZE: usize = 4096;
/// Bytes of a line of the processor's cache.
pub const LINE: usize = 64;

/// The two numbers from which all places follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Slots: messages at most, 1..=65536.
    pub maxmsg: usize,
    /// Bytes of a message at most, 1..=16 MiB.
    pub msgsize: usize,
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

    pub(super) fn nodes(&self) -> usize {
        index::level_sizes(self.maxmsg).iter().sum()
    }

    /// Whether the index is more than the keys themselves.
    pub fn has_tree(&self) -> bool {
        self.nodes() > 0
    }

    /// Where the claims begin in the file.
    pub(in crate::posix::mq) fn claims_at(&self) -> usize {
        HEADER_SIZE + (self.maxmsg * size_of::<u64>()).next_multiple_of(LINE)
    }

    pub(super) fn nodes_at(&self) -> usize {
        self.claims_at() + (self.maxmsg * size_of::<u32>()).next_multiple_of(LINE)
    }

    pub(super) fn slots_at(&self) -> usize {
        self.nodes_at() + (self.nodes() * size_of::<Node>()).next_multiple_of(LINE)
    }

    /// Where a slot begins in the file.
    pub(in crate::posix::mq) fn slot_at(&self, slot: usize) -> usize {
        self.slots_at() + slot * self.stride()
    }

    /// Where the count of messages of a slot is in the file: see `SlotHeader::written`.
    pub(in crate::posix::mq) fn written_at(&self, slot: usize) -> usize {
        self.slot_at(slot) + offset_of!(SlotHeader, written)
    }

    /// Bytes from one slot to the next.
    pub(super) fn stride(&self) -> usize {
        (size_of::<SlotHeader>() + self.msgsize).next_multiple_of(LINE)
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
}
