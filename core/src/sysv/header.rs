//! What every System V object's file begins with.

use core::mem::size_of;

use super::family::Family;
use super::permission::Permission;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::namespace;
use crate::os::{Errno, Result};
use crate::shared::claim::{self, Holder};
use crate::shared::presence;

/// "rsipc-sv"
const MAGIC: u64 = u64::from_le_bytes(*b"rsipc-sv");
/// Of the format of all families.
const VERSION: u32 = 4;

/// Bytes from the start of the file to what the family has of its own.
pub const HEADER_SIZE: usize = 128;

/// See the module. What does not change is written before the file has a name. It is atomic all the
/// same: a hostile process may write it.
///
/// | word | states | changed by |
/// |---|---|---|
/// | `life` | 0 unborn, 1 lives, 2 removed | 0 to 1: its maker, once its key leads here alone; 0 to 2: a process that has waited for that in vain; 1 to 2: the holder of `removal`; all by exchange |
/// | `birth`, `removal` | see [`claim`] | the maker; the process that removes the object |
/// | `names` | bits that are only set | the maker, before it makes the name; in the child of a fork that happens then, too, which makes another one. A bit may be set in vain |
#[repr(C)]
pub struct Header {
    magic: AtomicU64,
    version: AtomicU32,
    family: AtomicU32,
    id: AtomicU32,
    /// 0 = IPC_PRIVATE.
    key: AtomicU32,
    cuid: AtomicU32,
    cgid: AtomicU32,
    /// The size that the family's geometry follows from: semaphores, or bytes.
    size: AtomicU64,
    /// The PID namespace of the process that made it: see `shared::claim`.
    home: AtomicU64,
    /// How far its life has come: [`Life`].
    life: AtomicU32,
    /// Held by the maker until the key leads here.
    pub birth: AtomicU32,
    /// Held by the process that removes the names. If it is killed, it leaves the claim to the next
    /// one.
    pub removal: AtomicU32,
    /// Names of its key that may lead here, by their numbers: a bit each.
    pub names: AtomicU32,
}

const _: () = assert!(size_of::<Header>() <= HEADER_SIZE);

/// How far the life of an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Life {
    /// Its key does not lead to it alone yet, and perhaps never will.
    Unborn,
    /// It can be found and used.
    Lives,
    /// It cannot be used any more. Its names are to go.
    Removed,
}

/// What a new object is told of itself.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// Which family.
    pub family: Family,
    /// Its id.
    pub id: i32,
    /// Its key, or IPC_PRIVATE.
    pub key: i32,
    /// Semaphores, or bytes.
    pub size: u64,
    /// Which thread makes it.
    pub permission: Permission,
}

/// A copy of what does not change in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub id: i32,
    /// Its key.
    pub key: i32,
    /// Its creator, and the creator's group.
    pub creator: (u32, u32),
    /// Semaphores, or bytes.
    pub size: u64,
    /// Whether TIDs in its claim words are those of this process's PID namespace.
    pub is_at_home: bool,
}

impl Facts {
    /// The permissions, if this is its owner, `uid | gid << 32`, and these are its mode bits.
    pub fn permission(&self, owner: u64, mode: u64) -> Permission {
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
        let (cuid, cgid) = self.creator;
        let mode = u16::try_from(mode & 0o777).unwrap_or(0);
        Permission { uid: half(owner), gid: half(owner >> 32), cuid, cgid, mode }
    }

    /// Whether they are those of the same object.
    pub fn is_same(&self, other: &Self) -> bool {
        *self == Self { is_at_home: self.is_at_home, ..*other }
    }
}

impl Header {
    /// Of a new object. One that needs neither a key nor another file lives at once.
    pub fn new(birth: &Birth) -> Self {
        let is_whole = birth.key == libc::IPC_PRIVATE && birth.family.has_one_file();
        let life = if is_whole { Life::Lives } else { Life::Unborn };
        Self {
            magic: AtomicU64::new(MAGIC),
            version: AtomicU32::new(VERSION),
            family: AtomicU32::new(birth.family.number()),
            id: AtomicU32::new(birth.id.cast_unsigned()),
            key: AtomicU32::new(birth.key.cast_unsigned()),
            cuid: AtomicU32::new(birth.permission.cuid),
            cgid: AtomicU32::new(birth.permission.cgid),
            size: AtomicU64::new(birth.size),
            home: AtomicU64::new(namespace::of_pids()),
            life: AtomicU32::new(life as u32),
            birth: AtomicU32::new(0),
            removal: AtomicU32::new(0),
            names: AtomicU32::new(0),
        }
    }

    /// What does not change. EINVAL: this is no object of this family, or of another version.
    ///
    /// # Safety
    /// `bytes` is aligned, and valid for reading [`HEADER_SIZE`] bytes, which others may be
    /// writing.
    pub unsafe fn facts(bytes: *const u8, family: Family) -> Result<Facts> {
        #[expect(clippy::cast_ptr_alignment, reason = "aligned, says the caller")]
        let header = bytes.cast::<Self>();
        // SAFETY: valid for reading, and any bytes are atomic integers.
        let header = unsafe { &*header };
        // Relaxed: the name that led here was made after they were written.
        let (word, half) = (
            |word: &AtomicU64| word.load(Ordering::Relaxed),
            |half: &AtomicU32| half.load(Ordering::Relaxed),
        );
        let (version, number) = (half(&header.version), half(&header.family));
        if word(&header.magic) != MAGIC || version != VERSION || number != family.number() {
            return Err(Errno::EINVAL);
        }
        let home = word(&header.home);
        Ok(Facts {
            id: half(&header.id).cast_signed(),
            key: half(&header.key).cast_signed(),
            creator: (half(&header.cuid), half(&header.cgid)),
            size: word(&header.size),
            is_at_home: home == namespace::of_pids() && home != namespace::UNKNOWN,
        })
    }

    /// How far its life has come.
    #[inline]
    pub fn life(&self) -> Life {
        // Acquire: what was made before is there.
        match self.life.load(Ordering::Acquire) {
            0 => Life::Unborn,
            1 => Life::Lives,
            _ => Life::Removed,
        }
    }

    /// Whether it lives, and no process removes it, or has begun to.
    #[inline]
    pub fn is_well(&self) -> bool {
        self.life() == Life::Lives && self.removal.load(Ordering::Relaxed) == 0
    }

    /// Whether a process that had begun to remove it is dead.
    pub fn is_half_removed(&self) -> bool {
        let removal = self.removal.load(Ordering::Acquire);
        removal != 0 && is_abandoned(removal)
    }

    /// Whether the process that made it, or began to remove it, has died over that.
    pub fn is_half_done(&self) -> bool {
        // Acquire, and before the life: a maker that is done has passed it on before it gives its
        // claim back.
        let is_made = !is_abandoned(self.birth.load(Ordering::Acquire));
        self.is_half_removed() || !is_made && self.life() == Life::Unborn
    }

    /// Moves it from one state of its life to another. False: it was not in the first one.
    pub fn pass(&self, from: Life, to: Life) -> bool {
        let (from, to) = (from as u32, to as u32);
        self.life.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Whether no living thread holds this claim. The kernel frees the claims that it watches; of the
/// others the presence of their process tells.
fn is_abandoned(claimed: u32) -> bool {
    match claim::holder(claimed) {
        Holder::None => true,
        Holder::Thread(_) => false,
        Holder::Presence(number) => presence::has_ended(number),
    }
}
