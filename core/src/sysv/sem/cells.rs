//! What the words of a set's state say.
//!
//! A state is made of 64-bit words, so that each is read and written whole. They are only ever
//! changed in a draft ([`super::draft`]), whose root is claimed; what is current never changes.

/// Largest value of a semaphore: `SEMVMX` of linux/sem.h.
pub const VALUE_MAX: i32 = 32767;

/// A semaphore of the set.
///
/// | bits | meaning |
/// |---|---|
/// | 0..16 | value, 0..=32767 |
/// | 16..32 | waiters whose next obstacle is this semaphore |
/// | 32..64 | sempid: the process that changed or waited for it last |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Its value.
    pub value: u16,
    /// Waiters that are blocked by it.
    pub waiters: u16,
    /// `sempid`
    pub pid: u32,
}

/// What has become of a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is none, or it has gone.
    Free,
    /// It waits.
    Waiting,
    /// Its operations have been performed for it.
    Granted,
    /// Its next obstacle has IPC_NOWAIT: EAGAIN.
    WouldBlock,
    /// It would take a value or an adjustment out of range: ERANGE.
    OutOfRange,
}

/// A waiter, by the slot of its record.
///
/// | bits | meaning |
/// |---|---|
/// | 0..3 | [`Status`] |
/// | 3 | 1 = it changes values, 0 = it waits for zeros alone |
/// | 4 | 1 = it has more than one operation |
/// | 5 | 1 = what blocks it is a wait for zero |
/// | 6 | 1 = others' waits ended with its own: see `change` |
/// | 8..24 | the semaphore that blocks it |
/// | 24..64 | ticket: the order of arrival |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of the word")]
pub struct Waiter {
    /// What has become of it.
    pub status: Status,
    /// Whether it changes values.
    pub alters: bool,
    /// Whether it has more than one operation.
    pub is_complex: bool,
    /// Whether what blocks it is a wait for zero.
    pub for_zero: bool,
    /// Whether the waits of others ended with its own, so that it has to make sure that they wake.
    pub leads: bool,
    /// The semaphore that blocks it.
    pub member: u16,
    /// The order of arrival.
    pub ticket: u64,
}

/// The owner of an adjustment: the slot of a process in the set, and the number of its presence,
/// which tells it from the next process in that slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The slot.
    pub slot: u16,
    /// The number, below 2^17.
    pub number: u32,
}

/// What is to be added to a semaphore when a process has ended. The word 0 is a free cell.
///
/// | bits | meaning |
/// |---|---|
/// | 0..16 | amount, -32768..=32767, not 0 |
/// | 16..31 | the semaphore |
/// | 31..48 | the number of the process's presence |
/// | 48..64 | the slot of the process |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// Whose it is.
    pub holder: Holder,
    /// The semaphore.
    pub member: u16,
    /// `semadj`
    pub amount: i16,
}

const MEMBER_BITS: u32 = 15;
const NUMBER_SHIFT: u32 = 16 + MEMBER_BITS;
const SLOT_SHIFT: u32 = 48;
const STATUS: u64 = 7;
const ALTERS: u64 = 1 << 3;
const COMPLEX: u64 = 1 << 4;
const FOR_ZERO: u64 = 1 << 5;
const LEADS: u64 = 1 << 6;
const TICKET_SHIFT: u32 = 24;

/// Tickets are below this.
pub const TICKETS: u64 = 1 << (64 - TICKET_SHIFT);

#[expect(clippy::cast_possible_truncation, reason = "the part is asked for")]
fn half(word: u64, shift: u32) -> u16 {
    (word >> shift) as u16
}

impl Member {
    /// From its word.
    #[inline(always)]
    pub fn read(word: u64) -> Self {
        let pid = u32::try_from(word >> 32).unwrap_or(0);
        // Hostile bytes may say more.
        let value = half(word, 0) & 0x7fff;
        Self { value, waiters: half(word, 16), pid }
    }

    /// Its word.
    pub fn word(self) -> u64 {
        u64::from(self.value) | u64::from(self.waiters) << 16 | u64::from(self.pid) << 32
    }
}

impl Waiter {
    /// Whether the word is that of one that waits.
    #[inline(always)]
    pub fn is_waiting(word: u64) -> bool {
        word & STATUS == 1
    }

    /// From its word. Unknown statuses, as only hostile bytes have them, are those of no waiter.
    pub fn read(word: u64) -> Self {
        let status = match word & STATUS {
            1 => Status::Waiting,
            2 => Status::Granted,
            3 => Status::WouldBlock,
            4 => Status::OutOfRange,
            _ => Status::Free,
        };
        Self {
            status,
            alters: word & ALTERS != 0,
            is_complex: word & COMPLEX != 0,
            for_zero: word & FOR_ZERO != 0,
            leads: word & LEADS != 0,
            member: half(word, 8),
            ticket: word >> TICKET_SHIFT,
        }
    }

    /// Its word.
    pub fn word(self) -> u64 {
        let status = match self.status {
            Status::Free => 0,
            Status::Waiting => 1,
            Status::Granted => 2,
            Status::WouldBlock => 3,
            Status::OutOfRange => 4,
        };
        let flag = |is_set: bool, bit: u64| if is_set { bit } else { 0 };
        let flags = flag(self.alters, ALTERS)
            | flag(self.is_complex, COMPLEX)
            | flag(self.for_zero, FOR_ZERO)
            | flag(self.leads, LEADS);
        status | flags | u64::from(self.member) << 8 | self.ticket << TICKET_SHIFT
    }
}

impl Adjustment {
    /// From its word. `None`: a free cell.
    pub fn read(word: u64) -> Option<Self> {
        let number = word >> NUMBER_SHIFT & ((1 << (SLOT_SHIFT - NUMBER_SHIFT)) - 1);
        let amount = half(word, 0).cast_signed();
        (amount != 0).then(|| Self {
            holder: Holder { slot: half(word, SLOT_SHIFT), number: number as u32 },
            member: half(word, 16) & ((1 << MEMBER_BITS) - 1),
            amount,
        })
    }

    /// Its word: free if there is nothing to add.
    pub fn word(self) -> u64 {
        if self.amount == 0 {
            return 0;
        }
        u64::from(self.amount.cast_unsigned()) | self.key()
    }

    /// The key in a word, and the amount; with the amount 0 the cell is free.
    #[inline(always)]
    pub fn parts(word: u64) -> (u64, i16) {
        (word & !0xffff, half(word, 0).cast_signed())
    }

    /// Its word without the amount: whose it is, and for which semaphore.
    #[inline(always)]
    pub fn key(self) -> u64 {
        u64::from(self.member) << 16
            | u64::from(self.holder.number) << NUMBER_SHIFT
            | u64::from(self.holder.slot) << SLOT_SHIFT
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn words_give_back_what_was_put_in() {
        let member = Member { value: 32767, waiters: 3, pid: u32::MAX };
        assert_eq!(Member::read(member.word()), member);
        let waiter = Waiter {
            status: Status::OutOfRange,
            alters: true,
            is_complex: false,
            for_zero: true,
            leads: true,
            member: 31999,
            ticket: TICKETS - 1,
        };
        assert_eq!(Waiter::read(waiter.word()), waiter);
        for status in [Status::Free, Status::Waiting, Status::Granted, Status::WouldBlock] {
            let word = Waiter { status, ..waiter }.word();
            assert_eq!(Waiter::is_waiting(word), Waiter::read(word).status == Status::Waiting);
        }
        let holder = Holder { slot: 4095, number: (1 << 17) - 1 };
        let adjustment = Adjustment { holder, member: 31999, amount: -32768 };
        assert_eq!(Adjustment::read(adjustment.word()), Some(adjustment));
        assert_eq!(Adjustment { amount: 0, ..adjustment }.word(), 0);
    }
}
