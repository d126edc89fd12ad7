//! The terminal that the standard output is.

use std::mem::MaybeUninit;

/// Its columns and lines. None: it is no terminal, or does not know.
///
/// Asked of the terminal alone: crossterm runs tput(1) where there is none, twice.
pub fn size() -> Option<(usize, usize)> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: the call writes no more than a `winsize`, for which there is room.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, size.as_mut_ptr()) };
    // SAFETY: zeros are a `winsize`, and so is what the call has written.
    let size = unsafe { size.assume_init() };
    (answer == 0 && size.ws_col > 0 && size.ws_row > 0)
        .then(|| (size.ws_col.into(), size.ws_row.into()))
}
