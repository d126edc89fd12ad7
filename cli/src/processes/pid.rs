//! Numbers of processes and threads.

/// As /proc shows them.
pub type Pid = i32;
