//! The search for the oldest message in a queue that may have many blocks of slots.
//!
//! It begins with the block that has the lowest floor (`floor`), where the oldest message is, and
//! goes on only to blocks that can have an older one than it has found. A floor for each group of
//! blocks leads there.

use core::iter::once;

use super::floor::Look;
use super::layout::{SLOTS, Slots};
use super::message::Message;
use super::occupied::{Bits, GROUP};
use super::oldest::Terms;
use super::queue::Queue;
use super::store::{block, count, kind_of, read_message};
use crate::os::Result;

/// The oldest message of a type that is admitted, and that is wanted. EINVAL, EIDRM.
#[inline(never)]
pub fn search(
    queue: &Queue,
    terms: &Terms<'_>,
    admits: impl Fn(i64) -> bool,
    wants: impl FnMut(&Message) -> bool,
) -> Result<Option<Message>> {
    let (floors, occupied) = (queue.layout.floors(), &queue.layout.words().occupied);
    let groups = || occupied.groups(count(queue));
    let lowest = groups().min_by_key(|(group, _)| floors[*group].get());
    let Some((first, blocks)) = lowest else { return Ok(None) };
    let mut search = Search { queue, terms, admits, wants, up_to: terms.up_to, found: None };
    let others = groups().filter(|(group, _)| *group != first);
    for (group, blocks) in once((first, blocks)).chain(others) {
        let floor = &floors[group];
        if floor.get() <= search.up_to {
            floor.raise(search.look_at_group(group, blocks)?);
        }
    }
    Ok(search.found)
}

struct Search<'q, A, W> {
    queue: &'q Queue,
    terms: &'q Terms<'q>,
    admits: A,
    wants: W,
    /// The largest number that is still of interest.
    up_to: u64,
    found: Option<Message>,
}

impl<'q, A: Fn(i64) -> bool, W: FnMut(&Message) -> bool> Search<'q, A, W> {
    /// Gives the floor of the group.
    fn look_at_group(&mut self, group: usize, blocks: Bits) -> Result<u64> {
        // That of blocks that are not marked, or not there.
        let mut floor = self.terms.last.saturating_add(1);
        let mut rest = blocks;
        while let Some((place, lowest, slots)) = self.lowest(group, rest.clone())? {
            if lowest > self.up_to {
                return Ok(floor.min(lowest));
            }
            rest.remove(place);
            let first = (group * GROUP + place) * SLOTS;
            floor = floor.min(self.look_at_block(first, &slots));
        }
        Ok(floor)
    }

    /// The block with the lowest floor, and that.
    fn lowest(&self, group: usize, blocks: Bits) -> Result<Option<(usize, u64, Slots<'q>)>> {
        let mut lowest: Option<(usize, u64, Slots<'q>)> = None;
        for place in blocks {
            let Some(slots) = block(self.queue, group * GROUP + place)? else { continue };
            let floor = slots.floor.get();
            if lowest.is_none_or(|(_, other, _)| floor < other) {
                lowest = Some((place, floor, slots));
            }
        }
        Ok(lowest)
    }

    /// Gives the floor of the block.
    #[inline(always)]
    fn look_at_block(&mut self, first: usize, slots: &Slots<'_>) -> u64 {
        let marked = slots.used.slots();
        if !self.terms.effort.spend(marked.number()) {
            return 0;
        }
        let mut look = Look::after(self.terms.last);
        for index in marked {
            let arrival = look.at(&slots.claims[index], &slots.keys[index]);
            let Some(arrival) = arrival.filter(|arrival| *arrival <= self.up_to) else { continue };
            // First, as most do not match. If it is the type of the next message there, this one is
            // gone.
            if !(self.admits)(kind_of(slots, index)) {
                continue;
            }
            let Some(message) = read_message(slots, first, index, arrival) else { continue };
            if (self.admits)(message.kind) && (self.wants)(&message) {
                self.up_to = arrival - 1;
                self.found = Some(message);
            }
        }
        slots.floor.raise(look.floor());
        slots.floor.get()
    }
}
