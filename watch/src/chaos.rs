//! Delays, interruptions and a death, from a seed.
//!
//! Each decision is a number that depends on the seed, the place of the process in the tree of
//! processes, which of its threads it is and how many calls that has made, and on nothing else. So
//! the same seed gives the same decisions for each process, whatever the others do.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use libc::{mq_attr, timespec};
use watch_run::calls::{Argument, CALLS, number};
use watch_run::tables::{Tables, mode};

use crate::call::Call;
use crate::line::Line;
use crate::{memory, peek, records, run, system, who};

/// Of this process; see [`enter`]. A fork copies it, and the child stores its own before it goes
/// on.
static PATH: AtomicU64 = AtomicU64::new(0);
/// Calls of this process.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Calls of a thread after which it is delayed less and less often: an exercise ends in time.
const MANY: u64 = 500;
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
/// The longest that a deadline is waited for.
const PATIENCE: u64 = 2_000 * MILLISECOND;

/// This process has this place in the tree.
pub fn enter(path: u64) {
    PATH.store(path, Ordering::Relaxed);
    memory::begin();
    COUNT.store(0, Ordering::Relaxed);
}

pub fn path() -> u64 {
    PATH.load(Ordering::Relaxed)
}

/// The finishing steps of MurmurHash3: every bit of the result depends on every bit of both.
pub fn mix(one: u64, other: u64) -> u64 {
    let mut mixed = one.rotate_left(31) ^ other.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ mixed >> 33
}

/// Before a call: an errno if it is to fail.
pub fn before(run: &Tables, call: &mut Call) -> i32 {
    // SAFETY: a handler that interrupts this changes `calls` alone, and only the number of a
    // decision depends on that.
    let (ordinal, calls) = unsafe {
        let own = memory::own();
        own.calls += 1;
        (own.ordinal, own.calls)
    };
    let thread = mix(run.head.seed.load(Ordering::Relaxed), mix(path(), u64::from(ordinal)));
    let decision = mix(thread, calls);
    (call.decision, call.sequence) = (decision, calls);
    COUNT.fetch_add(1, Ordering::Relaxed);
    if decision & 1 == 0 {
        perhaps_kill(run, call);
    }
    delay(decision, calls);
    if CALLS[call.index()].waits {
        if one_in_eight(decision >> 40) {
            outlast_deadline(call);
        }
        if one_in_eight(decision >> 44) && may_be_interrupted(call) {
            return libc::EINTR;
        }
    }
    shrink_queue(call);
    0
}

const fn one_in_eight(decision: u64) -> bool {
    decision.is_multiple_of(8)
}

/// After a call.
pub fn after(run: &Tables, call: &Call) {
    if call.decision & 1 == 1 {
        perhaps_kill(run, call);
    }
    delay(mix(call.decision, 1), call.sequence);
}

/// None, a yield, or a sleep; now and then a long one.
fn delay(decision: u64, calls: u64) {
    let kind = decision >> 8 & 63;
    let amount = decision >> 16;
    if calls > MANY && mix(decision, 2) % calls >= MANY {
        return;
    }
    match kind {
        0 => system::sleep(10 * MILLISECOND + amount % (30 * MILLISECOND)),
        1..16 => system::sleep(amount % (2_000 * MICROSECOND)),
        16..32 => system::yield_now(),
        _ => {}
    }
}

/// A process that the program has started is killed once it has made as many calls as the seed
/// says; the first one that gets there. The program itself stays, to show what it does about it.
fn perhaps_kill(run: &Tables, call: &Call) {
    let own = who::pid();
    if !run::has_mode(run, mode::KILL) || own == run.head.root.load(Ordering::Relaxed) {
        return;
    }
    let limit = 2 + mix(mix(run.head.seed.load(Ordering::Relaxed), path()), 3) % 40;
    if u64::from(COUNT.load(Ordering::Relaxed)) < limit
        || run.head.killed.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_err()
    {
        return;
    }
    let when = if call.has_returned == 0 { "before" } else { "after" };
    let mut line = Line::new();
    if records::findings_are_text() {
        line.put(format_args!("rsipc chaos: killed {own} {when} {}", call.name()));
    } else {
        line.put(format_args!(
            r#"{{"record":"killed","pid":{own},"when":"{when}","call":"{}","program":"#,
            call.name()
        ));
        line.put_string(trimmed(&system::name()));
        line.push(b"}");
    }
    records::finding(run, &mut line);
    // SAFETY: it is sent to this process alone: getpid never answers 0 or -1.
    unsafe { libc::syscall(libc::SYS_kill, own, libc::SIGKILL) };
}

/// Without the zeros behind.
pub fn trimmed(name: &[u8; 16]) -> &[u8] {
    &name[..name.iter().position(|&byte| byte == 0).unwrap_or(16)]
}

/// A thread that is not scheduled for a while finds its deadline over. It still takes what is
/// there.
fn outlast_deadline(call: &Call) {
    let signature = &CALLS[call.index()];
    let place = signature.arguments.iter().position(|argument| *argument == Argument::Time);
    // That of semtimedop is a length of time.
    let Some(place) = place.filter(|_| call.number != number::SEMTIMEDOP) else { return };
    let Some(until) = peek::value::<timespec>(call.arguments[place]) else { return };
    let clock = if call.number == number::SEM_CLOCKWAIT {
        crate::next::number(call.arguments[1])
    } else {
        libc::CLOCK_REALTIME
    };
    let left = system::nanoseconds(until).saturating_sub(system::clock(clock));
    if (1..PATIENCE).contains(&left) {
        system::sleep(left + MILLISECOND);
    }
}

/// EINTR is for programs that have a handler, which could run now, and whose calls are not begun
/// anew after it (signal(7)).
fn may_be_interrupted(call: &Call) -> bool {
    let begins_anew =
        !matches!(CALLS[call.index()].name, "semop" | "semtimedop" | "msgsnd" | "msgrcv");
    (1..=64).any(|signal| {
        // SAFETY: both calls only ask, and have room for the answer.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let mut mask: libc::sigset_t = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
                && action.sa_sigaction != libc::SIG_DFL
                && action.sa_sigaction != libc::SIG_IGN
                && !(begins_anew && action.sa_flags & libc::SA_RESTART != 0)
                && libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask) == 0
                && libc::sigismember(&raw const mask, signal) == 0
        }
    })
}

/// The attributes of a queue that is made without any: they are the implementation's choice.
struct Small(mq_attr);
// SAFETY: it is never changed.
unsafe impl Sync for Small {}
static SMALL: Small = {
    // SAFETY: plain data, for which zeros are valid.
    let mut attributes: mq_attr = unsafe { std::mem::zeroed() };
    attributes.mq_maxmsg = 1;
    attributes.mq_msgsize = 8192;
    Small(attributes)
};

fn shrink_queue(call: &mut Call) {
    let makes = crate::next::number(call.arguments[1]) & libc::O_CREAT != 0;
    if call.number == number::MQ_OPEN && makes && call.arguments[3] == 0 {
        call.arguments[3] = &raw const SMALL.0 as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_depend_on_all_that_they_are_made_of() {
        assert_eq!(mix(1, 2), mix(1, 2));
        assert_ne!(mix(1, 2), mix(2, 1));
        let ones: u32 = (0..64).map(|bit| (mix(7, 1 << bit) ^ mix(7, 0)).count_ones()).sum();
        assert!((28 * 64..36 * 64).contains(&ones), "{ones}");
    }
}
