//! The settings from the environment, read once. All are optional; `README.md` documents them for users.

use std::ffi::{CStr, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where glibc keeps semaphores and shared memory objects.
pub const DEFAULT_DIR: &str = "/dev/shm";

/// What the environment asked for.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// `RSIPC_DIR`: the directory of all objects.
    pub dir: PathBuf,
    /// `RSIPC_SPIN=0` clears it.
    pub spin: bool,
    /// The machine has no other processor.
    pub one_processor: bool,
    /// `RSIPC_MQ_POLL=always`: any descriptor of a queue is ready for poll(2) without being asked first.
    pub always_pollable: bool,
    /// `RSIPC_MQ_LIMITS=kernel`: the kernel's limits on queues are in force.
    pub kernel_limits: bool,
    /// `RSIPC_VERBOSE=1`: say at load that the library is active.
    pub verbose: bool,
    /// `RSIPC_SEM_GETVALUE=waiters`: a locked semaphore's value is minus the number of its waiters.
    pub negative_values: bool,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// The settings in force.
pub fn get() -> &'static Settings {
    SETTINGS.get_or_init(|| Settings::read(variable, processors()))
}

impl Settings {
    fn read(variable: impl Fn(&CStr) -> Option<OsString>, processors: usize) -> Self {
        let is = |name, value: &str| variable(name).is_some_and(|set| set == OsStr::new(value));
        Self {
            dir: variable(c"RSIPC_DIR")
                .filter(|dir| !dir.is_empty())
                .map_or_else(|| PathBuf::from(DEFAULT_DIR), PathBuf::from),
            spin: !is(c"RSIPC_SPIN", "0"),
            one_processor: processors == 1,
            always_pollable: is(c"RSIPC_MQ_POLL", "always"),
            kernel_limits: is(c"RSIPC_MQ_LIMITS", "kernel"),
            verbose: is(c"RSIPC_VERBOSE", "1"),
            negative_values: is(c"RSIPC_SEM_GETVALUE", "waiters"),
        }
    }
}

/// Nothing for a set-user-ID program: its caller must not choose where its objects live.
fn variable(name: &CStr) -> Option<OsString> {
    unsafe extern "C" {
        fn secure_getenv(name: *const c_char) -> *const c_char;
    }
    // SAFETY: `name` is a C string; the result is NULL or one that lives until somebody changes the environment,
    // and it is copied at once.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        (!value.is_null()).then(|| OsStr::from_bytes(CStr::from_ptr(value).to_bytes()).to_owned())
    }
}

/// Processors online in the machine, not in this process's affinity mask: two processes that are pinned to a
/// processor each gain most from spinning.
fn processors() -> usize {
    // SAFETY: takes no pointer.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &'static [(&CStr, &str)], processors: usize) -> Settings {
        let find = |name: &CStr| set.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        Settings::read(find, processors)
    }

    #[test]
    fn nothing_set() {
        let settings = read(&[], 2);
        assert_eq!(settings.dir, PathBuf::from("/dev/shm"));
        assert!(settings.spin && !settings.verbose && !settings.negative_values);
    }

    #[test]
    fn everything_set() {
        let settings = read(
            &[
                (c"RSIPC_DIR", "/tmp/objects"),
                (c"RSIPC_SPIN", "0"),
                (c"RSIPC_VERBOSE", "1"),
                (c"RSIPC_SEM_GETVALUE", "waiters"),
            ],
            2,
        );
        assert_eq!(settings.dir, PathBuf::from("/tmp/objects"));
        assert!(!settings.spin && settings.verbose && settings.negative_values);
    }

    #[test]
    fn an_empty_directory_is_no_directory() {
        assert_eq!(read(&[(c"RSIPC_DIR", "")], 2).dir, PathBuf::from("/dev/shm"));
    }

    #[test]
    fn one_processor_is_seen() {
        assert!(read(&[], 1).one_processor && !read(&[], 2).one_processor);
    }
}
