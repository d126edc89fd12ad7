//! The exit statuses of env(1), which leave those of the program apart.

/// The command itself failed.
pub const OWN_FAILURE: u8 = 125;
/// The program is there, but cannot be run.
pub const NOT_RUN: u8 = 126;
/// There is no such program.
pub const NOT_FOUND: u8 = 127;
