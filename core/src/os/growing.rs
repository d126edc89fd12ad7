//! A list for the length of a call, which grows.
//!
//! Its memory does not come from malloc(3), which a handler that makes the call may have
//! interrupted. It comes from the kernel, and the process keeps some for the next list: to map it
//! anew would take longer than most calls.

use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::ptr;
use core::slice::{from_raw_parts, from_raw_parts_mut};

use super::errno::{Errno, Result};
use crate::atomic::{AtomicPtr, Ordering};

/// Bytes of the memory of a list at least.
const LEAST: usize = 16 << 10;
/// Bytes of the memory that is kept at most.
const KEPT: usize = 1 << 20;

/// Memory that no list has; null = none. Its first word is its length. A list takes it, or puts its
/// own there, by an exchange. So a handler, another thread, or the child of a vfork finds it or
/// does not. The child of a fork in the middle of a call has memory that it does not know of.
static SPARE: AtomicPtr<usize> = AtomicPtr::new(ptr::null_mut());

/// Up to `FEW` are on the stack.
pub struct Growing<T: Copy, const FEW: usize> {
    few: [MaybeUninit<T>; FEW],
    /// Where more than a few are; null = nowhere.
    many: *mut T,
    /// Bytes there.
    length: usize,
    count: usize,
}

impl<T: Copy, const FEW: usize> Growing<T, FEW> {
    /// An empty one.
    #[inline]
    pub fn new() -> Self {
        Self {
            few: [const { MaybeUninit::uninit() }; FEW],
            many: ptr::null_mut(),
            length: 0,
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
            if (self.count + 1) * size_of::<T>() > self.length {
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
        let wanted = (self.count * 2).checked_mul(size_of::<T>()).ok_or(Errno::ENOMEM)?;
        let (new, length) = memory(wanted.max(LEAST))?;
        let new: *mut T = new.cast();
        // SAFETY: the new memory is large enough for what there is, and does not overlap it.
        unsafe { ptr::copy_nonoverlapping(self.as_ptr(), new, self.count) };
        self.release();
        (self.many, self.length) = (new, length);
        Ok(())
    }

    fn release(&mut self) {
        if !self.many.is_null() {
            give_back(self.many.cast(), self.length);
        }
    }
}

/// Of so many bytes, or more; and how many. ENOMEM.
fn memory(length: usize) -> Result<(*mut u8, usize)> {
    // Acquire: the list that had it before is done with it.
    let spare = SPARE.swap(ptr::null_mut(), Ordering::Acquire);
    if !spare.is_null() {
        // SAFETY: mapped, and begins with its length; no other list has it.
        let kept = unsafe { spare.read() };
        if kept >= length {
            return Ok((spare.cast(), kept));
        }
        unmap(spare.cast(), kept);
    }
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: new memory at an address of the kernel's choice.
    let new = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
    if new == libc::MAP_FAILED { Err(Errno::ENOMEM) } else { Ok((new.cast(), length)) }
}

/// The list does not use it any more. What was given back last is kept: a list that has grown gives
/// its smaller memory back first.
fn give_back(memory: *mut u8, length: usize) {
    if length > KEPT {
        return unmap(memory, length);
    }
    let spare: *mut usize = memory.cast();
    // SAFETY: mapped with this length; the list had it alone.
    unsafe { spare.write(length) };
    // Release: the next list finds the length, and nothing is done here after that. Acquire: as in
    // `memory`.
    let other = SPARE.swap(spare, Ordering::AcqRel);
    if !other.is_null() {
        // SAFETY: mapped, and begins with its length; no list has it.
        unmap(other.cast(), unsafe { other.read() });
    }
}

fn unmap(memory: *mut u8, length: usize) {
    // SAFETY: mapped with this length; no thread uses it any more.
    unsafe { libc::munmap(memory.cast(), length) };
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
