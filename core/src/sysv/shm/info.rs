//! What IPC_INFO and SHM_INFO give, as <sys/shm.h> lays it out: the `libc` crate does not have it.

use core::ffi::{c_int, c_ulong};

/// `struct shminfo`: IPC_INFO.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Bytes of a segment, at most.
    pub shmmax: c_ulong,
    /// And at least.
    pub shmmin: c_ulong,
    /// Segments, at most.
    pub shmmni: c_ulong,
    /// Attachments of a process, at most.
    pub shmseg: c_ulong,
    /// Pages of all segments together, at most.
    pub shmall: c_ulong,
    /// Zeros.
    pub reserved: [c_ulong; 4],
}

/// `struct shm_info`: SHM_INFO.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Segments.
    pub used_ids: c_int,
    /// Zero.
    pub padding: c_int,
    /// Pages of all segments together.
    pub shm_tot: c_ulong,
    /// Those of them that are in memory.
    pub shm_rss: c_ulong,
    /// Those that are swapped out.
    pub shm_swp: c_ulong,
    /// Zero: the kernel counts none any more.
    pub swap_attempts: c_ulong,
    /// Zero.
    pub swap_successes: c_ulong,
}
