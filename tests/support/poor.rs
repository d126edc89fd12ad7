//! Programs where the kernel refuses what older ones and sandboxes do not have.

use std::path::Path;
use std::process::Command;

use super::{Way, command, compile};

/// Of Linux 6.7 and later; libc knows no name for it yet.
const FUTEX_WAIT: i64 = 455;

const REFUSED: [i64; 8] = [
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_futex_waitv,
    FUTEX_WAIT,
    libc::SYS_membarrier,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_rseq,
];

/// The calls of System V. The library makes none of them for sets and queues; for segments it asks
/// once.
const SYSTEM_V: [i64; 12] = [
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmdt,
];

/// The last call that filters older than `futex_waitv` know.
const LAST_KNOWN: i64 = libc::SYS_futex_waitv - 1;

/// A filter, as `tests/c/poor_kernel/refuse.c` is told.
#[derive(Clone)]
pub struct Filter([String; 2]);

impl Filter {
    /// The calls that gVisor and older kernels do not have give this errno.
    pub fn refusing(error: i32) -> Self {
        Self([error.to_string(), Self::list(&REFUSED)])
    }

    /// There is no System V, and calls for it give this errno.
    pub fn without_system_v(error: i32) -> Self {
        Self([error.to_string(), Self::list(&SYSTEM_V)])
    }

    fn list(calls: &[i64]) -> String {
        calls.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
    }

    /// Newer calls kill, as under filters of systemd.
    pub fn killing() -> Self {
        Self(["kill-above".into(), LAST_KNOWN.to_string()])
    }

    /// The program, preloaded. The filter is in place before the library is loaded.
    pub fn command(&self, program: &Path) -> Command {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/poor_kernel/refuse.c");
        let mut command = command(&compile(&source, Way::Glibc), Way::Preload);
        command.args(&self.0).arg(program);
        command
    }
}
