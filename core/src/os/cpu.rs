//! Which processor this thread runs on, for the price of two loads.
//!
//! glibc 2.35 and later register a `struct rseq` (rseq(2)) for each thread, in which the kernel keeps the number of
//! the processor; `__rseq_offset` is its distance from the thread pointer. Without it `sched_getcpu` is asked.

use core::sync::atomic::{AtomicIsize, AtomicU8, Ordering};

/// Distance of the thread's rseq area from the thread pointer; 0 while there is none. Written once, at load.
static RSEQ_OFFSET: AtomicIsize = AtomicIsize::new(0);

/// `cpu_id` comes after the 32-bit `cpu_id_start`.
const CPU_ID: isize = 4;

/// Looks up glibc's registration; until then the kernel is asked. Called once, while the library is loaded.
pub fn init() {
    // SAFETY: both names are NUL-terminated; the objects, where they exist, are a ptrdiff_t and an unsigned int that
    // never change after the start of the program.
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
        core::arch::asm!("mrs {}, tpidr_el0", out(reg) thread, options(nostack, preserves_flags, nomem));
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

/// Whether the machine has one processor, as far as can be known without opening a file in the
/// middle of a wait: the one that this process and process 1 both are confined to. A process that
/// is pinned is not alone for that, another one may be pinned beside it.
#[inline]
pub fn is_only_one() -> bool {
    const UNKNOWN: u8 = 0;
    const SEVERAL: u8 = 1;
    const ONE: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);

    #[cold]
    fn find_out() -> u8 {
        let known = if processors(&[0, 1]) == 1 { ONE } else { SEVERAL };
        KNOWN.store(known, Ordering::Relaxed);
        known
    }

    // Relaxed: nothing else depends on it, and all who find it out find the same.
    match KNOWN.load(Ordering::Relaxed) {
        UNKNOWN => find_out() == ONE,
        known => known == ONE,
    }
}

/// Processors that at least one of these processes may run on; 0 = this process. 0 if the kernel
/// does not say.
fn processors(processes: &[libc::pid_t]) -> u32 {
    let mut all = [0_usize; MASK_WORDS];
    for &pid in processes {
        let mut mask = [0_usize; MASK_WORDS];
        let size = size_of_val(&mask);
        // SAFETY: the mask is valid for writing `size` bytes. A bare call changes no `errno`
        // that was not saved.
        let filled = unsafe {
            let errno = libc::__errno_location();
            let before = *errno;
            let filled = libc::syscall(libc::SYS_sched_getaffinity, pid, size, mask.as_mut_ptr());
            *errno = before;
            filled
        };
        if filled <= 0 {
            return 0;
        }
        all.iter_mut().zip(mask).for_each(|(all, one)| *all |= one);
    }
    all.iter().map(|word| word.count_ones()).sum()
}

/// Room for 8,192 processors, the most that Linux can be built for.
const MASK_WORDS: usize = 8192 / usize::BITS as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted() {
        // SAFETY: takes no pointer.
        let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        assert!((1..=online).contains(&i64::from(processors(&[0]))));
        assert!(processors(&[0, 1]) >= processors(&[0]));
        assert_eq!(is_only_one(), processors(&[0, 1]) == 1);
    }

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
            }
        }
    }
}
