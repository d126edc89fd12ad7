//! Two neighbouring 64-bit words that change together: a value and a version of it.
//!
//! The model checker has no 128-bit atomics. Its double uses a lock.

/// A value and its version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versioned {
    /// What the pair is about.
    pub value: u64,
    /// Different after each change.
    pub version: u64,
}

#[cfg(not(loom))]
mod real {
    use super::Versioned;
    use crate::atomic::{AtomicU64, Ordering};

    /// See the module.
    #[repr(C, align(16))]
    #[derive(Default)]
    pub struct Pair {
        value: AtomicU64,
        version: AtomicU64,
    }

    impl Pair {
        /// Both words, read one after the other: [`Pair::compare_exchange`] fails if they do not
        /// belong together.
        pub fn load(&self) -> Versioned {
            // Acquire: what is read after this must not be older than the version.
            let version = self.version.load(Ordering::Acquire);
            Versioned { version, value: self.value.load(Ordering::Acquire) }
        }

        /// The value alone.
        #[inline]
        pub fn value(&self) -> u64 {
            self.value.load(Ordering::SeqCst)
        }

        /// The version alone.
        #[inline]
        pub fn version(&self) -> u64 {
            self.version.load(Ordering::SeqCst)
        }

        /// Changes both in one step, if both are as expected. A full barrier, successful or not.
        #[cfg(target_arch = "x86_64")]
        pub fn compare_exchange(&self, old: Versioned, new: Versioned) -> bool {
            let done: u8;
            // SAFETY: `self` is 16 bytes, aligned to 16, and shared memory is all it touches. Every
            // processor of this architecture since 2006 has the instruction. rbx is LLVM's own, so
            // it is put back; all operands have registers of their own, as it might be given to one
            // of them.
            unsafe {
                core::arch::asm!(
                    "xchg rsi, rbx",
                    "lock cmpxchg16b [rdi]",
                    "sete r8b",
                    "mov rbx, rsi",
                    in("rdi") self,
                    inout("rsi") new.value => _,
                    inout("rax") old.value => _,
                    inout("rdx") old.version => _,
                    in("rcx") new.version,
                    lateout("r8b") done,
                    options(nostack),
                );
            }
            done != 0
        }

        /// Changes both in one step, if both are as expected. A full barrier, successful or not.
        #[cfg(target_arch = "aarch64")]
        pub fn compare_exchange(&self, old: Versioned, new: Versioned) -> bool {
            let failed: u32;
            // SAFETY: `self` is 16 bytes, aligned to 16, and shared memory is all it touches.
            unsafe {
                // The first barrier: stores before this are seen before its load, even if it fails.
                core::arch::asm!(
                    "dmb ish",
                    "2: ldaxp {value}, {version}, [{pair}]",
                    "cmp {value}, {old_value}",
                    "ccmp {version}, {old_version}, #0, eq",
                    "b.ne 3f",
                    "stlxp {failed:w}, {new_value}, {new_version}, [{pair}]",
                    "cbnz {failed:w}, 2b",
                    "b 4f",
                    "3: clrex",
                    "mov {failed:w}, #1",
                    "4: dmb ish",
                    pair = in(reg) self,
                    old_value = in(reg) old.value,
                    old_version = in(reg) old.version,
                    new_value = in(reg) new.value,
                    new_version = in(reg) new.version,
                    value = out(reg) _,
                    version = out(reg) _,
                    failed = out(reg) failed,
                    options(nostack),
                );
            }
            failed == 0
        }
    }
}

#[cfg(loom)]
mod real {
    use super::Versioned;
    use crate::atomic::modelled::{Ticket, before_load, step};
    use loom::sync::Mutex;
    use loom::sync::atomic::{AtomicU64, Ordering, fence};

    /// The model's pair. The lock is for the exchanges alone: a load must not become a barrier by
    /// it.
    pub struct Pair {
        value: AtomicU64,
        version: AtomicU64,
        exchange: Mutex<()>,
        ticket: Ticket,
    }

    impl Default for Pair {
        fn default() -> Self {
            Self {
                value: AtomicU64::new(0),
                version: AtomicU64::new(0),
                exchange: Mutex::new(()),
                ticket: Ticket::default(),
            }
        }
    }

    #[allow(missing_docs)]
    impl Pair {
        pub fn load(&self) -> Versioned {
            self.ticket.take();
            let version = self.version.load(Ordering::Acquire);
            self.ticket.take();
            Versioned { version, value: self.value.load(Ordering::Acquire) }
        }

        pub fn value(&self) -> u64 {
            self.ticket.take();
            before_load(Ordering::SeqCst);
            self.value.load(Ordering::Acquire)
        }

        pub fn version(&self) -> u64 {
            self.ticket.take();
            before_load(Ordering::SeqCst);
            self.version.load(Ordering::Acquire)
        }

        pub fn compare_exchange(&self, old: Versioned, new: Versioned) -> bool {
            step();
            fence(Ordering::SeqCst);
            let lock = self.exchange.lock().unwrap();
            let now = Versioned {
                value: self.value.load(Ordering::Acquire),
                version: self.version.load(Ordering::Acquire),
            };
            let same = now == old;
            if same {
                self.value.store(new.value, Ordering::Release);
                self.version.store(new.version, Ordering::Release);
            }
            drop(lock);
            fence(Ordering::SeqCst);
            same
        }
    }
}

pub use real::Pair;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn both_or_none() {
        let pair = Pair::default();
        let (first, second) =
            (Versioned { value: 7, version: 1 }, Versioned { value: 9, version: 2 });
        assert!(pair.compare_exchange(Versioned::default(), first));
        assert_eq!(pair.load(), first);
        assert!(!pair.compare_exchange(Versioned { value: 7, version: 0 }, second));
        assert!(!pair.compare_exchange(Versioned { value: 8, version: 1 }, second));
        assert_eq!(pair.load(), first);
        assert!(pair.compare_exchange(first, second));
        assert_eq!((pair.value(), pair.version()), (9, 2));
    }
}
