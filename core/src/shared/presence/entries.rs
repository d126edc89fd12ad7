//! The names in a directory, by bare system calls, into memory of the caller.

use core::ffi::CStr;
use std::os::fd::RawFd;

/// The next entries of a directory, as many as fit. `None`: there are no more.
pub fn entries_of(directory: RawFd, buffer: &mut [u64]) -> Option<&[u8]> {
    // SAFETY: the buffer is valid for writing its bytes.
    let length = unsafe {
        let size = size_of_val(buffer);
        libc::syscall(libc::SYS_getdents64, directory, buffer.as_mut_ptr(), size)
    };
    let length = usize::try_from(length).ok().filter(|&length| length > 0)?;
    // SAFETY: the kernel has written so many bytes.
    Some(unsafe { core::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), length) })
}

/// The names in what getdents64(2) gives: `struct linux_dirent64`.
pub struct Names<'a>(pub &'a [u8]);

impl<'a> Iterator for Names<'a> {
    type Item = &'a CStr;

    fn next(&mut self) -> Option<&'a CStr> {
        const LENGTH_AT: usize = 16;
        const NAME_AT: usize = 19;
        let length =
            self.0.get(LENGTH_AT..LENGTH_AT + 2)?.try_into().map(u16::from_ne_bytes).ok()?;
        let (entry, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        CStr::from_bytes_until_nul(entry.get(NAME_AT..)?).ok()
    }
}
