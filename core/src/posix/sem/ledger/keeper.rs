//! The keeper: a thread of each process that takes part, which lives as long as the process does,
//! or until it takes part no more.
//!
//! Its death marks the process in the ledger, and its robust list wakes the keepers of the others
//! (`layout`). A keeper that is woken gives back what the dead process has taken, and wakes
//! waiters, be they on this library or on glibc.
//!
//! The mark means "dying": threads of the process may still write. It is dead when the lock on its
//! account is free. The keeper that takes this lock is the only one that deals with the account. If
//! it dies, too, both locks are free at once, and the next keeper ends first what the first one had
//! begun: its lanes are settled before the account is looked at.
//!
//! A process that takes part no more, and owes nothing, asks its keeper to leave (`keeping`), which
//! it does once no other process is dying.
//!
//! All this is bare: the thread has no thread-local memory, and makes bare system calls.

use core::ffi::{c_int, c_long};

use super::super::layout::Semaphore;
use super::super::word::{Word, value, waiters};
use super::keeping::Memory;
use super::lanes::{Actor, Party};
use super::layout::{ACCOUNTS, Words, alive, is_dead};
use super::recovery::Recovery;
use crate::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::cbits::WaitV;
use crate::os::bare;
use crate::os::futex::Scope;
use crate::os::reserved::Reserved;
use crate::os::spawn;
use crate::os::{Errno, Result};

/// The first look at a process that is dying, and the longest time between two, in nanoseconds.
const FIRST_LOOK_NS: i64 = 200_000;
const LONGEST_LOOK_NS: i64 = 8_000_000;
/// From linux/futex.h
const HEAD_SIZE: usize = 24;

/// What a keeper watches.
#[derive(Clone, Copy)]
pub struct Robust {
    /// The ledger.
    pub words: *const Words,
    /// Its file.
    pub file: Reserved,
    /// The semaphore, where it is mapped as long as the keeper lives.
    pub semaphore: *const Semaphore,
    /// The number of the ledger.
    pub number: u32,
}

/// Starts the keeper of an account that this process has locked, and waits until it has begun.
/// EAGAIN, ENOMEM, ENOSYS: there is none. Async-signal-safe.
pub fn start(memory: &'static Memory, robust: &Robust, account: usize) -> Result<()> {
    memory.begin()?;
    memory.account.store(u32::try_from(account).unwrap_or(0), Ordering::Relaxed);
    memory.file.store(robust.file.to_bits(), Ordering::Relaxed);
    memory.number.store(robust.number, Ordering::Relaxed);
    memory.words.store(robust.words.expose_provenance(), Ordering::Relaxed);
    memory.semaphore.store(robust.semaphore.expose_provenance(), Ordering::Relaxed);
    spawn::bare(keep, core::ptr::from_ref(memory).expose_provenance())
        .inspect_err(|_| memory.has_not_begun())?;
    memory.await_beginning()
}

struct Keeper<'m> {
    memory: &'m Memory,
    words: &'m Words,
    semaphore: *const Semaphore,
    file: Option<Reserved>,
    account: usize,
    /// What the semaphore holds as long as the ledger is its own.
    number: u32,
}

/// How things stand after a look at all accounts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    /// One is dying, or another keeper deals with it.
    Doubtful,
}

/// What the thread does.
fn keep(memory: &usize) {
    use core::ptr::with_exposed_provenance;
    // SAFETY: `start` has filled it in, and all in it stays mapped until `has_left`.
    let (memory, words) = unsafe {
        let memory = &*with_exposed_provenance::<Memory>(*memory);
        let words = &*with_exposed_provenance::<Words>(memory.words.load(Ordering::Relaxed));
        (memory, words)
    };
    let semaphore = with_exposed_provenance(memory.semaphore.load(Ordering::Relaxed));
    let account = memory.account.load(Ordering::Relaxed) as usize;
    let file = Reserved::from_bits(memory.file.load(Ordering::Relaxed));
    let has_marks = register(memory, words, account);
    let number = memory.number.load(Ordering::Relaxed);
    memory.has_begun(has_marks);
    if has_marks {
        Keeper { memory, words, semaphore, file, account, number }.keep();
    }
}

/// Lets the kernel change the marks of the account when this thread ends.
fn register(memory: &Memory, words: &Words, account: usize) -> bool {
    let address = |node: &AtomicUsize| core::ptr::from_ref(node).expose_provenance();
    let end = address(&memory.list);
    for (index, node) in memory.nodes.iter().enumerate() {
        node.store(memory.nodes.get(index + 1).map_or(end, address), Ordering::Relaxed);
    }
    let first = words.mark(account, 0).as_ptr().expose_provenance();
    let distance = first.wrapping_sub(address(&memory.nodes[0]));
    memory.futex_offset.store(distance, Ordering::Relaxed);
    memory.list.store(address(&memory.nodes[0]), Ordering::Release);
    // SAFETY: the head of a list, in memory that is never unmapped.
    let (failed, tid) = unsafe {
        (
            bare::call(libc::SYS_set_robust_list, [end, HEAD_SIZE, 0, 0]) != 0,
            bare::call(libc::SYS_gettid, [0; 4]),
        )
    };
    let Ok(tid) = u32::try_from(tid) else { return false };
    if failed {
        return false;
    }
    words.mark_all(account, alive(tid));
    true
}

impl Keeper<'_> {
    /// Until the process asks it to leave.
    fn keep(&self) {
        let mut look = FIRST_LOOK_NS;
        loop {
            // Before the look at the accounts: what changes after that ends the sleep at once.
            let used = self.words.used.load(Ordering::SeqCst);
            let mut seen = [WaitV::NONE; ACCOUNTS + 2];
            let (count, is_one_dead) = self.gather(used, &mut seen);
            if self.look() == Health::Doubtful {
                pause(look);
                look = (look * 2).min(LONGEST_LOOK_NS);
                continue;
            }
            if is_one_dead {
                // It has been dealt with. The next process with its account may have died since,
                // and then the mark is the same again: a sleep on that would have no end.
                continue;
            }
            if self.memory.is_to_leave() {
                return self.leave();
            }
            look = FIRST_LOOK_NS;
            let waitv = [seen.as_ptr().expose_provenance(), count, 0, 0];
            // SAFETY: so many words of a vector, in memory that stays mapped.
            let slept = unsafe { bare::call(libc::SYS_futex_waitv, waitv) };
            // A filter may refuse it with any error.
            let is_refused = slept < 0
                && slept != -c_long::from(libc::EAGAIN)
                && slept != -c_long::from(libc::EINTR);
            if is_refused {
                pause(LONGEST_LOOK_NS);
            }
        }
    }

    /// Frees the account, in which nothing is owed and nothing under way. Killed before the last
    /// mark is cleared, it is dead like any other one, with nothing taken.
    fn leave(&self) {
        if let Some(own) = self.words.account(self.account) {
            own.pid.store(0, Ordering::Relaxed);
        }
        self.words.mark_all(self.account, 0);
        // SAFETY: no list. The memory of the last one is another keeper's from now on.
        unsafe { bare::call(libc::SYS_set_robust_list, [0, HEAD_SIZE, 0, 0]) };
        self.set_lock(self.account, libc::F_UNLCK);
        self.memory.has_left();
    }

    /// The words to sleep on, with what they hold. How many there are, and whether one of them is
    /// the mark of a dead process.
    fn gather(&self, used: u32, into: &mut [WaitV; ACCOUNTS + 2]) -> (usize, bool) {
        let (wish, wished) = self.memory.to_sleep_on();
        into[0] = WaitV::new(wish, wished, Scope::Private);
        into[1] = WaitV::new(self.words.used.as_ptr(), used, Scope::Shared);
        let others = (0..(used as usize).min(ACCOUNTS)).filter(|&other| other != self.account);
        let (mut count, mut is_one_dead) = (2, false);
        for (other, place) in others.zip(&mut into[2..]) {
            let word = self.words.mark(other, self.account);
            let seen = word.load(Ordering::SeqCst);
            *place = WaitV::new(word.as_ptr(), seen, Scope::Shared);
            is_one_dead |= is_dead(seen);
            count += 1;
        }
        (count, is_one_dead)
    }

    /// Looks at all accounts, and deals with those of dead processes.
    fn look(&self) -> Health {
        // A program that closes the descriptor, or opens and closes the file, gives it back.
        self.lock(self.account);
        let mut health = Health::Well;
        for other in (0..self.words.used()).filter(|&other| other != self.account) {
            let mark = self.words.mark(other, self.account);
            let (standing, seen) = (self.words.standing(other), mark.load(Ordering::SeqCst));
            if !is_dead(standing) && !is_dead(seen) {
                continue;
            }
            if standing == 0 {
                // It has died while it joined, or left a mark behind.
                let order = (Ordering::SeqCst, Ordering::Relaxed);
                let _ = mark.compare_exchange(seen, 0, order.0, order.1);
                // Another process may have joined since, and died: the mark was its own.
                if self.words.standing(other) != 0 {
                    health = Health::Doubtful;
                }
                continue;
            }
            let is_done = is_dead(standing) && self.lock(other) && {
                let is_done = !is_dead(self.words.standing(other)) || self.bury(other).is_ok();
                self.set_lock(other, libc::F_UNLCK);
                is_done
            };
            if is_done {
                self.wake_waiters();
            } else {
                health = Health::Doubtful;
            }
        }
        health
    }

    /// The semaphore's own. Between the look whether it is there ([`Self::has_its_semaphore`]) and
    /// an access there are some microseconds.
    fn word(&self) -> &Word {
        // SAFETY: it stays mapped until `has_left`.
        unsafe { &(*self.semaphore).word }
    }

    /// Gives back what the process of this account has taken, and frees the account. It is dead,
    /// and this process has the lock. EAGAIN: that is not possible yet.
    fn bury(&self, dead: usize) -> Result<()> {
        let words = self.words;
        let counts_of = |number| words.account(number).map(|account| &account.counts);
        let (Some(own), Some(theirs)) = (words.account(self.account), words.account(dead)) else {
            return Err(Errno::EINVAL);
        };
        let (lanes, counts, account) = (&words.lanes, &own.counts, self.account);
        let by = Party { lanes, counts, account, pin: 0, actor: Alone };
        let recovery = Recovery { dead, counts_of, deaths: &words.deaths };
        if self.has_its_semaphore() {
            recovery.perform(&by, self.word())?;
        } else {
            // It has been destroyed, or initialised anew, or its file is shorter now: what was
            // taken is not owed to it.
            recovery.forget(&words.lanes);
        }
        theirs.pid.store(0, Ordering::Relaxed);
        words.mark_all(dead, 0);
        Ok(())
    }

    /// Whether the semaphore still holds the number of the ledger. Its file may have become
    /// shorter, and a look at the memory would be a SIGBUS. So the kernel looks, which does that
    /// before it moves sleepers from one word to another one, here none. (A semaphore in two pages
    /// has the number in the second one, and files become shorter from their end.)
    fn has_its_semaphore(&self) -> bool {
        const OPERATION: c_int = libc::FUTEX_CMP_REQUEUE | libc::FUTEX_PRIVATE_FLAG;
        let number = self.semaphore.cast::<u8>().wrapping_add(Semaphore::LEDGER_OFFSET);
        let to = 0_u32;
        let (at, to) = (number.expose_provenance(), (&raw const to).expose_provenance());
        let operation = OPERATION.cast_unsigned() as usize;
        // SAFETY: the kernel checks the first address, and does not access the second.
        let result = unsafe {
            bare::call_with_six(libc::SYS_futex, [at, operation, 0, 0, to, self.number as usize])
        };
        // In doubt it is there.
        ![libc::EAGAIN, libc::EFAULT].contains(&-c_int::try_from(result).unwrap_or(0))
    }

    /// Those for whom there is something: a dead process may have owed them the wake.
    fn wake_waiters(&self) {
        if !self.has_its_semaphore() {
            return;
        }
        let word = self.word().atomic().load(Ordering::SeqCst);
        let count = value(word).min(waiters(word)).min(i32::MAX.cast_unsigned());
        if count > 0 {
            let address = Semaphore::value_address(self.semaphore);
            // SAFETY: only an address is given.
            unsafe {
                let wake = [address.expose_provenance(), libc::FUTEX_WAKE as usize, count as usize];
                bare::call(libc::SYS_futex, [wake[0], wake[1], wake[2], 0]);
            }
        }
    }

    /// Takes the lock of an account. False: another process has it.
    fn lock(&self, account: usize) -> bool {
        self.set_lock(account, libc::F_WRLCK)
    }

    fn set_lock(&self, account: usize, kind: c_int) -> bool {
        let Some(file) = self.file else { return false };
        let lock = libc::flock {
            l_type: libc::c_short::try_from(kind).unwrap_or(0),
            l_whence: 0,
            l_start: libc::off_t::try_from(account).unwrap_or(0),
            l_len: 1,
            l_pid: 0,
        };
        let fd = file.fd().cast_unsigned() as usize;
        let lock = (&raw const lock).expose_provenance();
        // SAFETY: a struct flock, valid for reading.
        unsafe { bare::call(libc::SYS_fcntl, [fd, libc::F_SETLK as usize, lock, 0]) == 0 }
    }
}

/// A thread that no handler interrupts.
struct Alone;

impl Actor for Alone {
    fn exchange(&self, place: &AtomicU64, before: u64, after: u64) -> Result<bool> {
        let order = (Ordering::SeqCst, Ordering::Relaxed);
        Ok(place.compare_exchange(before, after, order.0, order.1).is_ok())
    }

    fn may_wait(&self, _: u32) -> bool {
        false
    }
}

fn pause(nanoseconds: i64) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: nanoseconds };
    let word = 0_u32;
    let operation = (libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG).cast_unsigned() as usize;
    let at = [(&raw const word).expose_provenance(), (&raw const time).expose_provenance()];
    // SAFETY: word and time are valid through the call.
    unsafe { bare::call(libc::SYS_futex, [at[0], operation, 0, at[1]]) };
}
