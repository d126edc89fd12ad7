//! The calls of `<sys/shm.h>`.

use std::ffi::{c_int, c_void};
use std::ptr;

use libc::{key_t, shmid_ds, size_t};

use super::sem_control::{kernel, number};
use super::shm_control::control;
use crate::edge::{fail, status};
use crate::thread::on_this_thread;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::user;
use rsipc_core::sysv::shm::{self, kind};

/// Returns the id of the segment with this key, or of a new one. POSIX.1-2017, `shmget`.
#[unsafe(no_mangle)]
pub extern "C" fn shmget(key: key_t, size: size_t, shmflg: c_int) -> c_int {
    if !kind::is_ours() {
        // SAFETY: no pointer.
        return kernel(unsafe { libc::syscall(libc::SYS_shmget, key, size, shmflg) });
    }
    number(uncancelled(|| on_this_thread(|thread| shm::get(thread, key, size as u64, shmflg))))
}

/// Attaches a segment, and returns its address. POSIX.1-2017, `shmat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shmat(shmid: c_int, shmaddr: *const c_void, shmflg: c_int) -> *mut c_void {
    if !kind::is_ours() {
        // SAFETY: what was there is replaced only if the caller says so.
        let address = unsafe { libc::syscall(libc::SYS_shmat, shmid, shmaddr, shmflg) };
        user::forget_all();
        return ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(usize::MAX));
    }
    let attached =
        uncancelled(|| on_this_thread(|thread| shm::attach(thread, shmid, shmaddr.addr(), shmflg)));
    match attached {
        Ok(address) => ptr::with_exposed_provenance_mut(address),
        Err(error) => fail(error, ptr::without_provenance_mut(usize::MAX)),
    }
}

/// Detaches the segment that is attached at this address. POSIX.1-2017, `shmdt`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shmdt(shmaddr: *const c_void) -> c_int {
    if !kind::is_ours() {
        // SAFETY: the caller does not use the segment any more.
        let result = kernel(unsafe { libc::syscall(libc::SYS_shmdt, shmaddr) });
        user::forget_all();
        return result;
    }
    status(uncancelled(|| on_this_thread(|thread| shm::detach(thread, shmaddr.addr()))))
}

/// Returns the state of a segment, or changes it. POSIX.1-2017, `shmctl`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shmctl(shmid: c_int, cmd: c_int, buf: *mut shmid_ds) -> c_int {
    if !kind::is_ours() {
        // SAFETY: the kernel checks the pointer.
        return kernel(unsafe { libc::syscall(libc::SYS_shmctl, shmid, cmd, buf) });
    }
    number(uncancelled(|| on_this_thread(|thread| control(thread, shmid, cmd, buf.cast()))))
}
