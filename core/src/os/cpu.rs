//! Which processor this thread runs on, for the price of two loads.
//!
//! glibc 2.35 and later register a `struct rseq` (rseq(2)) for each thread, in which the kernel
//! keeps the number of the processor; `__rseq_offset` is its distance from the thread pointer.
//! Without it `sched_getcpu` is asked.

#[cfg(target_arch = "x86_64")]
use crate::atomic::AtomicBool;
use crate::atomic::{AtomicIsize, AtomicU32, Ordering};

/// Distance of the thread's rseq area from the thread pointer; 0 while there is none. Written
/// once, at load.
static RSEQ_OFFSET: AtomicIsize = AtomicIsize::new(0);

/// `cpu_id` comes after the 32-bit `cpu_id_start`.
const CPU_ID: isize = 4;

/// Looks up glibc's registration; until then the kernel is asked. Called once, while the library
/// is loaded.
pub fn init() {
    // SAFETY: both names are NUL-terminated; the objects, where they exist, are a ptrdiff_t and
    // an unsigned int that never change after the start of the program.
    unsafe {
        let offset = libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_offset".as_ptr()).cast::<isize>();
        let size = libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_size".as_ptr()).cast::<u32>();
        if !offset.is_null() && !size.is_null() && *size != 0 {
            RSEQ_OFFSET.store(*offset, Ordering::Relaxed);
        }
    }
}

/// The number of the processor that this thread was on a moment ago.
#[inline]
pub fn current() -> u32 {
    // Relaxed: the value is written before any other thread exists.
    match RSEQ_OFFSET.load(Ordering::Relaxed) {
        0 => ask_kernel(),
        offset => read_rseq(offset + CPU_ID),
    }
}

/// Distance of the thread's `struct rseq` from the thread pointer, if it is known to be registered.
pub fn rseq_offset() -> Option<isize> {
    // Relaxed: as above.
    Some(RSEQ_OFFSET.load(Ordering::Relaxed)).filter(|&offset| offset != 0)
}

/// The same where it is known that there is one.
#[inline(always)]
pub fn known_rseq_offset() -> isize {
    RSEQ_OFFSET.load(Ordering::Relaxed)
}

/// Whether the processor has AVX2; false, too, until it has been asked.
#[cfg(target_arch = "x86_64")]
static HAS_AVX2: AtomicBool = AtomicBool::new(false);

/// Asks the processor what it can do. Not at load: asking is expensive in a virtual machine, and
/// most programs do not need the answer.
pub fn learn_features() {
    // Relaxed: a thread that does not see the answer yet does without it.
    #[cfg(target_arch = "x86_64")]
    HAS_AVX2.store(std::arch::is_x86_feature_detected!("avx2"), Ordering::Relaxed);
}

/// Whether the processor is known to have AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx2() -> bool {
    HAS_AVX2.load(Ordering::Relaxed)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn read_rseq(offset: isize) -> u32 {
    let cpu: u32;
    // SAFETY: reads four bytes of this thread's own rseq area, which lives as long as the thread.
    unsafe {
        core::arch::asm!("mov {:e}, fs:[{}]", out(reg) cpu, in(reg) offset,
            options(nostack, preserves_flags, readonly));
    }
    cpu
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn read_rseq(offset: isize) -> u32 {
    let (cpu, thread): (u32, *const u8);
    // SAFETY: `tpidr_el0` is the thread pointer; the area behind it lives as long as the thread.
    unsafe {
        core::arch::asm!("mrs {}, tpidr_el0", out(reg) thread,
            options(nostack, preserves_flags, nomem));
        cpu = thread.offset(offset).cast::<u32>().read_volatile();
    }
    cpu
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn read_rseq(_offset: isize) -> u32 {
    ask_kernel()
}

#[cold]
fn ask_kernel() -> u32 {
    // SAFETY: takes no arguments. A failure gives -1, which is no processor's number.
    unsafe { libc::sched_getcpu() }.cast_unsigned()
}

/// The number plus one of the only processor that this process has had to do with; [`SEVERAL`];
/// 0 = none yet.
static SEEN: AtomicU32 = AtomicU32::new(0);
const SEVERAL: u32 = u32::MAX;

/// Takes note that a thread runs, or ran, on this processor.
///
/// That is how a process learns that there are several. The kernel could be asked, but not at load,
/// because most programs do not use the library, and not later, because a program that waits for a
/// semaphore may have installed a filter that allows only the calls that such a wait needs.
#[inline]
pub fn saw(number: u32) {
    // Relaxed: a hint, and nothing depends on it.
    match SEEN.load(Ordering::Relaxed) {
        SEVERAL => {}
        0 => SEEN.store(number.wrapping_add(1), Ordering::Relaxed),
        seen if seen == number.wrapping_add(1) => {}
        _ => SEEN.store(SEVERAL, Ordering::Relaxed),
    }
}

/// Whether all threads that this process has seen were on one processor.
#[inline]
pub fn is_only_one() -> bool {
    SEEN.load(Ordering::Relaxed) != SEVERAL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_knows_its_processor() {
        init();
        // SAFETY: the set is plain data, filled by the calls that get it; pid 0 is this thread.
        unsafe {
            let mut set: libc::cpu_set_t = core::mem::zeroed();
            assert_eq!(libc::sched_getaffinity(0, size_of_val(&set), &raw mut set), 0);
            for cpu in (0..libc::CPU_SETSIZE as usize).filter(|&cpu| libc::CPU_ISSET(cpu, &set)) {
                let mut one: libc::cpu_set_t = core::mem::zeroed();
                libc::CPU_SET(cpu, &mut one);
                assert_eq!(libc::sched_setaffinity(0, size_of_val(&one), &raw const one), 0);
                assert_eq!(current() as usize, cpu);
                saw(current());
            }
            assert_eq!(is_only_one(), libc::CPU_COUNT(&set) == 1);
        }
    }
}
