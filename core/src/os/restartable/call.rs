//! A sleep that no signal handler is lost before, and that the kernel does not restart after one.
//!
//! Signals are held back until this function lets them through, and a few instructions follow until
//! the system call. A handler that runs there must end the sleep as one that runs during the sleep
//! does. The kernel builds its frame below the stack, where words have been marked. These are
//! looked at in a restartable sequence, of which the instruction of the call is the end: if a
//! handler runs in the sequence, or the thread loses its processor, the kernel goes to the abort
//! handler of the sequence, and there is no call.
//!
//! The kernel restarts a call by going back to its instruction. Before it runs a handler, and
//! whenever the thread was preempted, it checks whether the instruction that it is about to return
//! to is part of a sequence. So a sequence that has the instruction of the call in it is not
//! restarted: the kernel returns to the abort handler instead. After a call that has ended, the
//! thread is past it. (A kernel with CONFIG_DEBUG_RSEQ, which checks that a sequence makes no
//! system call, looks at the same instruction.)
//!
//! The instruction itself leaves its return address in `rcx`, which shows whether the call had
//! begun.
//!
//! The function is assembly as a whole, and has no frame: C calls it where the thread may be
//! cancelled at any instruction, and unwound.

use core::arch::global_asm;
use core::ffi::c_long;
use core::mem::offset_of;

use crate::cbits::Sleep;

/// Bytes below the stack pointer that belong to a function (the red zone); what the kernel stores
/// for a handler is below them.
const RED_ZONE: usize = 128;
/// Words there that are marked: fewer than the kernel stores, and than the calls that have led here
/// have used.
const MARKS: usize = 64;
const MARK: u64 = 0x7273_6970_6373_706c;

/// How it has ended.
#[repr(C)]
pub struct Ended {
    /// What the kernel returned; [`NOT_BEGUN`], [`RESTARTED`].
    pub result: c_long,
    /// The stack pointer, if words below it have been overwritten since the beginning, as by a
    /// handler; 0 if not.
    pub struck: usize,
}

/// There was no call. No system call gives this, or the following one.
pub const NOT_BEGUN: c_long = c_long::MIN;
/// The kernel was about to restart the call: after a handler with SA_RESTART, or a stop.
pub const RESTARTED: c_long = c_long::MIN + 1;

unsafe extern "C" {
    /// Lets signals through, if the sleep says so, and makes its call.
    ///
    /// # Safety
    /// The sleep has been described. The C library has registered a `struct rseq` at this distance
    /// from the thread pointer.
    pub fn rsipc_guarded_sleep(sleep: *const Sleep, rseq: isize) -> Ended;
}

// 0x53053053: see `sequence`.
global_asm!(
    ".pushsection .data.rel.ro.rsipc_guarded_sleep, \"aw\", @progbits",
    ".balign 32",
    "20: .long 0, 0",
    ".quad 22f, 23f - 22f, 24f",
    ".popsection",
    ".pushsection .text.rsipc_guarded_sleep, \"ax\", @progbits",
    ".globl rsipc_guarded_sleep",
    ".hidden rsipc_guarded_sleep",
    ".type rsipc_guarded_sleep, @function",
    ".balign 16",
    "rsipc_guarded_sleep:",
    ".cfi_startproc",
    // A system call leaves these alone: the sleep, and where rseq is.
    "movq xmm0, rdi",
    "movq xmm1, rsi",
    "movabs rax, {mark}",
    "mov ecx, {marks}",
    "30: mov [rsp + rcx * 8 - {zone}], rax",
    "dec ecx",
    "jnz 30b",
    "mov rsi, [rdi + {mask}]",
    "test rsi, rsi",
    "jz 31f",
    "mov eax, {set_mask}",
    "mov edi, {set}",
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "31: movq r11, xmm0",
    "mov rdi, [r11 + {arguments}]",
    "mov rsi, [r11 + {arguments} + 8]",
    "mov rdx, [r11 + {arguments} + 16]",
    "mov r10, [r11 + {arguments} + 24]",
    "mov r8, [r11 + {arguments} + 32]",
    "mov r9, [r11 + {arguments} + 40]",
    "movq rax, xmm1",
    "lea rcx, [rip + 20b]",
    "mov fs:[rax + 8], rcx",
    "22: movabs rax, {mark}",
    "mov ecx, {marks}",
    "32: cmp [rsp + rcx * 8 - {zone}], rax",
    "jne 25f",
    "dec ecx",
    "jnz 32b",
    "mov rax, [r11 + {number}]",
    "syscall",
    "23: jmp 26f",
    ".byte 0x0f, 0xb9, 0x3d",
    ".long 0x53053053",
    "24: movabs rax, {restarted}",
    "lea r8, [rip + 23b]",
    "cmp rcx, r8",
    "je 26f",
    "25: movabs rax, {not_begun}",
    "26: movabs r8, {mark}",
    "xor edx, edx",
    "mov ecx, {marks}",
    "33: cmp [rsp + rcx * 8 - {zone}], r8",
    "jne 34f",
    "dec ecx",
    "jnz 33b",
    "ret",
    "34: mov rdx, rsp",
    "ret",
    ".cfi_endproc",
    ".size rsipc_guarded_sleep, . - rsipc_guarded_sleep",
    ".popsection",
    mark = const MARK,
    marks = const MARKS,
    zone = const RED_ZONE + 8 * (MARKS + 1),
    mask = const offset_of!(Sleep, mask),
    number = const offset_of!(Sleep, number),
    arguments = const offset_of!(Sleep, arguments),
    set_mask = const libc::SYS_rt_sigprocmask,
    set = const libc::SIG_SETMASK,
    restarted = const RESTARTED,
    not_begun = const NOT_BEGUN,
);
