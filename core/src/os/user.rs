//! The memory that the program gives to a call: read and written as the kernel does it, so that an
//! invalid pointer is EFAULT.

use crate::atomic::{AtomicUsize, Ordering};
use core::mem::MaybeUninit;
use core::ptr;

use super::errno::{Errno, Result};
use super::readable::{is_readable, is_writable};

/// The smallest pages there are, in bytes.
const PAGE: usize = 4096;
/// Pages that are remembered.
const KNOWN: usize = 1024;

/// What a call does to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Pages that could be accessed when they were checked, each at the index that its page number
/// gives, as the complement of its number: 0 is no page's. Relaxed: a page number that is there was
/// checked. (A program that unmaps such memory and then passes it to a call crashes.)
struct Pages {
    known: [AtomicUsize; KNOWN],
    access: Access,
}

static READABLE: Pages = Pages::new(Access::Read);
static WRITABLE: Pages = Pages::new(Access::Write);

/// The same pointer, if so many things can be read there. EFAULT.
#[inline(always)]
pub fn readable<T>(start: *const T, count: usize) -> Result<*const T> {
    READABLE.check(start.addr(), count, size_of::<T>()).map(|()| start)
}

/// Whether so many bytes are known to be readable. False: [`readable`] finds out.
#[inline(always)]
pub fn is_known_readable(start: *const u8, bytes: usize) -> bool {
    READABLE.are_known(start.addr(), bytes)
}

/// Whether so many bytes are known to be writable. False: [`writable`] finds out.
#[inline(always)]
pub fn is_known_writable(start: *const u8, bytes: usize) -> bool {
    WRITABLE.are_known(start.addr(), bytes)
}

/// The same pointer, if so many things can be written there. EFAULT.
#[inline(always)]
pub fn writable<T>(start: *mut T, count: usize) -> Result<*mut T> {
    WRITABLE.check(start.addr(), count, size_of::<T>()).map(|()| start)
}

impl Pages {
    const fn new(access: Access) -> Self {
        Self { known: [const { AtomicUsize::new(0) }; KNOWN], access }
    }

    #[inline(always)]
    fn check(&self, start: usize, count: usize, size: usize) -> Result<()> {
        let is_known = (size == 1 || count < PAGE) && self.are_known(start, count * size);
        if is_known { Ok(()) } else { self.check_all(start, count, size) }
    }

    /// Of some bytes, in one page or two.
    #[inline(always)]
    fn are_known(&self, start: usize, bytes: usize) -> bool {
        // Of the last byte: wraps for none.
        let offset = bytes.wrapping_sub(1);
        if offset >= PAGE || !self.is_known(start / PAGE) {
            return false;
        }
        start % PAGE + bytes <= PAGE || self.is_known(start.wrapping_add(offset) / PAGE)
    }

    #[inline(always)]
    fn is_known(&self, page: usize) -> bool {
        self.known[page % KNOWN].load(Ordering::Relaxed) == !page
    }

    #[cold]
    #[inline(never)]
    fn check_all(&self, start: usize, count: usize, size: usize) -> Result<()> {
        let bytes = count.checked_mul(size).ok_or(Errno::EFAULT)?;
        if bytes == 0 {
            return Ok(());
        }
        let last = start.checked_add(bytes - 1).ok_or(Errno::EFAULT)? / PAGE;
        for page in start / PAGE..=last {
            if !self.is_known(page) {
                self.look_at(page, start.max(page * PAGE))?;
            }
        }
        Ok(())
    }

    #[cold]
    fn look_at(&self, page: usize, address: usize) -> Result<()> {
        let can_be_accessed = || match self.access {
            Access::Read => is_readable(address, 0),
            Access::Write => is_writable(address),
        };
        if page == 0 || !super::errno::preserved(can_be_accessed) {
            return Err(Errno::EFAULT);
        }
        self.known[page % KNOWN].store(!page, Ordering::Relaxed);
        Ok(())
    }
}

/// What the program has at this address. EFAULT. Any bytes must be a `T`.
pub fn read<T: Copy>(from: *const T) -> Result<T> {
    let mut value = MaybeUninit::<T>::uninit();
    copy(libc::SYS_process_vm_readv, value.as_mut_ptr().cast(), from.cast(), size_of::<T>())?;
    // SAFETY: all of it has been copied, and any bytes are a `T`, says the caller.
    Ok(unsafe { value.assume_init() })
}

/// Fills a slice with what the program has at this address. EFAULT. Any bytes must be a `T`.
pub fn read_into<T: Copy>(from: *const T, into: &mut [T]) -> Result<()> {
    copy(libc::SYS_process_vm_readv, into.as_mut_ptr().cast(), from.cast(), size_of_val(into))
}

/// Stores to the memory of the program. EFAULT.
pub fn write<T: Copy>(into: *mut T, values: &[T]) -> Result<()> {
    let from = values.as_ptr().cast_mut().cast();
    copy(libc::SYS_process_vm_writev, from, into.cast_const().cast(), size_of_val(values))
}

/// Lets the kernel copy between our memory and that of the program, which is the same process.
fn copy(call: libc::c_long, ours: *mut u8, theirs: *const u8, length: usize) -> Result<()> {
    let local = libc::iovec { iov_base: ours.cast(), iov_len: length };
    let remote = libc::iovec { iov_base: theirs.cast_mut().cast(), iov_len: length };
    // SAFETY: our memory is valid for so many bytes; the kernel looks at the other.
    let copied = unsafe {
        let this = libc::syscall(libc::SYS_getpid);
        let (one, flags): (usize, usize) = (1, 0);
        libc::syscall(call, this, &raw const local, one, &raw const remote, one, flags)
    };
    match usize::try_from(copied) {
        Ok(copied) if copied == length => Ok(()),
        // The kernel, or a filter, does not do it.
        Err(_) if matches!(Errno::last(), Errno::ENOSYS | Errno::EPERM) => {
            let is_read = call == libc::SYS_process_vm_readv;
            copy_by_hand(is_read, ours, theirs.cast_mut(), length)
        }
        _ => Err(Errno::EFAULT),
    }
}

/// The same where the kernel only tells whether a page can be accessed. (A program that unmaps
/// memory in the middle of a call that uses it crashes.)
#[cold]
fn copy_by_hand(is_read: bool, ours: *mut u8, theirs: *mut u8, length: usize) -> Result<()> {
    let start = theirs.addr();
    let end = start.checked_add(length).ok_or(Errno::EFAULT)?;
    let can_access = |address: usize| {
        if is_read { is_readable(address, 0) } else { is_writable(address) }
    };
    for page in start / PAGE..end.div_ceil(PAGE) {
        if page == 0 || !can_access(start.max(page * PAGE)) {
            return Err(Errno::EFAULT);
        }
    }
    let (from, into) = if is_read { (theirs, ours) } else { (ours, theirs) };
    // SAFETY: our memory is valid for so many bytes; that of the program was a moment ago.
    unsafe { ptr::copy_nonoverlapping(from.cast_const(), into, length) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN_TEXT: [u8; 5] = *b"const";

    #[test]
    fn what_leads_nowhere_is_efault() {
        let nowhere = ptr::without_provenance_mut::<u64>(64);
        assert_eq!(read(nowhere), Err(Errno::EFAULT));
        assert_eq!(write(nowhere, &[1]), Err(Errno::EFAULT));
        assert_eq!(readable(nowhere, 1), Err(Errno::EFAULT));
        assert_eq!(writable(nowhere, 1), Err(Errno::EFAULT));
        let constant = (&raw const KNOWN_TEXT).cast::<u8>().cast_mut();
        assert_eq!(writable(constant, 1), Err(Errno::EFAULT), "it can only be read");
        let mut here = 7_u64;
        assert_eq!((read(&raw const here), write(&raw mut here, &[8])), (Ok(7), Ok(())));
        assert_eq!(readable(&raw const here, 1), Ok(&raw const here));
        assert_eq!(writable(&raw mut here, 1), Ok(&raw mut here));
        assert_eq!(here, 8);
    }
}
