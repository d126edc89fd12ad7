//! Operations: what a thread does to one object, from the look-up to the last access.
//!
//! `list_op_pending` is one word, which glibc's robust mutexes use, too, and a handler may run in
//! the middle of either use. So a claim is announced there only while the word is 0, and withdrawn
//! only if the word still holds what was stored. While it is in use, an operation claims in the
//! name of the process's presence.
//!
//! A handler that locks a robust mutex in the middle of an operation leaves 0 there. The
//! announcement is restored with the next part of a long message (`copy`). If the thread is killed
//! before that, its claim is freed by another thread which finds that no thread has the TID.

use core::mem::ManuallyDrop;
use core::ptr;

use super::activation::Activation;
use super::block::{TAKEN, Thread};
use super::frame::FrameTag;
use crate::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::os::errno::{Errno, Result, preserved};
use crate::os::futex;
use crate::os::namespace;
use crate::os::process::Process;
use crate::os::restartable;
use crate::shared::claim::{Holder, OWNER_DIED, holder};
use crate::shared::presence::{self, Surety};

/// An operation of the calling thread on one object. Ends when dropped.
pub struct Operation<'t> {
    pub(super) thread: &'t Thread,
    pub(super) activation: &'t Activation,
    /// Where its claims are announced.
    pub(super) claims: &'t AtomicUsize,
    /// That of the thread's block when it began.
    pub(super) incarnation: u64,
    /// How sure it needs to be that others see its process, for claims that the kernel does not
    /// watch.
    pub(super) surety: Surety,
}

impl Thread {
    /// Begins an operation on `subject`. The thread is in the middle of no other one, unless this
    /// is a handler that has interrupted it, or a coroutine: so operations whose frames are gone
    /// have been left for good.
    ///
    /// EAGAIN: 16 are under way already. ERESTART: this is the child of a fork in a handler, and
    /// the block is not its own any more.
    #[inline(always)]
    pub fn begin<'t>(&'t self, subject: *const (), tag: &FrameTag) -> Result<Operation<'t>> {
        let first = &self.activations[0];
        // Relaxed: the thread itself stored it.
        let is_free = first.subject.load(Ordering::Relaxed).is_null();
        if is_free {
            return self.begin_in(first, subject, tag, Surety::Likely);
        }
        // Interrupted, the outer one would hold a claim for as long as the handler runs.
        self.begin_in(self.further_activation(None, tag)?, subject, tag, Surety::Certain)
    }

    /// Begins an operation in the middle of another one of the same call: the outer one has not
    /// been left, however close their frames are. The same errors.
    #[cold]
    pub fn begin_within<'t>(
        &'t self,
        outer: &Operation<'_>,
        subject: *const (),
        tag: &FrameTag,
    ) -> Result<Operation<'t>> {
        let activation = self.further_activation(Some(outer.activation), tag)?;
        self.begin_in(activation, subject, tag, Surety::Likely)
    }

    /// The same, in the simple case: no other operation, no handler meanwhile, and the kernel
    /// watches what the operation claims.
    #[inline(always)]
    pub fn begin_at_once<'t>(
        &'t self,
        subject: *const (),
        tag: &FrameTag,
    ) -> Option<Operation<'t>> {
        let activation = &self.activations[0];
        // Relaxed, as all of this: the thread itself stored it.
        if !activation.subject.load(Ordering::Relaxed).is_null() {
            return None;
        }
        let incarnation = self.incarnation.load(Ordering::Relaxed);
        let value = activation.take(subject, tag);
        let claims = self.watched.load(Ordering::Relaxed);
        // SAFETY: null, also in a wiped block, or a field that lives as long as the thread.
        match unsafe { claims.as_ref() } {
            Some(claims) if activation.is_undisturbed(value) => Some(Operation {
                thread: self,
                activation,
                claims,
                incarnation,
                surety: Surety::Likely,
            }),
            _ => {
                activation.give_back();
                None
            }
        }
    }

    #[inline(always)]
    fn begin_in<'t>(
        &'t self,
        activation: &'t Activation,
        subject: *const (),
        tag: &FrameTag,
        surety: Surety,
    ) -> Result<Operation<'t>> {
        loop {
            let incarnation = self.incarnation.load(Ordering::Relaxed);
            let value = activation.take(subject, tag);
            if !activation.is_undisturbed(value) {
                continue;
            }
            let claims = self.claims.load(Ordering::Relaxed);
            // SAFETY: null in a wiped block, else a field that lives as long as the thread.
            let Some(claims) = (unsafe { claims.as_ref() }) else { return begin_anew(activation) };
            return Ok(Operation { thread: self, activation, claims, incarnation, surety });
        }
    }

    /// Ends the operations whose frames are gone, but for the one in this activation, and gives an
    /// activation that is free.
    #[cold]
    fn further_activation(
        &self,
        outer: Option<&Activation>,
        tag: &FrameTag,
    ) -> Result<&Activation> {
        let is_outer =
            |activation: &Activation| outer.is_some_and(|outer| ptr::eq(outer, activation));
        let left = self
            .activations
            .iter()
            .filter(|activation| activation.is_taken() && !is_outer(activation));
        left.filter(|activation| activation.is_abandoned(tag))
            .for_each(|activation| self.undo(activation));
        self.activations.iter().find(|activation| !activation.is_taken()).ok_or(Errno::EAGAIN)
    }

    fn undo(&self, activation: &Activation) {
        if let Some(word) = self.claim_of(activation) {
            if self.is_own(word.load(Ordering::Relaxed)) {
                // As if it had died: what it had in hand may be half done.
                word.store(OWNER_DIED, Ordering::Release);
            }
            // SAFETY: null in a wiped block, else a field that lives as long as the thread.
            let claims = unsafe { self.claims.load(Ordering::Relaxed).as_ref() };
            let entry = activation.entry.load(Ordering::Relaxed);
            if let Some(claims) = claims.filter(|claims| claims.load(Ordering::Relaxed) == entry) {
                claims.store(0, Ordering::Relaxed);
            }
        }
        self.forget_wake(activation);
        activation.clear();
    }
}

impl<'t> Operation<'t> {
    /// A copy, which does not end the operation.
    #[inline(always)]
    pub fn copy(&self) -> ManuallyDrop<Self> {
        ManuallyDrop::new(Self { ..*self })
    }

    /// As `Claimant::apart` says.
    #[inline(always)]
    pub(super) fn cold<T>(&self, seldom: impl FnOnce(&Self) -> T) -> T {
        seldom(&self.copy())
    }

    /// The thread whose operation it is.
    pub fn thread(&self) -> &'t Thread {
        self.thread
    }
}

/// The activation is of a block that the kernel has wiped meanwhile.
#[cold]
fn begin_anew<T>(activation: &Activation) -> Result<T> {
    activation.clear();
    Err(Errno::ERESTART)
}

impl Operation<'_> {
    /// Doubts the operations on the same object that the calling handler has interrupted. False:
    /// there is none.
    pub fn doubts_interrupted(&self) -> bool {
        let subject = self.activation.subject.load(Ordering::Relaxed);
        let is_interrupted = |activation: &&Activation| {
            !ptr::eq(*activation, self.activation)
                && activation.subject.load(Ordering::Relaxed) == subject
        };
        let interrupted = self.thread.activations.iter().filter(is_interrupted);
        interrupted.inspect(|activation| activation.doubt()).count() > 0
    }

    /// What it leads to is looked at now.
    pub fn trust(&self) {
        self.activation.trust();
    }

    /// Whether a handler has doubted it.
    pub fn is_doubted(&self) -> bool {
        self.activation.is_doubted()
    }

    /// It claims in the name of the process's presence: the object is not at home in the PID
    /// namespace of this process.
    #[inline]
    pub fn unguard(&mut self) {
        self.claims = &TAKEN;
    }

    /// Whether the kernel watches what it claims: its claims are announced to the kernel, not in a
    /// word of the thread's block.
    #[inline(always)]
    pub fn is_watched(&self) -> bool {
        let at = ptr::from_ref(self.claims).addr().wrapping_sub(ptr::from_ref(self.thread).addr());
        at >= size_of::<Thread>()
    }

    /// It claims in the name of the process's presence, though the object is at home here.
    #[inline(always)]
    pub fn claim_by_presence(&mut self) {
        self.claims = &self.thread.taken;
    }

    /// Whether TIDs in the claim words of its object are those of this process's PID namespace.
    #[inline(always)]
    pub fn is_at_home(&self) -> bool {
        !ptr::eq(self.claims, &raw const TAKEN) && !namespace::is_inherited()
    }

    /// The word that another process does not find as this one does.
    #[inline(always)]
    pub(super) fn condition(&self) -> (&AtomicU64, u64) {
        (&self.thread.incarnation, self.incarnation)
    }

    /// As `Claimant::commit` says.
    #[inline(always)]
    pub(super) fn commit(&self, key: (&AtomicU64, u64), claim: (&AtomicU32, u32)) -> bool {
        let (word, expected) = self.condition();
        restartable::store_both_while(word, expected, key, claim)
    }

    /// As `Claimant::is_orphan` says.
    pub(super) fn is_orphan(&self) -> bool {
        self.thread.incarnation.load(Ordering::Relaxed) != self.incarnation
    }

    /// Whether a claim of this holder is void: the holder is the calling thread itself, which holds
    /// nothing. See `Claimant::is_stray`.
    pub fn holds_nothing_as(&self, claimed: Holder) -> bool {
        let holds_nothing = |activation: &Activation| activation.entry.load(Ordering::Relaxed) == 0;
        let is_own = match claimed {
            Holder::None => false,
            Holder::Thread(tid) => tid == self.thread.tid(),
            Holder::Presence(_) => claimed == holder(self.thread.presence()),
        };
        is_own && self.thread.activations.iter().all(holds_nothing)
    }

    /// Whether the holder of a claim is dead, as far as that can be found out. `is_at_home`:
    /// whether TIDs in the claim words of the object are those of this process's PID namespace.
    #[cold]
    pub fn has_ended(&self, holder: Holder, is_at_home: bool) -> bool {
        match holder {
            Holder::None => false,
            // In the child of a vfork(2), which may be in another PID namespace, the known TIDs may
            // be wrong.
            Holder::Thread(tid) => {
                is_at_home
                    && preserved(Process::owns_memory)
                    && (futex::is_dead(tid) || self.holds_nothing_as(holder))
            }
            Holder::Presence(number) => {
                self.holds_nothing_as(holder) || presence::has_ended(number)
            }
        }
    }
}

impl Drop for Operation<'_> {
    #[inline]
    fn drop(&mut self) {
        // In the child of a fork the block is still this thread's, or free: see
        // `Thread::find_free`.
        self.activation.give_back();
    }
}
