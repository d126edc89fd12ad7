//! The uses of semaphores by this process, and their end.
//!
//! A use is over when no address leads to it any more and nothing is owed, or when its semaphore is
//! void: destroyed, or initialised anew. Then its thread, its memory and its descriptor go, and its
//! place is free for another one. One that still owes something stays, so that a process that opens
//! the semaphore again goes on with the same account.
//!
//! Operations take no lock. A thread says that it is *inside*, and looks then whether the use is
//! still there; the one that ends a use closes it first, and looks then whether a thread is inside
//! (both SeqCst). A use that a thread is inside is left to the next thread that looks: a poster may
//! be about to release its lane when the waiter that it has served destroys the semaphore. A thread
//! that a handler has taken away from there for good is inside no more (`pins`).

use core::cell::UnsafeCell;
use core::ptr;

use super::account::{Membership, Own};
use super::file::{self, Place};
use super::keeping::Patience;
use super::opened::Opened;
use super::pins::{Caller, Pin};
use crate::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::os::wiped;
use crate::os::{Errno, Result};
use crate::shared::thread::FrameTag;

/// Semaphores of a process at most, with those that it has closed and owes something.
pub const USES: usize = 128;

/// A place for a use.
pub struct Use {
    /// Of its ledger; 0: no thread may come in.
    number: AtomicU32,
    /// Of the place, from its first use on. Release, with Acquire: a thread that finds the address
    /// finds the memory behind it mapped.
    own: AtomicPtr<Own>,
    /// Changed by the one that has the mutex of all uses, while `number` is 0 and no thread inside.
    opened: UnsafeCell<Option<Opened>>,
}

// SAFETY: `opened` is changed by one thread at a time, which has the mutex of all uses, and only
// while no other thread is inside; the other fields are atomics.
unsafe impl Sync for Use {}

static ALL: [Use; USES] = [const {
    Use {
        number: AtomicU32::new(0),
        own: AtomicPtr::new(ptr::null_mut()),
        opened: UnsafeCell::new(None),
    }
}; USES];

/// A thread that is inside, until this is dropped.
pub struct Inside<'t> {
    membership: Membership<'static>,
    pin: Pin<'t>,
    index: usize,
}

impl core::ops::Deref for Inside<'_> {
    type Target = Membership<'static>;

    fn deref(&self) -> &Self::Target {
        &self.membership
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.membership.own.pins.leave(self.pin);
    }
}

impl Inside<'_> {
    /// The number of the place.
    pub fn index(&self) -> usize {
        self.index
    }
}

/// Enters a use, if it is that of the ledger of this number. `tag`: on the stack of the call.
pub fn enter(index: usize, number: u32, tag: &FrameTag) -> Option<Inside<'_>> {
    let place = &ALL[index];
    let is_its = || number != 0 && place.number.load(Ordering::SeqCst) == number;
    if !is_its() {
        return None;
    }
    // SAFETY: what a place has is never unmapped.
    let own = unsafe { place.own.load(Ordering::Acquire).as_ref() }?;
    let pin = own.pins.enter(tag);
    if !is_its() {
        own.pins.leave(pin);
        return None;
    }
    // SAFETY: a thread that ends the use closes it first: after that look it waits for the way out.
    let opened = unsafe { (*place.opened.get()).as_ref() };
    let Some(opened) = opened else {
        own.pins.leave(pin);
        return None;
    };
    let membership = Membership { opened, own, caller: pin.caller() };
    if own.pins.is_one_near(membership.caller) {
        membership.end_what_was_left();
    }
    Some(Inside { membership, pin, index })
}

/// Of the ledger of the use at this place; 0: there is none.
pub fn number_of(index: usize) -> u32 {
    ALL[index].number.load(Ordering::SeqCst)
}

/// Enters the use of the ledger of this number in which something is owed.
pub fn enter_debt(number: u32, tag: &FrameTag) -> Option<Inside<'_>> {
    (0..USES).find_map(|index| enter(index, number, tag)).filter(|inside| inside.has_taken())
}

/// Enters the use of the semaphore in this place, with the ledger of this number.
pub fn known<'t>(place: &Place, number: u32, tag: &'t FrameTag) -> Option<Inside<'t>> {
    (0..USES)
        .find_map(|index| enter(index, number, tag))
        .filter(|inside| inside.opened.is_of(place))
}

/// Enters a use that [`Opened`] begins, at a free place. EMFILE: there is none; ENOMEM, and those
/// of `open`. For the one that has the mutex of all uses, as all below.
pub fn add(open: impl FnOnce() -> Result<Opened>, tag: &FrameTag) -> Result<Inside<'_>> {
    let index = ALL.iter().position(|place| place.opened().is_none()).ok_or(Errno::EMFILE)?;
    let place = &ALL[index];
    if place.own.load(Ordering::Relaxed).is_null() {
        place.own.store(wiped::map::<Own>(1)?, Ordering::Release);
    }
    let opened = open()?;
    let number = opened.number();
    // SAFETY: the place is closed, and no thread inside: nothing refers to what is there.
    unsafe { *place.opened.get() = Some(opened) };
    place.number.store(number, Ordering::SeqCst);
    enter(index, number, tag).ok_or(Errno::EAGAIN)
}

/// Whether this process has the ledger of this number open.
pub fn is_ours(number: u32) -> bool {
    ALL.iter().any(|place| place.opened().is_some_and(|opened| opened.number() == number))
}

/// Ends the uses that are over, and gives how many. `is_led_to`: whether an address leads to a
/// place.
pub fn end_all_that_are_over(is_led_to: impl Fn(usize) -> bool) -> usize {
    let mut patience = Patience::short();
    let is_idle = |&(index, place): &(usize, &Use)| {
        place.number.load(Ordering::Relaxed) != 0 && !is_led_to(index)
    };
    ALL.iter().enumerate().filter(is_idle).filter(|(_, place)| place.end(&mut patience)).count()
}

/// The program ends: removes the ledgers that are of no use to others.
pub fn remove_useless_ledgers() {
    let tag = FrameTag::new();
    let numbers = ALL.iter().map(|place| place.number.load(Ordering::Relaxed));
    for inside in numbers.enumerate().filter_map(|(index, number)| enter(index, number, &tag)) {
        if inside.has_account() && !inside.has_taken() {
            inside.opened.remove_if_useless(file::PATIENTLY);
        }
    }
}

impl Use {
    fn opened(&self) -> Option<&Opened> {
        // SAFETY: the caller has the mutex, and changes nothing while it has this.
        unsafe { (*self.opened.get()).as_ref() }
    }

    /// Ends the use, if nothing is owed, no thread is inside, and no keeper has something to do.
    fn end(&'static self, patience: &mut Patience) -> bool {
        // SAFETY: what a place has is never unmapped.
        let own = unsafe { self.own.load(Ordering::Acquire).as_ref() };
        let (Some(opened), Some(own)) = (self.opened(), own) else { return false };
        let tag = FrameTag::new();
        let membership = Membership { opened, own, caller: Caller::beside(&tag) };
        let owes = || membership.has_taken() && !opened.is_void();
        let number = self.number.load(Ordering::SeqCst);
        // Not closed in vain: posts that give back are to come in.
        if number == 0 || owes() {
            return false;
        }
        self.number.store(0, Ordering::SeqCst);
        if !own.pins.are_free() {
            // What was left for good is in nobody's way.
            membership.end_what_was_left();
        }
        let is_over = own.pins.are_free() && !owes() && membership.leave(patience);
        if !is_over {
            self.number.store(number, Ordering::SeqCst);
            return false;
        }
        // SAFETY: the place is closed, and no thread inside: nothing refers to what is there.
        if let Some(opened) = unsafe { (*self.opened.get()).take() } {
            opened.remove_if_useless(1);
            opened.close();
        }
        true
    }
}
