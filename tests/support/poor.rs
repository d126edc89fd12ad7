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

/// The last call that filters older than `futex_waitv` know.
const LAST_KNOWN: i64 = libc::SYS_futex_waitv - 1;

/// A filter, as `tests/c/poor_kernel/refuse.c` is told.
#[derive(Clone)]
pub struct Filter([String; 2]);

impl Filter {
    /// The calls that gVisor and older kernels do not have give this errno.
    pub fn refusing(error: i32) -> Self {
        Self([error.to_string(), REFUSED.map(|call| call.to_string()).join(",")])
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
