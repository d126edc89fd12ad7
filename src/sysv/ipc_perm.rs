//! `struct ipc_perm`, the part that the structures of all three families begin with.

use std::ffi::{c_int, c_ushort};

use libc::ipc_perm;

use rsipc_core::sysv::permission::Permission;

/// What the caller of IPC_SET wants the 9 permission bits to be.
#[allow(clippy::useless_conversion, reason = "the field is 16 bits wide on x86-64, 32 elsewhere")]
pub fn mode_of(from: &ipc_perm) -> u16 {
    u16::try_from(from.mode & 0o777).unwrap_or(0)
}

/// Fills in all fields. `mode` has flags of the family beside the permission bits.
#[allow(clippy::useless_conversion, reason = "as above")]
pub fn fill(into: &mut ipc_perm, key: libc::key_t, id: c_int, permission: &Permission, mode: u16) {
    into.__key = key;
    into.uid = permission.uid;
    into.gid = permission.gid;
    into.cuid = permission.cuid;
    into.cgid = permission.cgid;
    into.mode = mode.into();
    into.__seq = c_ushort::try_from(id >> 15).unwrap_or(0);
}
