//! The settings from the environment, read once. All are optional; `README.md` and rsipc(7)
//! document them for users.
//!
//! They are read when the library is loaded, because programs may change their environment later,
//! or overwrite it with their title. Where no variable is set, reading them allocates nothing and
//! makes no system call: most programs under a preload never call the library.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;
use std::borrow::Cow;
use std::ffi::{CStr, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::{self, Path, PathBuf};

use crate::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Where glibc keeps semaphores and shared memory objects.
pub const DEFAULT_DIR: &str = "/dev/shm";

/// What the environment asked for.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// `RSIPC_DIR`: the directory of all objects. The program may go to another one: a relative
    /// path is from where it was.
    pub dir: Cow<'static, Path>,
    /// `RSIPC_SPIN=0` clears it.
    pub spin: bool,
    /// `RSIPC_MQ_POLL=always`: the descriptor of any queue can be polled without a first call to
    /// this library.
    pub always_pollable: bool,
    /// `RSIPC_MQ_LIMITS=kernel`: the kernel's limits on queues are in force.
    pub kernel_limits: bool,
    /// `RSIPC_FUTEX`: which calls sleep.
    pub futex: Futex,
    /// `RSIPC_VERBOSE=1`: say at load that the library is active.
    pub verbose: bool,
    /// `RSIPC_SYSV`: the System V families that are ours and not the kernel's.
    pub sysv: Families,
    /// `RSIPC_MSGMAX`: bytes of the longest message of a new System V queue.
    pub message_max: Option<u64>,
    /// `RSIPC_MSGMNB`: the capacity of a new System V queue, in bytes.
    pub queue_max: Option<u64>,
    /// `RSIPC_SEM_GETVALUE=waiters`: a locked semaphore's value is minus the number of its waiters.
    pub negative_values: bool,
    /// `RSIPC_SEM_ROBUST`: patterns of the names of semaphores that `sem_open` makes robust,
    /// separated by commas.
    pub robust: Option<OsString>,
    /// `RSIPC_SEM_TRACK`: patterns of the names of semaphores of which the last taker and the last
    /// poster are noted, separated by commas.
    pub tracked: Option<OsString>,
    /// `RSIPC_MQ_TRACK`: the same of queues, their last senders and receivers.
    pub tracked_queues: Option<OsString>,
}

/// The System V families that are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// `sem`, or nothing is said.
    pub semaphores: bool,
    /// `msg`, or nothing is said.
    pub queues: bool,
    /// Segments of shared memory.
    pub memory: Memory,
}

/// Whose segments of System V are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// `shm`: ours.
    Ours,
    /// A list without `shm`: the kernel's.
    Kernels,
    /// Nothing is said: the kernel's, or ours if it refuses them.
    AsPermitted,
}

impl Families {
    fn read(list: Option<&[u8]>) -> Self {
        let names = |name: &[u8]| {
            list.is_some_and(|list| list.split(|&byte| byte == b',').any(|family| family == name))
        };
        let unsaid = list.is_none();
        Self {
            semaphores: unsaid || names(b"sem"),
            queues: unsaid || names(b"msg"),
            memory: match () {
                () if unsaid => Memory::AsPermitted,
                () if names(b"shm") => Memory::Ours,
                () => Memory::Kernels,
            },
        }
    }
}

/// Which system calls may sleep, besides futex(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Futex {
    /// `classic`: none.
    Classic,
    /// `waitv`: `futex_waitv`, if the kernel has it.
    WaitV,
    /// Unset, or anything else: `futex_waitv`, if it seems to be allowed (`filter`).
    AsPermitted,
}

/// NULL, or the settings. Stored once, by exchange. Until then each thread reads the environment
/// itself: it cannot wait for a thread that the child of a fork does not have. (`SetOnce` would
/// make a system call at load.)
static SETTINGS: AtomicPtr<Settings> = AtomicPtr::new(ptr::null_mut());

/// The settings in force.
pub fn get() -> &'static Settings {
    // Acquire, with the Release of `read_once`: they are whole.
    // SAFETY: what has been published is neither changed nor freed.
    unsafe { SETTINGS.load(Ordering::Acquire).as_ref() }.unwrap_or_else(read_once)
}

#[cold]
fn read_once() -> &'static Settings {
    let is_any = any_is_set();
    let new = kept(Settings::read(|name| if is_any { variable(name) } else { None }));
    let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
    let place = ptr::from_ref(new).cast_mut();
    match SETTINGS.compare_exchange(ptr::null_mut(), place, success, failure) {
        Ok(_) => new,
        // SAFETY: what has been published is neither changed nor freed.
        Err(found) => unsafe { &*found },
    }
}

/// A place for them that takes no memory.
struct Place(UnsafeCell<MaybeUninit<Settings>>);

// SAFETY: one thread takes it, for good, and writes it; after that it is only read, through the
// reference that `kept` gives.
unsafe impl Sync for Place {}

/// Lets them stay for ever: in a place that is there, or, if threads come at the same time, in
/// memory that is not freed.
fn kept(settings: Settings) -> &'static Settings {
    static PLACE: Place = Place(UnsafeCell::new(MaybeUninit::uninit()));
    /// Relaxed: nothing is published through it.
    static IS_TAKEN: AtomicBool = AtomicBool::new(false);
    if IS_TAKEN.swap(true, Ordering::Relaxed) {
        return Box::leak(Box::new(settings));
    }
    // SAFETY: this thread alone has taken it.
    unsafe { (*PLACE.0.get()).write(settings) }
}

/// Whether the environment may have a setting of ours. One look through it, in the place of one for
/// each: most programs have none.
fn any_is_set() -> bool {
    const PREFIX: &[u8] = b"RSIPC_";
    unsafe extern "C" {
        static environ: *const *const u8;
    }
    // SAFETY: NULL, or an array of C strings that ends with NULL, as for getenv(3). No string is
    // read beyond its end: its NUL is in no prefix.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            let entry = *next;
            if PREFIX.iter().enumerate().all(|(index, &byte)| *entry.add(index) == byte) {
                return true;
            }
            next = next.add(1);
        }
    }
    false
}

impl Settings {
    fn read(variable: impl Fn(&CStr) -> Option<OsString>) -> Self {
        let is = |name, value: &str| variable(name).is_some_and(|set| set == OsStr::new(value));
        let number = |name| variable(name)?.to_str()?.parse().ok();
        Self {
            dir: variable(c"RSIPC_DIR")
                .filter(|dir| !dir.is_empty())
                .map_or(Cow::Borrowed(Path::new(DEFAULT_DIR)), |dir| {
                    Cow::Owned(path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)))
                }),
            spin: !is(c"RSIPC_SPIN", "0"),
            always_pollable: is(c"RSIPC_MQ_POLL", "always"),
            kernel_limits: is(c"RSIPC_MQ_LIMITS", "kernel"),
            futex: match () {
                () if is(c"RSIPC_FUTEX", "classic") => Futex::Classic,
                () if is(c"RSIPC_FUTEX", "waitv") => Futex::WaitV,
                () => Futex::AsPermitted,
            },
            verbose: is(c"RSIPC_VERBOSE", "1"),
            sysv: Families::read(variable(c"RSIPC_SYSV").as_deref().map(OsStrExt::as_bytes)),
            message_max: number(c"RSIPC_MSGMAX"),
            queue_max: number(c"RSIPC_MSGMNB"),
            negative_values: is(c"RSIPC_SEM_GETVALUE", "waiters"),
            robust: variable(c"RSIPC_SEM_ROBUST"),
            tracked: variable(c"RSIPC_SEM_TRACK"),
            tracked_queues: variable(c"RSIPC_MQ_TRACK"),
        }
    }
}

/// Nothing for a set-user-ID program: its caller must not choose where its objects live.
fn variable(name: &CStr) -> Option<OsString> {
    unsafe extern "C" {
        fn secure_getenv(name: *const c_char) -> *const c_char;
    }
    // SAFETY: `name` is a C string; the result is NULL or one that lives until the environment
    // changes, and it is copied at once.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        (!value.is_null()).then(|| OsStr::from_bytes(CStr::from_ptr(value).to_bytes()).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &'static [(&CStr, &str)]) -> Settings {
        let find = |name: &CStr| {
            set.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
        };
        Settings::read(find)
    }

    #[test]
    fn nothing_set() {
        let settings = read(&[]);
        assert_eq!(settings.dir, Path::new("/dev/shm"));
        assert!(settings.spin && !settings.verbose && !settings.negative_values);
        assert_eq!(settings.futex, Futex::AsPermitted);
        assert_eq!((settings.robust, settings.tracked), (None, None));
    }

    #[test]
    fn everything_set() {
        let settings = read(&[
            (c"RSIPC_DIR", "/tmp/objects"),
            (c"RSIPC_SPIN", "0"),
            (c"RSIPC_VERBOSE", "1"),
            (c"RSIPC_FUTEX", "classic"),
            (c"RSIPC_SEM_GETVALUE", "waiters"),
            (c"RSIPC_MSGMAX", "65536"),
            (c"RSIPC_MSGMNB", "many"),
            (c"RSIPC_SEM_ROBUST", "lock*,other"),
            (c"RSIPC_SEM_TRACK", "*"),
            (c"RSIPC_MQ_TRACK", "jobs"),
        ]);
        assert_eq!(settings.robust, Some("lock*,other".into()));
        assert_eq!(settings.tracked, Some("*".into()));
        assert_eq!(settings.tracked_queues, Some("jobs".into()));
        assert_eq!(settings.dir, Path::new("/tmp/objects"));
        assert!(!settings.spin && settings.verbose && settings.negative_values);
        assert_eq!(settings.futex, Futex::Classic);
        assert_eq!((settings.message_max, settings.queue_max), (Some(65536), None));
    }

    #[test]
    fn families_are_those_of_the_list() {
        let all = Families { semaphores: true, queues: true, memory: Memory::Ours };
        let none = Families { semaphores: false, queues: false, memory: Memory::Kernels };
        assert_eq!(Families::read(None), Families { memory: Memory::AsPermitted, ..all });
        assert_eq!(Families::read(Some(b"sem,msg,shm")), all);
        assert_eq!(Families::read(Some(b"none")), none);
        assert_eq!(Families::read(Some(b"msg")), Families { queues: true, ..none });
    }

    #[test]
    fn an_empty_directory_is_no_directory() {
        assert_eq!(read(&[(c"RSIPC_DIR", "")]).dir, Path::new("/dev/shm"));
    }
}
