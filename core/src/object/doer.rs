//! Who did something with an object last: a note in the object's own memory.
//!
//! It is a hint for a person, in memory that others may write: any bytes are harmless.

use core::ffi::{CStr, c_char};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::atomic::{AtomicU64, Ordering};
use crate::os::clock::realtime_seconds;
use crate::os::namespace;
use crate::os::process::Process;

/// Bytes of a program's name, as the kernel shortens it.
pub const NAME: usize = 15;

/// The last process that did something.
///
/// All accesses are `Relaxed`: nothing is published through these words. Two processes that write
/// at the same time may leave the number of one and the name of the other, which the last byte of
/// the name shows.
#[repr(C)]
#[derive(Default)]
pub struct Last {
    /// | bits | meaning |
    /// |---|---|
    /// | 0..32 | seconds since 1970 |
    /// | 32..54 | PID, in the process's own namespace; 0 = nobody yet |
    /// | 54..64 | which namespace that is ([`home`]) |
    who: AtomicU64,
    /// The name of the program, filled up with zeros, and the checksum of name and PID.
    name: [AtomicU64; 2],
}

/// Who did something last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doer {
    /// In its own PID namespace.
    pub pid: u32,
    /// Whether that is the namespace of the process that asks.
    pub is_at_home: bool,
    /// In seconds since 1970.
    pub when: u64,
    /// `None`: two processes have noted themselves at the same moment.
    pub program: Option<OsString>,
}

impl Last {
    /// Who it was. `None`: nobody yet.
    pub fn doer(&self) -> Option<Doer> {
        let [start, end] = &self.name;
        let words = [&self.who, start, end].map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        Doer::from_words(&words)
    }

    /// This process has done it now, or is about to. Async-signal-safe.
    #[cold]
    #[inline(never)]
    pub fn is_this_process(&self) {
        let pid = Process::pid_of_memory();
        let name = signed(own_name(), pid);
        for (word, part) in self.name.iter().zip(name.as_chunks::<8>().0) {
            word.store(u64::from_ne_bytes(*part), Ordering::Relaxed);
        }
        let seconds = realtime_seconds() & u64::from(u32::MAX);
        let who = (u64::from(pid) & PID) << 32 | home() << HOME_SHIFT | seconds;
        self.who.store(who, Ordering::Relaxed);
    }
}

/// In the upper half: no PID is larger.
const PID: u64 = (1 << 22) - 1;
const HOME_SHIFT: u32 = 54;

/// Finds out what a note takes, before a filter of the program's may kill for that. The child of a
/// fork finds it out anew. (A queue asks for the namespace when it is mapped.)
pub fn prepare() {
    let _ = home();
}

/// A hash of the PID namespace; 0 = it is not known. Namespaces that exist at the same time mostly
/// have numbers that are close to each other, and so different hashes.
fn home() -> u64 {
    match namespace::of_pids() {
        namespace::UNKNOWN => 0,
        number => ((number ^ number >> 10 ^ number >> 20 ^ number >> 30) & 0x3ff).max(1),
    }
}

/// With the checksum behind it.
pub fn signed(name: [u8; NAME], pid: u32) -> [u8; NAME + 1] {
    let mut signed = [0; NAME + 1];
    signed[..NAME].copy_from_slice(&name);
    // FNV-1a, folded: what differs in one byte mostly differs in the sum.
    let step = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let sum = name.iter().chain(&pid.to_ne_bytes()).fold(0x811c_9dc5, step);
    signed[NAME] = sum.to_ne_bytes().into_iter().fold(0, |folded, byte| folded ^ byte);
    signed
}

/// Of the program that runs.
fn own_name() -> [u8; NAME] {
    unsafe extern "C" {
        static program_invocation_short_name: *const c_char;
    }
    let mut name = [0; NAME];
    // SAFETY: the C library's: NULL, or a C string that lives as long as the process.
    unsafe {
        let start = program_invocation_short_name;
        if !start.is_null() {
            let text = CStr::from_ptr(start).to_bytes();
            let length = text.len().min(NAME);
            name[..length].copy_from_slice(&text[..length]);
        }
    }
    name
}

impl Doer {
    /// From the bytes of a [`Last`].
    pub fn from_words(words: &[[u8; 8]]) -> Option<Self> {
        let [who, start, end] = words else { return None };
        let who = u64::from_ne_bytes(*who);
        let pid = u32::try_from(who >> 32 & PID).ok().filter(|&pid| pid != 0)?;
        let is_at_home = who >> HOME_SHIFT != 0 && who >> HOME_SHIFT == home();
        let when = who & u64::from(u32::MAX);
        let found = [*start, *end].concat();
        let mut name = [0; NAME];
        name.copy_from_slice(&found[..NAME]);
        let length = name.iter().position(|&byte| byte == 0).unwrap_or(NAME);
        let is_its = signed(name, pid)[..] == found[..] && length > 0;
        let program = is_its.then(|| OsStr::from_bytes(&name[..length]).to_owned());
        Some(Self { pid, is_at_home, when, program })
    }
}
