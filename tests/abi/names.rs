//! What `abi.rs` compares. ctest reads the names and the fields from here; the values are of no
//! interest.

use core::ffi::{c_int, c_long, c_uint, c_void};

/// A type whose fields the library does not touch.
pub type Opaque = [u8; 1];

pub type sem_t = Opaque;
/// The library's own, in the place of a `sem_t`.
pub type Semaphore = Opaque;
pub type mqd_t = c_int;
pub type mode_t = c_uint;
pub type clockid_t = c_int;
pub type pthread_attr_t = Opaque;
pub type siginfo_t = Opaque;
pub type sigset_t = Opaque;
pub type fd_set = Opaque;

pub struct timespec {
    pub tv_sec: c_long,
    pub tv_nsec: c_long,
}

pub struct mq_attr {
    pub mq_flags: c_long,
    pub mq_maxmsg: c_long,
    pub mq_msgsize: c_long,
    pub mq_curmsgs: c_long,
}

pub union sigval {
    pub sival_ptr: *mut c_void,
}

pub struct sigevent {
    pub sigev_value: sigval,
    pub sigev_signo: c_int,
    pub sigev_notify: c_int,
}

pub struct pollfd {
    pub fd: c_int,
    pub events: i16,
    pub revents: i16,
}

pub struct epoll_event {
    pub events: u32,
    pub u64: u64,
}

pub struct msghdr {
    pub msg_control: *mut c_void,
    pub msg_controllen: usize,
}

pub struct mmsghdr {
    pub msg_hdr: msghdr,
    pub msg_len: c_uint,
}

pub struct cmsghdr {
    pub cmsg_len: usize,
    pub cmsg_level: c_int,
    pub cmsg_type: c_int,
}

pub struct stat {
    pub st_mode: c_uint,
    pub st_size: c_long,
}

pub const SEM_VALUE_MAX: c_uint = 0;
pub const SEM_FAILED: *mut sem_t = core::ptr::null_mut();
pub const O_CREAT: c_int = 0;
pub const O_EXCL: c_int = 0;
pub const O_RDONLY: c_int = 0;
pub const O_WRONLY: c_int = 0;
pub const O_RDWR: c_int = 0;
pub const O_ACCMODE: c_int = 0;
pub const O_NONBLOCK: c_int = 0;
pub const O_CLOEXEC: c_int = 0;
pub const O_NOFOLLOW: c_int = 0;
pub const CLOCK_REALTIME: c_int = 0;
pub const CLOCK_MONOTONIC: c_int = 0;
pub const SIGEV_NONE: c_int = 0;
pub const SIGEV_SIGNAL: c_int = 0;
pub const SIGEV_THREAD: c_int = 0;
pub const SI_MESGQ: c_int = 0;
pub const PATH_MAX: c_int = 0;
pub const SOL_SOCKET: c_int = 0;
pub const SCM_RIGHTS: c_int = 0;
pub const EPOLLONESHOT: c_int = 0;
pub const SEEK_SET: c_int = 0;
pub const SEEK_CUR: c_int = 0;
pub const SEEK_END: c_int = 0;

// ctest compares where they are. Their parameters are compared by the C compiler, which sees ours
// beside those of the system (`tests/header.rs`).
unsafe extern "C" {
    pub fn mq_close();
    pub fn mq_getattr();
    pub fn mq_notify();
    pub fn mq_open();
    pub fn mq_receive();
    pub fn mq_send();
    pub fn mq_setattr();
    pub fn mq_timedreceive();
    pub fn mq_timedsend();
    pub fn mq_unlink();
    pub fn sem_clockwait();
    pub fn sem_close();
    pub fn sem_destroy();
    pub fn sem_getvalue();
    pub fn sem_init();
    pub fn sem_open();
    pub fn sem_post();
    pub fn sem_timedwait();
    pub fn sem_trywait();
    pub fn sem_unlink();
    pub fn sem_wait();
    pub fn shm_open();
    pub fn shm_unlink();
}
