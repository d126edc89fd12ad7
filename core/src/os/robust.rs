//! The robust list of the calling thread (set_robust_list(2)), of which only one field is used.
//!
//! glibc registers a list head for each thread. When a thread ends while `list_op_pending` of its
//! head points to a word that holds its TID, the kernel changes the word to `FUTEX_OWNER_DIED`,
//! however the thread ended. The head remains glibc's. Each use restores what the field held
//! before, so uses nest.

use core::mem::size_of;

use crate::atomic::AtomicUsize;

use super::errno::preserved;

/// `struct robust_list_head` of linux/futex.h
#[repr(C)]
struct RobustListHead {
    list: usize,
    futex_offset: isize,
    list_op_pending: AtomicUsize,
}

/// The thread's field, and how to write the address of a word into it.
#[derive(Clone, Copy)]
pub struct Pending {
    /// `list_op_pending`, in the memory of the thread it belongs to.
    pub field: *const AtomicUsize,
    /// To subtract from the address of a word.
    pub offset: isize,
}

/// `None` where no list is registered: a raw clone(2), a kernel without robust futexes.
/// Leaves `errno` alone.
pub fn pending() -> Option<Pending> {
    let mut head: *const RobustListHead = core::ptr::null();
    let mut size = 0_usize;
    // SAFETY: both are valid for writing; 0 is the calling thread.
    let failed = preserved(|| unsafe {
        libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut size) != 0
    });
    if failed || head.is_null() || size != size_of::<RobustListHead>() {
        return None;
    }
    // SAFETY: the kernel would read the head as the thread ends, so it is valid as long as the
    // thread lives.
    unsafe {
        Some(Pending { field: &raw const (*head).list_op_pending, offset: (*head).futex_offset })
    }
}
