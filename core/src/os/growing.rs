//! A list for the length of a call, which grows. Its memory does not come from malloc(3), which a
//! handler that makes the call may have interrupted.

use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::ptr;
use core::slice::{from_raw_parts, from_raw_parts_mut};

use super::errno::{Errno, Result};

/// Up to `FEW` are on the stack.
pub struct Growing<T: Copy, const FEW: usize> {
    few: [MaybeUninit<T>; FEW],
    /// Where more than a few are; null = nowhere.
    many: *mut T,
    /// How many fit there.
    capacity: usize,
    count: usize,
}

impl<T: Copy, const FEW: usize> Growing<T, FEW> {
    /// An empty one.
    #[inline]
    pub fn new() -> Self {
        Self {
            few: [const { MaybeUninit::uninit() }; FEW],
            many: ptr::null_mut(),
            capacity: 0,
            count: 0,
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds one. ENOMEM.
    pub fn push(&mut self, value: T) -> Result<()> {
        if self.many.is_null() && self.count < FEW {
            self.few[self.count].write(value);
        } else {
            if self.count >= self.capacity {
                self.grow()?;
            }
            // SAFETY: there is space for more than `count`.
            unsafe { self.many.add(self.count).write(value) };
        }
        self.count += 1;
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> Result<()> {
        let capacity = (self.count * 2).max(128);
        let length = capacity.checked_mul(size_of::<T>()).ok_or(Errno::ENOMEM)?;
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory at an address of the kernel's choice.
        let new = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
        if new == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        let new: *mut T = new.cast();
        // SAFETY: the new memory is large enough for what there is, and does not overlap it.
        unsafe { ptr::copy_nonoverlapping(self.as_ptr(), new, self.count) };
        self.release();
        (self.many, self.capacity) = (new, capacity);
        Ok(())
    }

    fn release(&mut self) {
        if !self.many.is_null() {
            // SAFETY: mapped with this length; no thread uses it any more.
            unsafe { libc::munmap(self.many.cast(), self.capacity * size_of::<T>()) };
        }
    }
}

impl<T: Copy, const FEW: usize> Default for Growing<T, FEW> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy, const FEW: usize> Deref for Growing<T, FEW> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        let start = if self.many.is_null() { self.few.as_ptr().cast() } else { self.many };
        // SAFETY: so many have been written.
        unsafe { from_raw_parts(start, self.count) }
    }
}

impl<T: Copy, const FEW: usize> DerefMut for Growing<T, FEW> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let start = if self.many.is_null() { self.few.as_mut_ptr().cast() } else { self.many };
        // SAFETY: so many have been written, and they are borrowed alone.
        unsafe { from_raw_parts_mut(start, self.count) }
    }
}

impl<T: Copy, const FEW: usize> Drop for Growing<T, FEW> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_all_there() {
        let mut list = Growing::<u64, 4>::new();
        for number in 0..1000 {
            list.push(number).unwrap();
            assert_eq!(list.len() as u64, number + 1);
            assert_eq!((list[0], list[list.len() - 1]), (0, number));
        }
        list.reverse();
        assert!(list.iter().rev().copied().eq(0..1000));
    }
}
