//! The memory that the program gives to a call: read and written as the kernel does it, so that an
//! invalid pointer is EFAULT.

mod known;

use core::mem::MaybeUninit;
use core::ptr;

pub use self::known::{
    forget, forget_all, is_known_readable, is_known_writable, readable, writable,
};
use super::errno::{Errno, Result};
use super::readable::{is_readable, is_writable};
use super::valgrind;

/// The smallest pages there are, in bytes.
const PAGE: usize = 4096;

/// What the program has at this address. EFAULT. Any bytes must be a `T`.
pub fn read<T: Copy>(from: *const T) -> Result<T> {
    let mut value = MaybeUninit::<T>::uninit();
    copy(libc::SYS_process_vm_writev, value.as_mut_ptr().cast(), from.cast(), size_of::<T>())?;
    // SAFETY: all of it has been copied, and any bytes are a `T`, says the caller.
    Ok(unsafe { value.assume_init() })
}

/// Fills a slice with what the program has at this address. EFAULT. Any bytes must be a `T`.
pub fn read_into<T: Copy>(from: *const T, into: &mut [T]) -> Result<()> {
    copy(libc::SYS_process_vm_writev, into.as_mut_ptr().cast(), from.cast(), size_of_val(into))
}

/// Stores to the memory of the program. EFAULT.
pub fn write<T: Copy>(into: *mut T, values: &[T]) -> Result<()> {
    let from = values.as_ptr().cast_mut().cast();
    copy(libc::SYS_process_vm_readv, from, into.cast_const().cast(), size_of_val(values))
}

/// Lets the kernel copy between our memory and that of the program, which is the same process.
///
/// To the kernel, ours is that of the other process: there it takes only memory that it can pin,
/// which that of the program need not be (memfd_secret(2), devices). So what we read is written to
/// us, and the other way round. (valgrind would report what the program has not stored of that.)
fn copy(call: libc::c_long, ours: *mut u8, theirs: *const u8, length: usize) -> Result<()> {
    let is_read = call == libc::SYS_process_vm_writev;
    if is_read && valgrind::is_running() {
        return copy_by_hand(is_read, ours, theirs.cast_mut(), length);
    }
    let local = libc::iovec { iov_base: theirs.cast_mut().cast(), iov_len: length };
    let remote = libc::iovec { iov_base: ours.cast(), iov_len: length };
    // SAFETY: our memory is valid for so many bytes; the kernel looks at the other.
    let copied = unsafe {
        let this = libc::syscall(libc::SYS_getpid);
        let (one, flags): (usize, usize) = (1, 0);
        libc::syscall(call, this, &raw const local, one, &raw const remote, one, flags)
    };
    if usize::try_from(copied) == Ok(length) {
        return Ok(());
    }
    // The kernel, or a filter, does not do it, or our own memory cannot be pinned (a stack that the
    // program has placed), or EFAULT.
    copy_by_hand(is_read, ours, theirs.cast_mut(), length)
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
