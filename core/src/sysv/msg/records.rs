//! The records of a queue, and what else `standing` looks at there.

use super::arrivals::Arrivals;
use super::blocks::known_records;
use super::layout::{RECORD_BLOCKS, RECORDS};
use super::long;
use super::message::Message;
use super::oldest::Terms;
use super::queue::Queue;
use super::record::Record;
use super::standing::Scene;
use crate::atomic::{AtomicU64, Ordering};
use crate::os::Result;
use crate::os::clock;

impl Scene for Queue {
    fn version(&self) -> &AtomicU64 {
        &self.layout.words().version
    }

    fn arrivals(&self) -> &Arrivals {
        &self.layout.words().sending.arrivals
    }

    fn each_record<'q>(&'q self, mut visit: impl FnMut(&'q Record)) -> Result<()> {
        all_records(self, |_, record| visit(record))
    }

    fn oldest(
        &self,
        terms: &Terms<'_>,
        wants: impl FnMut(&Message) -> bool,
    ) -> Result<Option<Message>> {
        long::search(self, terms, |_| true, wants)
    }

    fn now(&self) -> u32 {
        now()
    }
}

/// Milliseconds of CLOCK_MONOTONIC, the low half of them.
#[expect(clippy::cast_possible_truncation, reason = "only differences count")]
pub fn now() -> u32 {
    (clock::monotonic_ns() / 1_000_000) as u32
}

/// All records that have ever been used, with their indices.
pub fn all_records<'q>(queue: &'q Queue, mut visit: impl FnMut(usize, &'q Record)) -> Result<()> {
    let used = queue.layout.words().records.load(Ordering::SeqCst) as usize;
    let used = used.min(RECORDS * RECORD_BLOCKS);
    for place in 0..used.div_ceil(RECORDS) {
        let Some(block) = known_records(queue, place)? else { continue };
        let Some(records) = queue.layout.records(block) else { continue };
        let here = records.iter().take(used - place * RECORDS).enumerate();
        here.for_each(|(index, record)| visit(place * RECORDS + index, record));
    }
    Ok(())
}
