//! Error numbers as values: a core returns them, the C edge alone stores one in `errno`.

use std::ffi::c_int;
use std::{fmt, io};

/// The error number of a call that failed, as in `errno.h`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub c_int);

/// What a core returns.
pub type Result<T> = std::result::Result<T, Errno>;

macro_rules! known {
    ($($name:ident),* $(,)?) => {
        #[allow(missing_docs)]
        impl Errno {
            $(pub const $name: Self = Self(libc::$name);)*
        }

        impl fmt::Debug for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str(stringify!($name)),)*
                    Self(other) => write!(f, "errno {other}"),
                }
            }
        }
    };
}

known!(
    E2BIG,
    EACCES,
    EAGAIN,
    EBADF,
    EBADMSG,
    EBUSY,
    EDQUOT,
    EEXIST,
    EFAULT,
    EFBIG,
    EIDRM,
    EINTR,
    EINVAL,
    EISDIR,
    ELOOP,
    EMFILE,
    EMLINK,
    EMSGSIZE,
    ENAMETOOLONG,
    ENFILE,
    ENOBUFS,
    ENOENT,
    ENOMEM,
    ENOMSG,
    ENOSPC,
    ENOSYS,
    ENOTSUP,
    ENXIO,
    ERESTART,
    EROFS,
    EOVERFLOW,
    EPERM,
    ERANGE,
    ESRCH,
    ETIMEDOUT,
    EUSERS,
    EXDEV,
);

impl Errno {
    /// The error of the C library call that just failed in this thread.
    pub fn last() -> Self {
        io::Error::last_os_error().into()
    }
}

impl Errno {
    /// What mmap(2) has failed with, for a call that is to tell of it. EAGAIN, where the process
    /// may lock no more memory (`mlockall`, RLIMIT_MEMLOCK), is ENOMEM: from a call that could wait
    /// it would say that it would.
    #[must_use]
    pub fn of_mapping(self) -> Self {
        if self == Self::EAGAIN { Self::ENOMEM } else { self }
    }
}

/// Preserves `errno`, whatever the calls in here do to it.
pub fn preserved<R>(calls: impl FnOnce() -> R) -> R {
    // SAFETY: the location is valid in each thread.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: the thread's own errno.
    let before = unsafe { *location };
    let result = calls();
    // SAFETY: the thread's own errno.
    unsafe { *location = before };
    result
}

impl From<io::Error> for Errno {
    /// An error that no system call made (the standard library's own refusals, such as a NUL byte
    /// in a path) becomes EINVAL.
    fn from(error: io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EINVAL))
    }
}
