//! Whether a signal handler has run in the middle of a few calls.
//!
//! No register and no system call tells that afterwards. But the kernel builds the frame of a
//! handler below the stack of what it interrupts, and leaves it there. So words below are marked
//! first, deeper than the calls reach. If they have changed, the frame is looked for: what it says
//! leaves no doubt that a handler has run, and tells in part which one.
//!
//! Not seen: a handler on a stack of its own (sigaltstack(2)).
//!
//! On processors other than x86-64 nothing is seen. The frame of aarch64 has five kilobytes, and
//! the kernel writes only a part of them, far below.

#[cfg(target_arch = "x86_64")]
use core::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
use crate::os::errno::preserved;
use crate::os::futex::Interrupted;
#[cfg(target_arch = "x86_64")]
use crate::os::readable::is_readable;
use crate::os::signals::Struck;
#[cfg(target_arch = "x86_64")]
use crate::os::signals::{Action, OF_THE_LIBRARY, of_the_program};

/// Canaries below the stack of the calling thread.
#[cfg(target_arch = "x86_64")]
pub struct Canaries {
    /// The stack pointer above them.
    top: usize,
}

#[cfg(target_arch = "x86_64")]
mod frame {
    //! The kernel's `struct rt_sigframe`, as distances from its beginning. The processor's state is
    //! above it.

    /// Where the handler returns to: `sa_restorer`.
    pub const RESTORER: usize = 0;
    /// `uc_link`: 0.
    pub const LINK: usize = 16;
    /// What the interrupted code had in `rsp`.
    pub const STACK_POINTER: usize = 168;
    /// Where the processor's state is.
    pub const STATE: usize = 232;
    /// `si_signo`, if the handler has SA_SIGINFO.
    pub const SIGNAL: usize = 312;
    /// It begins so many bytes above an address that is divisible by 16.
    pub const OFFSET: usize = 8;
}

/// Bytes below the stack pointer that belong to a function, and that the kernel leaves alone.
#[cfg(target_arch = "x86_64")]
const RED_ZONE: usize = 128;
/// Bytes of stack that the calls may use. What the kernel writes for a handler begins at most that
/// far down, and has 950 bytes at least.
#[cfg(target_arch = "x86_64")]
const CALLS: usize = 640;
/// Where the canaries end, and how many bytes they span: more than the largest gap in what the
/// kernel writes.
#[cfg(target_arch = "x86_64")]
const FIRST: usize = RED_ZONE + CALLS;
#[cfg(target_arch = "x86_64")]
const SPAN: usize = 512;
/// From one canary to the next.
#[cfg(target_arch = "x86_64")]
const STEP: usize = 32;
#[cfg(target_arch = "x86_64")]
const CANARY: usize = 0x7273_6970_6373_706c;
/// The least bytes of the processor's state.
#[cfg(target_arch = "x86_64")]
const STATE_MIN: usize = 512;
/// A frame is looked for in so many bytes: the state may have eleven kilobytes.
#[cfg(target_arch = "x86_64")]
const REACH: usize = 16 * 1024;
#[cfg(target_arch = "x86_64")]
const PAGE: usize = 4096;
/// Of the word with the signal. Its error number is in the upper half.
#[cfg(target_arch = "x86_64")]
const SIGNAL: usize = 0xffff_ffff;

#[cfg(target_arch = "x86_64")]
impl Canaries {
    /// Sets them. The calls that follow use less of the stack than `CALLS`; if they use more,
    /// handlers may be overlooked.
    #[inline(always)]
    pub fn set() -> Self {
        let top;
        // SAFETY: the kernel alone uses what is below the red zone, for handlers, and expects
        // nothing there. The canaries need less of the stack than a handler does.
        unsafe {
            core::arch::asm!(
                "mov {top}, rsp",
                "movq {canaries}, {canary}",
                "punpcklqdq {canaries}, {canaries}",
                ".irp number, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
                "movups [rsp - {first} - {step} * \\number], {canaries}",
                ".endr",
                top = out(reg) top,
                canary = in(reg) CANARY,
                canaries = out(xmm_reg) _,
                first = const FIRST,
                step = const STEP,
                options(nostack, preserves_flags),
            );
        }
        Self { top }
    }

    /// Those of code with this stack pointer, which has seen that a handler seems to have run.
    /// `None` for 0: it has not seen that.
    pub fn below(top: usize) -> Option<Self> {
        (top != 0).then_some(Self { top })
    }

    /// What has become of a wait by a handler since then. In doubt it goes on. Makes system calls
    /// only if a handler seems to have run.
    pub fn struck(&self, interrupted: Interrupted) -> Struck {
        if self.are_whole() { Struck::Not } else { self.found(interrupted) }
    }

    /// The same where a handler seems to have run.
    pub fn found(&self, interrupted: Interrupted) -> Struck {
        match self.find() {
            Some(frame) => preserved(|| frame.struck(interrupted)),
            None => Struck::Not,
        }
    }

    /// Whether it is certain that no handler has run since then.
    pub fn has_none_run(&self) -> bool {
        self.are_whole() && !has_stack_for_handlers()
    }

    /// Nobody asks. The frame of a handler that has run is not to be taken for a later one's.
    #[inline(always)]
    pub fn forget(&self) {
        if !self.are_whole() {
            let _ = self.find();
        }
    }

    // From here to the end of `find`, little of the stack is used: more would overwrite the frame.
    #[inline(always)]
    fn are_whole(&self) -> bool {
        let mut at = self.top - FIRST - SPAN;
        while at < self.top - FIRST {
            if word(at) != CANARY || word(at + 8) != CANARY {
                return false;
            }
            at += STEP;
        }
        true
    }

    /// The frame of a handler that has interrupted the calls.
    #[cold]
    #[inline(never)]
    fn find(&self) -> Option<Frame> {
        let nearest = self.top - RED_ZONE - STATE_MIN - frame::SIGNAL;
        let mut readable = (self.top - FIRST - SPAN) & !(PAGE - 1);
        let mut at = (nearest & !15) + frame::OFFSET;
        while at > self.top - REACH {
            if at < readable {
                readable = at & !(PAGE - 1);
                if !preserved(|| is_readable(readable, 0)) {
                    return None;
                }
            }
            if self.is_frame(at) {
                let (restorer, signal) = (at + frame::RESTORER, at + frame::SIGNAL);
                let frame = Frame { restorer: word(restorer), signal: word(signal) & SIGNAL };
                // It is not to be taken for that of a later handler.
                clear(restorer);
                clear(signal);
                return Some(frame);
            }
            at -= 16;
        }
        None
    }

    #[inline(always)]
    fn is_frame(&self, at: usize) -> bool {
        let (pointer, state) = (word(at + frame::STACK_POINTER), word(at + frame::STATE));
        word(at + frame::LINK) == 0
            && self.top - CALLS <= pointer
            && pointer <= self.top
            && at < state
            && state < self.top
    }
}

/// Whether the thread has a stack of its own for handlers: sigaltstack(2). In doubt it has.
#[cfg(target_arch = "x86_64")]
#[cold]
pub fn has_stack_for_handlers() -> bool {
    let mut stack = MaybeUninit::<libc::stack_t>::uninit();
    preserved(|| {
        // SAFETY: it only asks; the answer goes to memory valid for writing, and is read if it has
        // come.
        unsafe {
            libc::syscall(libc::SYS_sigaltstack, core::ptr::null::<u8>(), stack.as_mut_ptr()) != 0
                || stack.assume_init_ref().ss_flags & libc::SS_DISABLE == 0
        }
    })
}

/// What is read in a frame.
#[cfg(target_arch = "x86_64")]
struct Frame {
    restorer: usize,
    /// If the handler has SA_SIGINFO.
    signal: usize,
}

#[cfg(target_arch = "x86_64")]
impl Frame {
    /// What becomes of a wait by its handler. If that may be one of several, the wait ends if each
    /// of them ends it. The handlers of the C library do nothing to it.
    fn struck(&self, interrupted: Interrupted) -> Struck {
        if OF_THE_LIBRARY.map(|signal| signal as usize).contains(&self.signal) {
            return Struck::GoesOn;
        }
        let actions = of_the_program().map(|signal| (signal, Action::of(signal)));
        let of_this = actions.filter(|(signal, action)| {
            action.has_handler()
                && action.restorer() == self.restorer
                && (!action.is_told_more() || *signal as usize == self.signal)
        });
        of_this.fold(Struck::Not, |struck, (_, action)| match struck {
            Struck::Not | Struck::Ends if action.ends(interrupted) => Struck::Ends,
            _ => Struck::GoesOn,
        })
    }
}

/// A word of a frame whose handler has returned.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn clear(address: usize) {
    // SAFETY: it is below the stack, where nothing else is.
    unsafe { core::arch::asm!("mov qword ptr [{}], 0", in(reg) address, options(nostack)) };
}

/// A word below the stack, which no reference leads to.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn word(address: usize) -> usize {
    let word;
    // SAFETY: readable, as the canaries have been written there, or the kernel says so.
    unsafe {
        core::arch::asm!("mov {}, [{}]", out(reg) word, in(reg) address,
            options(nostack, preserves_flags, readonly));
    }
    word
}

/// None.
#[cfg(not(target_arch = "x86_64"))]
pub struct Canaries;

#[cfg(not(target_arch = "x86_64"))]
impl Canaries {
    /// Does nothing.
    pub fn set() -> Self {
        Self
    }

    /// Not known.
    pub fn has_none_run(&self) -> bool {
        false
    }

    /// Does nothing.
    pub fn forget(&self) {}

    /// Not known.
    pub fn struck(&self, _: Interrupted) -> Struck {
        Struck::Not
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    extern "C" fn nothing(_: libc::c_int) {}

    fn install(signal: libc::c_int, flags: libc::c_int) {
        let handler: extern "C" fn(libc::c_int) = nothing;
        // SAFETY: the handler does nothing.
        unsafe {
            let mut action: libc::sigaction = core::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = flags;
            libc::sigaction(signal, &raw const action, core::ptr::null_mut());
        }
    }

    /// What becomes of a wait in the middle of which this signal comes. 0 = none comes.
    fn struck_by(signal: libc::c_int, interrupted: Interrupted) -> Struck {
        // SAFETY: takes no pointer.
        let (process, thread) = unsafe { (libc::getpid(), libc::gettid()) };
        let canaries = Canaries::set();
        // SAFETY: the handler does nothing.
        unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal) };
        canaries.struck(interrupted)
    }

    fn handlers_strike_as_installed() -> bool {
        let (restarts, ends) = (libc::SIGUSR1, libc::SIGVTALRM);
        // SAFETY: no handler of another test stays.
        (1..32).for_each(|signal| unsafe {
            libc::signal(signal, libc::SIG_DFL);
        });
        install(restarts, libc::SA_RESTART | libc::SA_SIGINFO);
        [0, libc::SA_SIGINFO, 0].into_iter().all(|flags| {
            install(ends, flags);
            struck_by(0, Interrupted::Fails) == Struck::Not
                && struck_by(restarts, Interrupted::Fails) == Struck::Ends
                // The frame of the handler is still there.
                && struck_by(0, Interrupted::Fails) == Struck::Not
                && struck_by(restarts, Interrupted::MayRestart) == Struck::GoesOn
                && struck_by(ends, Interrupted::MayRestart) == Struck::Ends
        })
    }

    #[test]
    fn a_handler_ends_a_wait_as_it_was_installed() {
        // SAFETY: the child makes system calls, and ends; the parent waits for it.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(i32::from(!handlers_strike_as_installed()));
            }
            assert!(child > 0, "fork failed");
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            assert_eq!(status, 0);
        }
    }
}
