//! Whether the program runs under valgrind(1), which looks at what system calls read.

/// `RUNNING_ON_VALGRIND` of valgrind.h.
const IS_RUNNING: usize = 0x1001;

/// A request to valgrind: instructions that do nothing elsewhere ("The Client Request mechanism" in
/// its manual).
#[inline(never)]
pub fn is_running() -> bool {
    let request = [IS_RUNNING, 0, 0, 0, 0, 0];
    let mut result = 0_usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: rotates a register by 128 bits in all, and exchanges another one with itself.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") result,
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: rotates a register by 128 bits in all, and combines another one with itself.
    unsafe {
        core::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") request.as_ptr(),
            inout("x3") result,
        );
    }
    result != 0
}
