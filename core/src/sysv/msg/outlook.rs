//! What a waiter finds when it looks at the queue before it sleeps, and how long it sleeps then.

use super::brief::Brief;
use super::flag::{self, Flag};
use super::queue::Queue;
use super::record::Record;
use super::records::now;
use super::selector::Selector;
use super::standing::{About, Standing};
use super::store;
use super::tell::{self, Which};
use super::under_way::UnderWay;
use super::usage::Amount;
use crate::os::clock::Deadline;
use crate::os::sleep::Woken;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::thread::Operation;
use crate::sysv::object::within;

/// What a look at the queue found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A message, or space; or the wait ends for another reason.
    There,
    /// Nothing, but a thread is in the middle of what may make it possible.
    UnderWay,
    /// Nothing.
    Nothing,
}

/// The looks of one wait.
pub struct Outlook {
    /// The flag, as it was before the last look.
    seen: flag::Seen,
    /// What was under way when the flag was set, if that is known.
    under_way: Option<UnderWay>,
    brief: Brief,
}

impl Outlook {
    /// Before the first look.
    pub fn new() -> Self {
        Self { seen: flag::Seen::default(), under_way: None, brief: Brief::NONE }
    }

    /// Sets the flag: a look follows. What was under way before is known, unless a thread has
    /// cleared the flag since.
    pub fn announce(&mut self, flag: &Flag) {
        let before = self.seen.cleared;
        self.seen = flag.set();
        if self.seen.cleared != before {
            self.under_way = None;
        }
    }

    /// What one may sleep on after the look.
    pub fn seen(&self) -> flag::Seen {
        self.seen
    }

    /// For a message, with this record. EIDRM: the record is not that of a waiter any more, which
    /// only hostile bytes cause.
    pub fn for_message(
        &mut self,
        queue: &Queue,
        record: &Record,
        selector: Selector,
    ) -> Result<Look> {
        // The claims first: a thread that has given one back before has stored its key before.
        let is_under_way = self.is_under_way(queue, selector)?;
        let mut standing = Standing::unknown();
        standing.look(queue, About::Own(record))?;
        let Some(own) = standing.receiver(record) else {
            return if record.is_refused() { Ok(Look::There) } else { Err(Errno::EIDRM) };
        };
        if own.is_too_long {
            return Ok(Look::There);
        }
        Ok(match own.given {
            Some(message) if store::is_claimed(queue, &message) => Look::UnderWay,
            Some(_) => Look::There,
            None if is_under_way || standing.is_held_up(own) => Look::UnderWay,
            None => Look::Nothing,
        })
    }

    /// For space for a message of this length.
    pub fn for_space(queue: &Queue, length: usize, who: &Operation<'static>) -> Result<Look> {
        if fits(queue, length)? {
            return Ok(Look::There);
        }
        let is_under_way = within(who, queue, |who| tell::recount(queue, who))?;
        Ok(match (fits(queue, length)?, is_under_way) {
            (true, _) => Look::There,
            (false, true) => Look::UnderWay,
            (false, false) => Look::Nothing,
        })
    }

    /// Whether an operation is under way that may not know of this receiver.
    fn is_under_way(&mut self, queue: &Queue, selector: Selector) -> Result<bool> {
        let mut known = match self.under_way {
            Some(known) if !known.are_more() => known,
            _ => store::under_way(queue, selector)?,
        };
        let remains = known.remains_after_a_moment(|slot| store::claim_of(queue, slot));
        self.under_way = Some(known);
        Ok(remains || known.are_more())
    }

    /// A brief sleep of the receiver with this record is over. Takes back what those have that hold
    /// it up, if they are dead, and calls those for which there is something: what the dead had is
    /// for others, and a call may be lost with the thread that owed it. Before the receiver says
    /// again that it sleeps: it would call itself.
    #[cold]
    pub fn look_after_others(
        &self,
        queue: &Queue,
        record: &Record,
        who: &Operation<'static>,
    ) -> Result<()> {
        if !self.brief.has_waited_long() {
            return Ok(());
        }
        let mut standing = Standing::unknown();
        standing.look(queue, About::Own(record))?;
        let Some(own) = standing.receiver(record) else { return Ok(()) };
        let is_dead = |holder| store::has_ended(queue, who, holder);
        let given = own.given.map(|message| message.slot);
        let others = self.under_way.iter().flat_map(UnderWay::slots);
        for claim in given.into_iter().chain(others).filter_map(|slot| store::claim_of(queue, slot))
        {
            claim::free_if(claim, is_dead);
        }
        standing.free_dead(own.selector, true, now(), is_dead);
        tell::receivers(queue, who, About::Own(record), Which::All);
        Ok(())
    }

    /// When a sleep ends that begins now, after a look that has found this.
    pub fn end_of_sleep(&mut self, found: Look, until: Option<Deadline>) -> Option<Deadline> {
        self.brief.end_of_sleep(found == Look::UnderWay, until)
    }

    /// Whether the sleep was a brief one, and only its time has ended it. Then a look at those that
    /// hold the waiter up is enough: there is no need to look at all threads.
    pub fn was_brief(&self, woken: Woken) -> bool {
        self.brief.has_passed(woken)
    }

    /// A thread may have died: it may not be seen to be dead yet.
    pub fn doubt(&mut self, woken: Woken) {
        self.brief.doubt(woken);
    }
}

/// Whether a message of this length fits into what waiting receivers leave.
fn fits(queue: &Queue, length: usize) -> Result<bool> {
    Ok(tell::in_use(queue)?.plus(Amount::of(length)).fits(queue.bound()))
}
