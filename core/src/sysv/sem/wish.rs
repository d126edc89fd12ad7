//! What a caller wants of a set, attempted without a wait.

use super::at_once::perform_at_once;
use super::cells::Holder;
use super::change::{Step, change, root_hint};
use super::changed::Changed;
use super::operate::{Actor, Array, Outcome, perform};
use super::set::Set;
use super::state::{Fact, changes_between};
use super::straight::{self, Attempt};
use crate::atomic::Ordering;
use crate::os::clock::realtime_seconds;
use crate::os::futex::Interrupted;
use crate::os::process::Process;
use crate::os::{Errno, Result};
use crate::shared::thread::Operation as ThreadOperation;
use crate::sysv::permission::{ALTER, READ};

/// Spins that end well, one after the other, before a wait.
const SPINS: usize = 8;
/// The same for yields. One may only let a thread run that waits here, too.
const YIELDS: usize = 4;

/// Further tries in a straight line, before a change that others give way to.
const TRIES: usize = 8;

/// What a caller wants of a set.
#[derive(Clone, Copy)]
pub struct Wish<'w> {
    /// Of this set.
    pub set: &'static Set,
    /// All of these, or none.
    pub array: Array<'w>,
    /// In whose name.
    pub actor: Actor,
}

/// What is asked of the permissions.
struct Permits {
    set: &'static Set,
    wanted: u16,
    now: u64,
}

impl straight::Permits for Permits {
    #[inline(always)]
    fn permits(&self, owner: u64, mode: u64) -> bool {
        self.set.identity.is_known_to_permit(owner, mode, self.wanted, self.now)
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// It is done.
    Done,
    /// It would have to wait, for this semaphore.
    MustWait(u16),
}

/// A thread that is asleep when a set is removed gets EIDRM; any other, EINVAL.
pub fn gone(error: Errno) -> Errno {
    if error == Errno::EIDRM { Errno::EINVAL } else { error }
}

impl<'w> Wish<'w> {
    /// Of these operations, of a process with this slot.
    #[inline(always)]
    pub fn new(set: &'static Set, array: Array<'w>, process: Option<Holder>) -> Self {
        let actor = Actor { pid: Process::pid_of_memory(), process, now: realtime_seconds() };
        Self { set, array, actor }
    }

    #[inline(always)]
    fn wanted(&self) -> u16 {
        if self.array.alters { ALTER } else { READ }
    }

    #[inline(always)]
    fn has_strangers(&self) -> bool {
        usize::from(self.array.members.1) >= self.set.members()
    }

    /// EFBIG, EACCES.
    pub fn check(&self) -> Result<()> {
        if self.has_strangers() {
            return Err(Errno::EFBIG);
        }
        let (owner, mode) =
            self.set.read(|view| Ok((view.fact(Fact::Owner), view.fact(Fact::Mode))))?;
        self.set.identity.check(owner, mode, self.wanted(), self.actor.now)
    }

    /// Attempts it. EFBIG, EACCES, ERANGE, EAGAIN, EINVAL; ENOMEM, ENOSPC.
    #[inline(always)]
    pub fn attempt(&self, who: &ThreadOperation<'static>) -> Result<Attempted> {
        if self.has_strangers() {
            return Err(Errno::EFBIG);
        }
        if self.set.layout.words().turn.load(Ordering::Relaxed) != 0 {
            return { *self }.attempt_change(who);
        }
        match self.attempt_at_once(who) {
            Attempt::Done => {
                self.announce_as_waker();
                Ok(Attempted::Done)
            }
            // Copies: what is wanted need not be in memory.
            Attempt::Beaten => { *self }.attempt_again(who),
            Attempt::Blocked => self.blocked(),
            Attempt::Other => { *self }.attempt_change(who),
        }
    }

    #[inline(always)]
    fn attempt_at_once(&self, who: &ThreadOperation<'static>) -> Attempt {
        let permits = Permits { set: self.set, wanted: self.wanted(), now: self.actor.now };
        perform_at_once(&self.set.layout, who, root_hint(), (&self.array, self.actor), &permits)
    }

    /// Tells threads that spin on the changed semaphores that this one wakes them.
    #[inline(always)]
    fn announce_as_waker(&self) {
        for operation in self.array.operations().iter().filter(|one| one.amount != 0) {
            self.set.layout.words().hint(operation.member).waking();
        }
    }

    /// Of an operation alone. EAGAIN.
    fn blocked(&self) -> Result<Attempted> {
        match self.array.operations() {
            [one] if !one.must_not_wait() => Ok(Attempted::MustWait(one.member)),
            _ => Err(Errno::EAGAIN),
        }
    }

    /// Another thread was faster: a few more tries, and then a change that others give way to.
    #[cold]
    #[inline(never)]
    fn attempt_again(&self, who: &ThreadOperation<'static>) -> Result<Attempted> {
        for _ in 0..TRIES {
            match self.attempt_at_once(who) {
                Attempt::Done => {
                    self.announce_as_waker();
                    return Ok(Attempted::Done);
                }
                Attempt::Beaten => {}
                Attempt::Blocked => return self.blocked(),
                Attempt::Other => break,
            }
        }
        self.attempt_change(who)
    }

    #[cold]
    #[inline(never)]
    fn attempt_change(&self, who: &ThreadOperation<'static>) -> Result<Attempted> {
        let (set, wanted, operations) = (self.set, self.wanted(), self.array.operations());
        let attempted = change(set, who, |draft| {
            let (owner, mode) = (draft.fact(Fact::Owner), draft.fact(Fact::Mode));
            set.identity.check(owner, mode, wanted, self.actor.now)?;
            match perform(draft, operations, self.actor)? {
                Outcome::Done => {
                    let changed = self.array.alters.then(|| Changed::by(operations));
                    Ok(Step::Publish(Attempted::Done, changed))
                }
                Outcome::Blocked(obstacle) if obstacle.must_not_wait() => Err(Errno::EAGAIN),
                Outcome::Blocked(obstacle) => Ok(Step::Leave(Attempted::MustWait(obstacle.member))),
            }
        });
        if attempted == Ok(Attempted::Done) {
            self.announce_as_waker();
        }
        attempted.map_err(gone)
    }

    /// The same, again and again as long as that pays.
    pub fn attempt_spinning(&self, who: &ThreadOperation<'static>) -> Result<Attempted> {
        let words = self.set.layout.words();
        let may_call = || who.thread().filter.may_yield();
        let interrupted = Interrupted::Fails;
        let (mut spins, mut yields) = (0, 0);
        loop {
            let seen = words.current.load(Ordering::Relaxed);
            let attempted = self.attempt(who)?;
            let Attempted::MustWait(member) = attempted else { return Ok(attempted) };
            let changes = || changes_between(seen, words.current.load(Ordering::Relaxed));
            let hint = words.hint(member);
            if spins < SPINS && hint.spin_until_changed(interrupted, may_call, changes)? {
                spins += 1;
            } else if yields < YIELDS && may_call() && hint.yield_to_others(interrupted, changes)? {
                yields += 1;
            } else {
                return Ok(attempted);
            }
        }
    }
}
