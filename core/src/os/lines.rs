//! The lines of a file of /proc.
//!
//! Async-signal-safe: bare system calls, and memory on the stack.

use core::ffi::CStr;
use core::ops::ControlFlow;

use super::errno::Result;
use super::open::Open;

/// Shows each line, without its end, until no more is wanted. What is longer than `LONGEST` is left
/// out.
///
/// Errors: those of open(2) and read(2): without /proc, ENOENT.
pub fn each_line<const LONGEST: usize>(
    path: &CStr,
    mut look: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<()> {
    let file = Open::new(path, libc::O_RDONLY)?;
    let mut buffer = [0; LONGEST];
    let mut filled = 0;
    loop {
        let read = file.read(&mut buffer[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let mut begin = 0;
        while let Some(length) = buffer[begin..filled].iter().position(|&byte| byte == b'\n') {
            if look(&buffer[begin..begin + length]).is_break() {
                return Ok(());
            }
            begin += length + 1;
        }
        buffer.copy_within(begin..filled, 0);
        filled -= begin;
        if filled == LONGEST {
            // Longer than any line is.
            filled = 0;
        }
    }
}
