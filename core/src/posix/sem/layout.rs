//! What a `sem_t` is made of.

use core::mem::{align_of, offset_of, size_of};

pub use super::word::VALUE_MAX;
use super::word::Word;
use crate::atomic::{AtomicU32, Ordering};
use crate::os::Errno;
use crate::os::Result;
use crate::os::futex::Scope;
use crate::os::settings;
use crate::shared::spin::Hint;

/// Size of a `sem_t`, and of the file of a named semaphore, in bytes.
pub const SIZE: usize = 32;

/// Value of `private` for a semaphore between processes: the bit that glibc leaves out of its futex
/// calls.
const SHARED: u32 = 128;

/// A `sem_t`. The first 12 bytes are glibc's `struct new_sem` of 64-bit Linux.
#[repr(C, align(8))]
pub struct Semaphore {
    pub(super) word: Word,
    /// 0 = one process, anything else = shared. Written by `init` alone.
    private: AtomicU32,
    _glibc_padding: u32,
    /// Bytes that glibc neither sets nor reads. Any value is harmless.
    pub(super) hint: Hint,
    /// The word that a thread that owes a wake announces to the kernel (`wait`): 0, always. glibc's
    /// `sem_init` leaves any value in it; a word other than 0 is not announced. It is never written
    /// to.
    pub(super) death: AtomicU32,
    /// The number of the semaphore's ledger (`ledger`); 0 = none. Set by exchange by the process
    /// that makes one. glibc's `sem_init` leaves any value in it; one that leads to no ledger of
    /// this semaphore is as good as 0.
    pub(super) ledger: AtomicU32,
}

const _: () = {
    assert!(size_of::<Semaphore>() == SIZE && size_of::<libc::sem_t>() == SIZE);
    assert!(align_of::<Semaphore>() == align_of::<libc::sem_t>());
    assert!(offset_of!(Semaphore, word) == 0 && offset_of!(Semaphore, private) == 8);
    assert!(offset_of!(Semaphore, hint) == 16 && offset_of!(Semaphore, death) == 24);
};

impl Semaphore {
    /// Distance of the number of the ledger from the start of the semaphore.
    pub(super) const LEDGER_OFFSET: usize = offset_of!(Self, ledger);
}

/// Distance of the value, on which waiters sleep, from the start of the semaphore.
const VALUE_OFFSET: usize = if cfg!(target_endian = "big") { 4 } else { 0 };

impl Semaphore {
    /// A semaphore with this value. EINVAL above [`VALUE_MAX`].
    pub fn new(value: u32, scope: Scope) -> Result<Self> {
        if value > VALUE_MAX {
            return Err(Errno::EINVAL);
        }
        let private = if scope == Scope::Shared { SHARED } else { 0 };
        Ok(Self {
            word: Word::new(value),
            private: AtomicU32::new(private),
            _glibc_padding: 0,
            hint: Hint::default(),
            death: AtomicU32::new(0),
            ledger: AtomicU32::new(0),
        })
    }

    /// The value as `sem_getvalue` shows it: of a locked semaphore 0, or minus the number of its
    /// waiters where `RSIPC_SEM_GETVALUE=waiters` asks for it.
    pub fn value(&self) -> i32 {
        let value = self.word.value().cast_signed();
        if value == 0 && settings::get().negative_values {
            return 0_i32.saturating_sub_unsigned(self.word.waiters());
        }
        value
    }

    /// A copy of a semaphore, to look at: the bytes are those of its file, and may be any.
    pub fn from_bytes(bytes: [u8; SIZE]) -> Self {
        // SAFETY: all fields are integers, for which any bytes are valid.
        unsafe { core::mem::transmute(bytes) }
    }

    /// The value, whatever the settings are.
    pub fn raw_value(&self) -> u32 {
        self.word.value()
    }

    /// The number of registered waiters.
    pub fn waiters(&self) -> u32 {
        self.word.waiters()
    }

    /// The number of its ledger; 0 = none.
    pub fn ledger(&self) -> u32 {
        self.ledger.load(Ordering::Relaxed)
    }

    /// Whether the death word can be used.
    pub(super) fn heals(&self) -> bool {
        // Relaxed: it is never written to.
        self.death.load(Ordering::Relaxed) == 0
    }

    /// Whether it was made for several processes.
    pub fn is_shared(&self) -> bool {
        self.scope() == Scope::Shared
    }

    pub(super) fn scope(&self) -> Scope {
        // Relaxed: written before any other thread gets the semaphore.
        if self.private.load(Ordering::Relaxed) == 0 { Scope::Private } else { Scope::Shared }
    }

    /// The address that waiters sleep on. Only computed: the semaphore may be gone.
    pub(super) fn value_address(this: *const Self) -> *const u32 {
        this.cast::<u32>().wrapping_byte_add(VALUE_OFFSET)
    }

    /// The bytes of a semaphore that no thread uses yet.
    pub(super) fn into_bytes(self) -> [u8; SIZE] {
        // SAFETY: all fields are integers without padding between them (asserted above).
        unsafe { core::mem::transmute(self) }
    }
}
