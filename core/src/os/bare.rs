//! System calls that bypass the C library, for threads that have no thread-local memory of their
//! own (`spawn`): in those even `errno` would belong to another thread.

use core::ffi::c_long;

/// Whether threads that are not the C library's can be had on this architecture.
pub const IS_SUPPORTED: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// The result of the call, or minus the error number.
///
/// # Safety
/// Of the call.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub unsafe fn call(number: c_long, arguments: [usize; 4]) -> c_long {
    let result;
    // SAFETY: as the caller says; the instruction itself changes rax, rcx and r11.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") number => result,
            in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2],
            in("r10") arguments[3], lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// The result of the call, or minus the error number.
///
/// # Safety
/// Of the call.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub unsafe fn call(number: c_long, arguments: [usize; 4]) -> c_long {
    let result;
    // SAFETY: as the caller says.
    unsafe {
        core::arch::asm!("svc 0", in("x8") number,
            inlateout("x0") arguments[0] => result,
            in("x1") arguments[1], in("x2") arguments[2], in("x3") arguments[3],
            options(nostack));
    }
    result
}

/// The result of the call, or minus the error number. Here it goes by the C library, so it is for
/// its threads alone.
///
/// # Safety
/// Of the call.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub unsafe fn call(number: c_long, [a, b, c, d]: [usize; 4]) -> c_long {
    // SAFETY: as the caller says.
    let result = unsafe { libc::syscall(number, a, b, c, d) };
    if result < 0 { -c_long::from(super::errno::Errno::last().0) } else { result }
}

/// [`call`] with more arguments.
///
/// # Safety
/// Of the call.
#[cfg(target_arch = "x86_64")]
pub unsafe fn call_with_six(number: c_long, arguments: [usize; 6]) -> c_long {
    let result;
    // SAFETY: as the caller says; the instruction itself changes rax, rcx and r11.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") number => result,
            in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2],
            in("r10") arguments[3], in("r8") arguments[4], in("r9") arguments[5],
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// [`call`] with more arguments.
///
/// # Safety
/// Of the call.
#[cfg(target_arch = "aarch64")]
pub unsafe fn call_with_six(number: c_long, arguments: [usize; 6]) -> c_long {
    let result;
    // SAFETY: as the caller says.
    unsafe {
        core::arch::asm!("svc 0", in("x8") number,
            inlateout("x0") arguments[0] => result,
            in("x1") arguments[1], in("x2") arguments[2], in("x3") arguments[3],
            in("x4") arguments[4], in("x5") arguments[5], options(nostack));
    }
    result
}

/// [`call`] with more arguments.
///
/// # Safety
/// Of the call.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub unsafe fn call_with_six(number: c_long, [a, b, c, d, e, f]: [usize; 6]) -> c_long {
    // SAFETY: as the caller says.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 { -c_long::from(super::errno::Errno::last().0) } else { result }
}

/// Unmaps the stack that the calling thread runs on, and ends the thread.
///
/// # Safety
/// No other thread uses that memory, and the thread is a bare one.
#[cfg(target_arch = "x86_64")]
pub unsafe fn unmap_and_exit(base: usize, length: usize) -> ! {
    // SAFETY: between the two calls nothing is on the stack.
    unsafe {
        core::arch::asm!("syscall", "xor edi, edi", "mov eax, {exit}", "syscall", "ud2",
            exit = const libc::SYS_exit,
            in("rax") libc::SYS_munmap, in("rdi") base, in("rsi") length,
            options(noreturn, nostack));
    }
}

/// Unmaps the stack that the calling thread runs on, and ends the thread.
///
/// # Safety
/// No other thread uses that memory, and the thread is a bare one.
#[cfg(target_arch = "aarch64")]
pub unsafe fn unmap_and_exit(base: usize, length: usize) -> ! {
    // SAFETY: between the two calls nothing is on the stack.
    unsafe {
        core::arch::asm!("svc 0", "mov x0, xzr", "mov x8, {exit}", "svc 0", "brk 1",
            exit = const libc::SYS_exit, in("x8") libc::SYS_munmap, in("x0") base, in("x1") length,
            options(noreturn, nostack));
    }
}

/// Not here: no bare thread was ever made.
///
/// # Safety
/// None needed.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub unsafe fn unmap_and_exit(_base: usize, _length: usize) -> ! {
    std::process::abort()
}
