//! Memory for the length of a call. It does not come from malloc(3), which a handler that makes the
//! call may have interrupted.

use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};

use super::errno::{Errno, Result};

/// So many integers are on the stack.
const FEW: usize = 256;

/// Integers.
pub struct Scratch {
    few: [u16; FEW],
    /// Where more than a few are.
    many: Option<NonNull<u16>>,
    count: usize,
}

impl Scratch {
    /// So many zeros. ENOMEM.
    pub fn new(count: usize) -> Result<Self> {
        let many = if count > FEW { Some(map(count)?) } else { None };
        Ok(Self { few: [0; FEW], many, count })
    }
}

impl Deref for Scratch {
    type Target = [u16];

    fn deref(&self) -> &[u16] {
        match self.many {
            // SAFETY: mapped for so many, and used by this owner alone.
            Some(many) => unsafe { core::slice::from_raw_parts(many.as_ptr(), self.count) },
            None => &self.few[..self.count],
        }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u16] {
        match self.many {
            // SAFETY: mapped for so many, used by this owner alone, and borrowed mutably.
            Some(many) => unsafe { core::slice::from_raw_parts_mut(many.as_ptr(), self.count) },
            None => &mut self.few[..self.count],
        }
    }
}

fn map(count: usize) -> Result<NonNull<u16>> {
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let length = count.checked_mul(size_of::<u16>()).ok_or(Errno::ENOMEM)?;
    // SAFETY: new memory at an address of the kernel's choice.
    let mapped = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return Err(Errno::ENOMEM);
    }
    NonNull::new(mapped.cast()).ok_or(Errno::ENOMEM)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(many) = self.many {
            // SAFETY: mapped with this length; no thread uses it any more.
            unsafe { libc::munmap(many.as_ptr().cast(), self.count * size_of::<u16>()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_were_asked_for() {
        for count in [0, 1, FEW, FEW + 1, 32000] {
            let mut scratch = Scratch::new(count).unwrap();
            assert_eq!(*scratch, vec![0; count]);
            scratch.fill(7);
            assert_eq!(*scratch, vec![7; count]);
        }
    }
}
