//! A system call that is not restarted after a signal handler, even with SA_RESTART.
//!
//! The kernel restarts a call by going back to its instruction. Before it runs a handler, and
//! whenever the thread was preempted, it checks whether the instruction that it is about to return
//! to is part of a restartable sequence. If it is, the kernel returns to the abort handler of the
//! sequence instead. Here the sequence is that one instruction: after a call that has ended, the
//! thread is past it. (A kernel with CONFIG_DEBUG_RSEQ, which checks that a sequence makes no
//! system call, looks at the same instruction.)
//!
//! The instruction itself leaves its return address in `rcx`, which shows whether the call had
//! begun: if not, the thread was preempted just before it.

use core::arch::asm;
use core::ffi::c_long;

/// The result of the call, or minus the error number: EINTR instead of a restart, also after the
/// process was stopped. `None`: it has not begun.
///
/// # Safety
/// Of the call. The C library has registered a `struct rseq` at this distance from the thread
/// pointer.
#[inline(never)]
pub unsafe fn call(rseq: isize, number: c_long, arguments: &[c_long; 6]) -> Option<c_long> {
    let mut result = number;
    let mut came_from = 0_u64;
    // 0x53053053: see `sequence`.
    // SAFETY: as the caller says.
    unsafe {
        asm!(
            ".pushsection .data.rel.ro, \"aw\", @progbits",
            ".balign 32",
            "20: .long 0, 0",
            ".quad 22f, 23f - 22f, 24f",
            ".popsection",
            "lea {scratch}, [rip + 20b]",
            "mov fs:[{rseq} + 8], {scratch}",
            "22: syscall",
            "23:",
            ".pushsection .text.unlikely, \"ax\", @progbits",
            ".byte 0x0f, 0xb9, 0x3d",
            ".long 0x53053053",
            "24: mov eax, {eintr}",
            "neg rax",
            "jmp 23b",
            ".popsection",
            rseq = in(reg) rseq,
            scratch = out(reg) _,
            eintr = const libc::EINTR,
            inlateout("rax") result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") arguments[5],
            inlateout("rcx") came_from,
            lateout("r11") _,
            options(nostack),
        );
    }
    (came_from != 0).then_some(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::{AtomicU32, Ordering};
    use core::ptr;

    static CALLS: AtomicU32 = AtomicU32::new(0);

    extern "C" fn count(_: libc::c_int) {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn a_call_ends_as_the_kernel_says() {
        super::super::super::cpu::init();
        let Some(rseq) = super::super::super::cpu::rseq_offset() else { return };
        // SAFETY: takes no pointer.
        let result = unsafe { call(rseq, libc::SYS_close, &[-1, 0, 0, 0, 0, 0]) };
        assert_eq!(result, Some(-c_long::from(libc::EBADF)));
    }

    #[test]
    fn a_handler_that_restarts_calls_ends_it() {
        super::super::super::cpu::init();
        let Some(rseq) = super::super::super::cpu::rseq_offset() else { return };
        let word = AtomicU32::new(0);
        // SAFETY: takes no arguments.
        let me = unsafe { libc::pthread_self() };
        // SAFETY: the handler counts; the signal goes to this thread, which waits for its sender.
        unsafe {
            let mut action: libc::sigaction = core::mem::zeroed();
            let handler: extern "C" fn(libc::c_int) = count;
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(libc::SIGUSR2, &raw const action, ptr::null_mut());
        }
        let sender = std::thread::spawn(move || {
            while CALLS.load(Ordering::Relaxed) == 0 {
                std::thread::sleep(core::time::Duration::from_millis(5));
                // SAFETY: the thread waits for us.
                unsafe { libc::pthread_kill(me, libc::SIGUSR2) };
            }
        });
        let address = word.as_ptr().expose_provenance().cast_signed() as c_long;
        let arguments = [address, libc::FUTEX_WAIT.into(), 0, 0, 0, 0];
        // SAFETY: the word lives through the call, which has no timeout.
        let result = unsafe { call(rseq, libc::SYS_futex, &arguments) };
        sender.join().unwrap();
        assert!(matches!(result, None | Some(-4)), "{result:?}");
    }
}
