//! The terminal that a standard stream is.

use std::ffi::c_int;
use std::mem::MaybeUninit;

/// Columns and lines of that on the standard output. None: it is no terminal, or does not know.
pub fn size() -> Option<(usize, usize)> {
    size_of(libc::STDOUT_FILENO)
}

/// Columns of that on the standard error.
pub fn width_of_stderr() -> Option<usize> {
    size_of(libc::STDERR_FILENO).map(|(columns, _)| columns)
}

/// Asked of the terminal alone: crossterm runs tput(1) where there is none, twice.
fn size_of(descriptor: c_int) -> Option<(usize, usize)> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: the call writes no more than a `winsize`, for which there is room.
    let answer = unsafe { libc::ioctl(descriptor, libc::TIOCGWINSZ, size.as_mut_ptr()) };
    // SAFETY: zeros are a `winsize`, and so is what the call has written.
    let size = unsafe { size.assume_init() };
    // A width is of use without a height, which some terminals on a serial line do not know.
    let rows = if size.ws_row > 0 { size.ws_row } else { 24 };
    (answer == 0 && size.ws_col > 0).then(|| (size.ws_col.into(), rows.into()))
}
