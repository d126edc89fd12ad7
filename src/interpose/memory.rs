//! The calls that change what is mapped: `<sys/mman.h>`. Each makes the C library's call, and what
//! is known of the memory is forgotten (`os/user` of the core): memory that is gone is EFAULT.

use std::ffi::{c_int, c_void};

use libc::{off_t, size_t};

use crate::entry::{jump_to, jumps_to};
use rsipc_core::os::user;
use rsipc_core::sysv::shm;

jumps_to! {
    rsipc_c_munmap(addr: *mut c_void, length: size_t) -> c_int;
    /// munmap(2)
    munmap;
}

jumps_to! {
    rsipc_c_mprotect(addr: *mut c_void, size: size_t, prot: c_int) -> c_int;
    /// mprotect(2)
    mprotect;
}

jumps_to! {
    rsipc_c_pkey_mprotect(addr: *mut c_void, size: size_t, prot: c_int, pkey: c_int) -> c_int;
    /// pkey_mprotect(2)
    pkey_mprotect;
}

jumps_to! {
    rsipc_c_mmap(
        addr: *mut c_void,
        length: size_t,
        prot: c_int,
        flags: c_int,
        fd: c_int,
        offset: off_t
    ) -> *mut c_void;
    /// mmap(2)
    mmap;
    /// `mmap` for large files.
    mmap64;
}

jumps_to! {
    rsipc_c_mremap(
        old_address: *mut c_void,
        old_size: size_t,
        new_size: size_t,
        flags: c_int,
        new_address: *mut c_void
    ) -> *mut c_void;
    /// mremap(2). The last argument is in its register whether it was given or not.
    mremap;
}

/// What cbits/memory.c calls.
#[unsafe(no_mangle)]
extern "C" fn rsipc_forget_memory(start: *const c_void, length: size_t) {
    user::forget(start.addr(), length);
    shm::note_change(start.addr(), length);
}
