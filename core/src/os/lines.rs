//! The lines of a file of the kernel's, such as those in /proc.
//!
//! Async-signal-safe: bare system calls, and memory on the stack.

use core::ops::ControlFlow;

use super::errno::Result;
use super::open::Open;

/// Shows each line, without its end. A line that is longer than `LONGEST` is not shown.
///
/// Errors: those of read(2).
pub fn each<const LONGEST: usize>(
    file: &Open,
    mut look: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<()> {
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
            filled = 0;
        }
    }
}
