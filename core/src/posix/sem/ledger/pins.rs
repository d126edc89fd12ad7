//! The threads of this process that are inside the use of a semaphore ([`pool`](super::pool)): each
//! has a *pin*, so that an operation that was left for good (siglongjmp(3)) is found.
//!
//! A pin says where on the stack its operation has its frame tag
//! ([`FrameTag`](crate::shared::thread::FrameTag)), and which value the tag has. The lane of the
//! operation names the pin. If the frame is gone, its thread never comes back, so the thread that
//! has the flag `locked` may end what is in the lane, and free the pin.
//!
//! | bits of a pin | meaning |
//! |---|---|
//! | 0..44 | address of the tag, divided by 8; 0 = free |
//! | 44..64 | how often it has been taken |
//!
//! A free pin is taken by one exchange, from a thread that enters, which has set its tag before.
//! It is freed by the same thread, or, if the frame is gone, by the one that has the lock. Both by
//! an exchange of what they know to be there: in the child of a fork all pins are free, and an
//! operation that was begun by the parent frees none. The exchanges are SeqCst, and so are the
//! loads of [`Pins::are_free`]: `pool` tells why. Other loads are Acquire: a thread that sees a
//! pin taken sees the tag set.
//!
//! Another thread that is not left may end its operation while its tag is looked at, begin the next
//! one in the same pin, and overwrite the tag. So the pin is looked at again after the tag: if it
//! still holds the same, the operation has not ended. (Unless it has been taken a million times
//! meanwhile, neither more nor less; so all of this is done twice.) An operation has left its lane
//! before it frees its pin.

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::shared::thread::{FrameTag, is_gone};

/// Threads that have a pin at the same time. Others are inside without one.
const PINS: usize = 32;

const ADDRESS: u64 = (1 << 44) - 1;
const ONE_TURN: u64 = 1 << 44;
/// Tags are like few other values on a stack, and like none of the records of threads.
const TAGGED: u64 = 0x5a3c_96a5_5ac3_695a;
/// What the tags of two pins with the same address and number of turns differ by. Odd, so that it
/// is no number of turns.
const ONE_PIN: u64 = 0x9e37_79b9_7f4a_7c15;
/// An operation of the same thread is mostly no farther away.
const NEAR: usize = 32 << 10;

/// All zeros in the child of a fork: no thread is inside.
#[repr(C)]
pub struct Pins {
    all: [AtomicU64; PINS],
    /// Pins that have ever been taken: those below this number. Only grows.
    used: AtomicU32,
    /// Threads inside that have no pin. One that was left for good counts for ever.
    without: AtomicU32,
    /// 1: a thread ends what was left. No handler interrupts it, so it is not left itself.
    locked: AtomicU32,
}

/// What keeps the use of a semaphore in place for a thread that is inside.
#[derive(Clone, Copy)]
pub struct Pin<'t> {
    /// The number of the pin and what it holds; `None`: it has none.
    place: Option<(usize, u64)>,
    tag: &'t FrameTag,
}

impl Pin<'_> {
    /// Whose pin it is.
    pub fn caller(&self) -> Caller {
        Caller { pin: self.place.map_or(0, |(index, _)| index + 1), tag: self.tag.address() }
    }
}

/// The thread that makes an operation.
#[derive(Clone, Copy)]
pub struct Caller {
    /// The number of its pin, from 1; 0 = none.
    pub pin: usize,
    /// Address of the tag of its operation.
    tag: usize,
}

impl Caller {
    /// A thread that has no pin, and looks at the others.
    pub fn beside(tag: &FrameTag) -> Self {
        Self { pin: 0, tag: tag.address() }
    }
}

impl Pins {
    /// A thread comes in.
    pub fn enter<'t>(&self, tag: &'t FrameTag) -> Pin<'t> {
        let address = tag.address();
        let mut pins = self.all.iter().enumerate().filter(|_| fits(address));
        let place = pins.find_map(|(index, pin)| take((index, pin), tag));
        match place {
            // Relaxed: the thread sees its own store, and it is for those that come after it.
            Some((index, _)) if index >= self.used.load(Ordering::Relaxed) as usize => {
                let used = u32::try_from(index + 1).unwrap_or(0);
                self.used.fetch_max(used, Ordering::Relaxed);
            }
            Some(_) => {}
            None => drop(self.without.fetch_add(1, Ordering::SeqCst)),
        }
        Pin { place, tag }
    }

    /// Whether another operation has its tag so near that it may be one that this thread has left.
    #[inline]
    pub fn is_one_near(&self, caller: Caller) -> bool {
        let used = self.used.load(Ordering::Relaxed) as usize;
        let pins = self.all.iter().take(used).map(|pin| pin.load(Ordering::Relaxed));
        pins.enumerate().any(|(index, pin)| {
            index + 1 != caller.pin
                && pin & ADDRESS != 0
                && address_in(pin).abs_diff(caller.tag) < NEAR
        })
    }

    /// It comes out. In the child of a fork it was never in.
    pub fn leave(&self, pin: Pin<'_>) {
        let order = (Ordering::SeqCst, Ordering::Relaxed);
        if let Some((index, taken)) = pin.place {
            self.free(index, taken);
        } else {
            let less = |without: u32| without.checked_sub(1);
            let _ = self.without.fetch_update(order.0, order.1, less);
        }
    }

    fn free(&self, index: usize, taken: u64) {
        let order = (Ordering::SeqCst, Ordering::Relaxed);
        let free = taken & !ADDRESS;
        let _ = self.all[index].compare_exchange(taken, free, order.0, order.1);
        // Behind the exchange: the thread overwrites the tag after that.
        fence(Ordering::Release);
    }

    /// Whether no thread is inside.
    pub fn are_free(&self) -> bool {
        self.without.load(Ordering::SeqCst) == 0
            && self.all.iter().all(|pin| pin.load(Ordering::SeqCst) & ADDRESS == 0)
    }

    /// Whether an operation was left for good.
    pub fn is_one_left(&self, caller: Caller) -> bool {
        self.left(caller).next().is_some()
    }

    /// The pins of operations that were left for good.
    fn left(&self, caller: Caller) -> impl Iterator<Item = (usize, u64)> {
        let pins = self.all.iter().map(|pin| pin.load(Ordering::Acquire)).enumerate();
        let is_others =
            move |&(index, pin): &(usize, u64)| pin & ADDRESS != 0 && index + 1 != caller.pin;
        pins.filter(is_others).filter(move |&(index, taken)| {
            let is_left = || {
                let is_gone = is_gone(address_in(taken), tag_value(index, taken), caller.tag);
                // The look at the tag, which the kernel has made, comes first.
                fence(Ordering::SeqCst);
                is_gone && self.all[index].load(Ordering::SeqCst) == taken
            };
            is_left() && is_left()
        })
    }

    /// Frees the pins of operations that were left for good, after `end`, with the number of the
    /// pin, has ended what is in their lanes. Does nothing while another thread does that. The
    /// caller holds signals back.
    pub fn clear_those_left(&self, caller: Caller, end: impl Fn(usize)) {
        // Acquire and Release: lanes and pins are changed by one after the other.
        let order = (Ordering::Acquire, Ordering::Relaxed);
        if self.locked.compare_exchange(0, 1, order.0, order.1).is_err() {
            return;
        }
        for (index, taken) in self.left(caller) {
            end(index + 1);
            self.free(index, taken);
        }
        self.locked.store(0, Ordering::Release);
    }
}

/// Takes a pin, if it is free. Gives its index, and what it holds.
fn take((index, pin): (usize, &AtomicU64), tag: &FrameTag) -> Option<(usize, u64)> {
    let mut before = pin.load(Ordering::Acquire);
    while before & ADDRESS == 0 {
        let taken = before.wrapping_add(ONE_TURN) | tag.address() as u64 >> 3;
        // Before it can be seen. If another one takes the pin, the next try sets it anew.
        tag.set(tag_value(index, taken));
        let order = (Ordering::SeqCst, Ordering::Acquire);
        match pin.compare_exchange(before, taken, order.0, order.1) {
            Ok(_) => return Some((index, taken)),
            Err(now) => before = now,
        }
    }
    None
}

/// Whether an address has no more bits than a pin has for it.
fn fits(address: usize) -> bool {
    address as u64 >> 3 <= ADDRESS && address.is_multiple_of(8)
}

fn address_in(pin: u64) -> usize {
    usize::try_from((pin & ADDRESS) << 3).unwrap_or(0)
}

/// Of the operation that has taken the pin.
fn tag_value(index: usize, pin: u64) -> u64 {
    pin.wrapping_add((index as u64).wrapping_mul(ONE_PIN)) ^ TAGGED
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    fn none() -> Pins {
        Pins {
            all: [const { AtomicU64::new(0) }; PINS],
            used: AtomicU32::new(0),
            without: AtomicU32::new(0),
            locked: AtomicU32::new(0),
        }
    }

    /// Where no frame of this thread is.
    #[expect(clippy::unnecessary_box_returns, reason = "it must not lie on this stack")]
    fn elsewhere() -> Box<FrameTag> {
        Box::default()
    }

    #[test]
    fn a_thread_has_a_pin_until_it_comes_out() {
        let (pins, tag, other) = (none(), elsewhere(), elsewhere());
        let (first, second) = (pins.enter(&tag), pins.enter(&other));
        assert_eq!((first.caller().pin, second.caller().pin), (1, 2));
        pins.leave(first);
        assert!(!pins.are_free());
        pins.leave(second);
        assert!(pins.are_free());
        let again = pins.enter(&other);
        pins.leave(first);
        assert_eq!(again.caller().pin, 1);
        assert!(!pins.are_free(), "it came out once");
    }

    #[test]
    fn beyond_the_pins_threads_are_counted() {
        let (pins, tags) = (none(), [0; PINS + 1].map(|_| elsewhere()));
        let taken = tags.iter().map(|tag| pins.enter(tag)).collect::<Vec<_>>();
        assert_eq!(taken.iter().filter(|pin| pin.caller().pin == 0).count(), 1);
        for pin in taken {
            assert!(!pins.are_free());
            pins.leave(pin);
        }
        assert!(pins.are_free());
    }

    #[test]
    fn an_operation_whose_tag_is_overwritten_was_left() {
        let (pins, live, gone, own) = (none(), elsewhere(), elsewhere(), elsewhere());
        let _ = (pins.enter(&live), pins.enter(&gone));
        let own = Caller::beside(&own);
        assert!(!pins.is_one_left(own));
        gone.set(7);
        assert!(pins.is_one_left(own));
        let ended = Cell::new(0);
        pins.clear_those_left(own, |number| ended.set(number));
        assert_eq!(ended.get(), 2);
        assert!(!pins.is_one_left(own) && !pins.are_free());
    }

    #[test]
    fn of_two_operations_with_one_tag_the_first_was_left() {
        let (pins, tag) = (none(), elsewhere());
        let (first, second) = (pins.enter(&tag), pins.enter(&tag));
        assert_eq!((first.caller().pin, second.caller().pin), (1, 2));
        let own = second.caller();
        assert!(pins.is_one_near(own));
        let ended = Cell::new(0);
        pins.clear_those_left(own, |number| ended.set(number));
        assert_eq!(ended.get(), 1);
        assert!(!pins.is_one_left(own) && !pins.are_free());
    }
}
