//! Prefetches memory that another processor may hold, so that the transfer overlaps with other
//! work.
//!
//! Any address will do: a prefetch never faults.

/// Soon the memory so many bytes behind this is read.
#[inline(always)]
pub fn to_read<const BEHIND: usize>(at: *const impl Sized) {
    // SAFETY: a hint, which changes nothing that can be seen.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!("prefetcht0 [{} + {}]", in(reg) at, const BEHIND,
            options(nostack, preserves_flags, readonly));
    }
    // SAFETY: a hint, which changes nothing that can be seen.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}, {}]", in(reg) at, const BEHIND,
            options(nostack, preserves_flags, readonly));
    }
    let _ = at;
}

/// Soon it is written. (A processor without the instruction executes a no-op.)
#[inline(always)]
pub fn to_write<const BEHIND: usize>(at: *const impl Sized) {
    // SAFETY: a hint, which changes nothing that can be seen.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!("prefetchw [{} + {}]", in(reg) at, const BEHIND,
            options(nostack, preserves_flags, readonly));
    }
    // SAFETY: a hint, which changes nothing that can be seen.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}, {}]", in(reg) at, const BEHIND,
            options(nostack, preserves_flags, readonly));
    }
    let _ = at;
}
