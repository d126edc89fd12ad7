//! Reads memory that the program has passed to a system call, as the kernel would: where it cannot
//! be read, the read ends without an error.

use core::ptr;

use super::errno::Errno;
use super::valgrind;
use crate::atomic::AtomicU32;

/// Bytes that the kernel reads of a set of signals.
const PROBE: usize = size_of::<u64>();
/// The smallest pages there are, in bytes.
const PAGE: usize = 4096;
/// `how` of rt_sigprocmask(2), out of range.
const NOTHING: libc::c_long = -1;

/// An array in the memory of the program.
pub struct Array<T> {
    start: *const T,
    /// Up to here it is known to be readable.
    known: usize,
    /// See [`is_on_stack`].
    anchor: usize,
}

impl<T: Copy> Array<T> {
    /// Any address. `anchor`: that of a variable of the calling thread.
    pub fn at(start: *const T, anchor: usize) -> Self {
        Self { start, known: start.addr(), anchor }
    }

    /// An element. `None`: it cannot be read. They are read in rising order. Any bytes must be a
    /// `T`.
    pub fn get(&mut self, index: usize) -> Option<T> {
        let element = self.start.wrapping_add(index);
        let end = element.addr().checked_add(size_of::<T>())?;
        while self.known < end {
            let first = self.known.max(element.addr());
            let is_one_page = first / PAGE == (end - 1) / PAGE;
            if !is_readable(first, self.anchor)
                || (!is_one_page && !is_readable(end - 1, self.anchor))
            {
                return None;
            }
            self.known = ((end - 1) | (PAGE - 1)).checked_add(1)?;
        }
        // SAFETY: readable a moment ago. A program that unmaps memory in use by a call crashes
        // without this library, too: the C library reads such arguments itself.
        Some(unsafe { element.read_unaligned() })
    }
}

/// Bytes above our own frame within which an address is assumed to be on the stack: a caller seldom
/// keeps what it waits for further up.
const NEAR: usize = 256 * 1024;

unsafe extern "C" {
    /// Where the stack of the first thread began, at the start of the program. The loader's.
    static __libc_stack_end: *const u8;
}

/// Whether an address is on the calling thread's stack, between our frame and something that is
/// known to lie above it: the start of the first thread's stack, or a thread's own variables.
fn is_on_stack(address: usize, anchor: usize) -> bool {
    let here = 0_u8;
    let here = ptr::from_ref(&here).addr();
    let reaches = |end: usize| here <= address && address < end && end - here < NEAR;
    // SAFETY: stored before any library is loaded, and never again.
    reaches(anchor) || reaches(unsafe { __libc_stack_end }.addr())
}

/// Whether the byte at this address can be read. Asks the kernel for an invalid change of the
/// signal mask: it reads the new mask before it rejects the request. No filter refuses that call.
pub fn is_readable(address: usize, anchor: usize) -> bool {
    if is_on_stack(address, anchor) {
        return true;
    }
    if let Some(is_there) = tell_by_populating(address, POPULATE_READ) {
        return is_there;
    }
    // Within the page; not NULL, by which the kernel is asked for nothing.
    let within = address.min((address | (PAGE - 1)) - (PROBE - 1)).max(1);
    // SAFETY: the kernel checks the address, and does nothing, as the first argument is not valid.
    let result = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, NOTHING, within, 0, PROBE) };
    result == 0 || Errno::last() != Errno::EFAULT
}

/// Whether the byte at this address can be written.
pub(super) fn is_writable(address: usize) -> bool {
    if let Some(is_there) = tell_by_populating(address, POPULATE_WRITE) {
        return is_there;
    }
    can_be_changed(address) || is_writable_late(address)
}

/// Asks the kernel to add 0 to the word at this address atomically, with FUTEX_WAKE_OP of futex(2).
fn can_be_changed(address: usize) -> bool {
    const CHANGE_BY_NOTHING: libc::c_int = libc::FUTEX_OP_OR << 28;
    let unused = AtomicU32::new(0);
    let operation = libc::FUTEX_WAKE_OP | libc::FUTEX_PRIVATE_FLAG;
    let word = address & !(size_of::<u32>() - 1);
    // SAFETY: the kernel checks the address, and leaves what is there; no thread sleeps on our
    // word, and none that sleeps on the other one is woken.
    let result = unsafe {
        libc::syscall(libc::SYS_futex, unused.as_ptr(), operation, 0, 0, word, CHANGE_BY_NOTHING)
    };
    result >= 0 || Errno::last() != Errno::EFAULT
}

/// The same of a page that the program serves by userfaultfd(2): the atomic call waits for no page.
/// A read does, and so does populating, for pages whose writes are served; that is asked for last,
/// because filters may kill for it.
#[cold]
fn is_writable_late(address: usize) -> bool {
    is_readable(address, 0)
        && (can_be_changed(address) || populate(address, POPULATE_WRITE) == Some(true))
}

/// `MADV_POPULATE_READ` and `MADV_POPULATE_WRITE` of Linux 5.14.
const POPULATE_READ: libc::c_int = 22;
const POPULATE_WRITE: libc::c_int = 23;

/// The same under valgrind, which reports a call that reads what the program has not stored yet.
/// `None`: that does not tell. (Not elsewhere: filters refuse this call, and some kill for it.)
fn tell_by_populating(address: usize, advice: libc::c_int) -> Option<bool> {
    if valgrind::is_running() { populate(address, advice) } else { None }
}

/// Has the kernel make a page present for an access. `None`: it cannot say.
fn populate(address: usize, advice: libc::c_int) -> Option<bool> {
    // SAFETY: changes no memory.
    let result = unsafe { libc::syscall(libc::SYS_madvise, address & !(PAGE - 1), PAGE, advice) };
    match Errno::last() {
        _ if result == 0 => Some(true),
        Errno::ENOMEM | Errno::EFAULT => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends_where_the_memory_ends() {
        // SAFETY: new memory, of which the second page is made unreadable.
        let start = unsafe {
            let (protection, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let start = libc::mmap(ptr::null_mut(), 2 * PAGE, protection, flags, -1, 0);
            assert_eq!(libc::mprotect(start.byte_add(PAGE), PAGE, libc::PROT_NONE), 0);
            start.cast::<u64>()
        };
        let last = PAGE / size_of::<u64>() - 1;
        let mut array = Array::at(start, 0);
        assert_eq!(array.get(0), Some(0));
        let bytes = [0, PAGE - 1, PAGE].map(|offset| is_writable(start.addr() + offset));
        assert_eq!(bytes, [true, true, false]);
        assert!(is_readable(is_readable as *const () as usize, 0));
        assert!(!is_writable(is_readable as *const () as usize), "code");
        assert_eq!((array.get(last), array.get(last + 1)), (Some(0), None));
        assert_eq!(Array::at(start.wrapping_byte_add(PAGE - 4), 0).get(0), None, "half of it");
        assert_eq!(Array::at(ptr::null::<u64>(), 0).get(0), None);
        assert_eq!(Array::at(ptr::without_provenance::<u64>(usize::MAX - 3), 0).get(0), None);
        let local = 7_u64;
        assert_eq!(Array::at(&raw const local, 0).get(0), Some(7));
    }
}
