//! The number of the process. It is drawn, and its file made, when it is first needed.
//!
//! No lock is involved, so any thread and any handler may do this at the same time: of several
//! files one is chosen, and the others are removed. The result is kept in memory that is wiped in
//! the child of a fork.

use super::exec;
use super::file::{self, NUMBER_BITS, Present};
use super::owned;
use crate::atomic::{AtomicU32, Ordering};
use crate::os::errno::{Errno, Result, preserved};
use crate::os::process::Process;
use crate::os::wiped::{Table, Wiped};

/// How sure a thread wants to be that its process still is present for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surety {
    /// For a claim that may be held for long: the lock is taken again.
    Certain,
    /// For many claims of an instant each: now and then the lock is taken again.
    Likely,
}

/// Of so many likely ones one is looked at.
const LOOK_EVERY: u32 = 16;

/// What is chosen of the files that this process has made.
struct Choice {
    /// The number in force, and one; 0 = none. Changed by CAS.
    number: AtomicU32,
    /// How often it was asked for.
    asked: AtomicU32,
    /// How many more requests are refused without a try, because the last try has failed.
    refusals: AtomicU32,
}

// SAFETY: zeros are no choice.
unsafe impl Wiped for Choice {}

static CHOICE: Table<Choice, 1, 1> = Table::new();

/// Numbers that are tried.
const DRAWS: usize = 32;
/// See [`Choice::refusals`].
const REFUSALS: u32 = 256;

fn choice() -> Option<&'static Choice> {
    if let Some(known) = CHOICE.iter().next() {
        return Some(known);
    }
    // Another thread may have been faster: then there is one.
    let _ = CHOICE.grow();
    CHOICE.iter().next()
}

/// The number of this process. `None`: there is none to be had.
pub fn of_process(surety: Surety) -> Option<u32> {
    let choice = preserved(choice)?;
    let chosen = choice.number.load(Ordering::Acquire);
    let asked = choice.asked.fetch_add(1, Ordering::Relaxed);
    let is_due = surety == Surety::Certain || asked % LOOK_EVERY == 0;
    if chosen != 0 && !is_due { Some(chosen - 1) } else { preserved(|| looked_at(choice, chosen)) }
}

#[cold]
fn looked_at(choice: &Choice, chosen: u32) -> Option<u32> {
    if let Some(number) = chosen.checked_sub(1) {
        // In the child of a vfork(2) what is there is the parent's.
        if owned::renew(number) || !Process::owns_memory() {
            return Some(number);
        }
        owned::forget(number);
    } else if !Process::owns_memory() {
        return None;
    }
    let refusals = choice.refusals.load(Ordering::Relaxed);
    if refusals > 0 {
        choice.refusals.store(refusals - 1, Ordering::Relaxed);
        return None;
    }
    let made = make(choice, chosen);
    // EAGAIN: the next try may succeed.
    if matches!(made, Err(error) if error != Errno::EAGAIN) {
        choice.refusals.store(REFUSALS, Ordering::Relaxed);
    }
    made.ok()
}

/// Makes a file to replace the chosen one, unless another thread has been faster. EAGAIN: this is
/// the child of a fork that happened since the choice was looked at.
fn make(choice: &Choice, chosen: u32) -> Result<u32> {
    let (number, present) = create()?;
    owned::add(number, present).inspect_err(|_| present.remove(number))?;
    match choice.number.compare_exchange(chosen, number + 1, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            file::remove_some_stale(is_own, draw());
            Ok(number)
        }
        Err(theirs) => {
            present.remove(number);
            theirs.checked_sub(1).ok_or(Errno::EAGAIN)
        }
    }
}

fn create() -> Result<(u32, Present)> {
    for _ in 0..DRAWS {
        let number = draw();
        match Present::create(number) {
            Ok(present) => return Ok((number, present)),
            Err(Errno::EEXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::EEXIST)
}

/// A random number. Any will do that no other process draws at the same time.
fn draw() -> u32 {
    let mut drawn = 0_u32;
    // SAFETY: `drawn` is valid for writing its bytes; the calls take no other pointer.
    unsafe {
        let flags = libc::GRND_NONBLOCK;
        let got = libc::syscall(libc::SYS_getrandom, &raw mut drawn, size_of_val(&drawn), flags);
        if got < 0 {
            let mut now: libc::timespec = core::mem::zeroed();
            libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now);
            let time = u32::try_from(now.tv_nsec).unwrap_or(0);
            drawn = time >> 4 ^ Process::this().pid();
        }
    }
    // 0 is no process.
    (drawn & ((1 << NUMBER_BITS) - 1)).max(1)
}

/// Whether this process has, or had, this number.
pub fn is_own(number: u32) -> bool {
    exec::inherited() == Some(number) || owned::has(number)
}

/// Removes the file that is in force.
pub fn give_up() {
    let chosen = CHOICE.iter().next().map_or(0, |choice| choice.number.load(Ordering::Acquire));
    if let Some(number) = chosen.checked_sub(1)
        && let Some(present) = owned::present(number)
        && Process::owns_memory()
        && present.renew() == Ok(true)
    {
        present.remove(number);
    }
}
