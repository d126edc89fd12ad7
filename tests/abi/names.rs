//! What `abi.rs` compares. ctest reads the names and the fields from here; the values are of no
//! interest.

use core::ffi::{c_int, c_long, c_uint, c_ulong, c_void};

/// A type whose fields the library does not touch.
pub type Opaque = [u8; 1];

pub type sem_t = Opaque;
/// The library's own, instead of a `sem_t`.
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

/// `MqMessage` of the library.
pub struct rsipc_mq_message {
    pub body: *mut c_void,
    pub length: usize,
    pub priority: c_uint,
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

pub type key_t = c_int;

pub struct ipc_perm {
    pub __key: c_int,
    pub uid: c_uint,
    pub gid: c_uint,
    pub cuid: c_uint,
    pub cgid: c_uint,
    pub mode: c_uint,
}

pub struct sembuf {
    pub sem_num: u16,
    pub sem_op: i16,
    pub sem_flg: i16,
}

pub struct semid_ds {
    pub sem_perm: ipc_perm,
    pub sem_otime: c_long,
    pub sem_ctime: c_long,
    pub sem_nsems: c_ulong,
}

pub struct seminfo {
    pub semmap: c_int,
    pub semmni: c_int,
    pub semmns: c_int,
    pub semmnu: c_int,
    pub semmsl: c_int,
    pub semopm: c_int,
    pub semume: c_int,
    pub semusz: c_int,
    pub semvmx: c_int,
    pub semaem: c_int,
}

pub struct msqid_ds {
    pub msg_perm: ipc_perm,
    pub msg_stime: c_long,
    pub msg_rtime: c_long,
    pub msg_ctime: c_long,
    pub __msg_cbytes: c_ulong,
    pub msg_qnum: c_ulong,
    pub msg_qbytes: c_ulong,
    pub msg_lspid: c_int,
    pub msg_lrpid: c_int,
}

pub struct msginfo {
    pub msgpool: c_int,
    pub msgmap: c_int,
    pub msgmax: c_int,
    pub msgmnb: c_int,
    pub msgmni: c_int,
    pub msgssz: c_int,
    pub msgtql: c_int,
    pub msgseg: u16,
}

pub struct shmid_ds {
    pub shm_perm: ipc_perm,
    pub shm_segsz: usize,
    pub shm_atime: c_long,
    pub shm_dtime: c_long,
    pub shm_ctime: c_long,
    pub shm_cpid: c_int,
    pub shm_lpid: c_int,
    pub shm_nattch: c_ulong,
}

pub struct shminfo {
    pub shmmax: c_ulong,
    pub shmmin: c_ulong,
    pub shmmni: c_ulong,
    pub shmseg: c_ulong,
    pub shmall: c_ulong,
}

pub struct shm_info {
    pub used_ids: c_int,
    pub shm_tot: c_ulong,
    pub shm_rss: c_ulong,
    pub shm_swp: c_ulong,
}

pub const SEM_VALUE_MAX: c_uint = 0;
pub const SEM_FAILED: *mut sem_t = core::ptr::null_mut();
pub const RSIPC_MQ_LOAN_ALL: c_uint = 0;
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
pub const IPC_PRIVATE: c_int = 0;
pub const IPC_CREAT: c_int = 0;
pub const IPC_EXCL: c_int = 0;
pub const IPC_NOWAIT: c_int = 0;
pub const IPC_RMID: c_int = 0;
pub const IPC_SET: c_int = 0;
pub const IPC_STAT: c_int = 0;
pub const IPC_INFO: c_int = 0;
pub const GETPID: c_int = 0;
pub const GETVAL: c_int = 0;
pub const GETALL: c_int = 0;
pub const GETNCNT: c_int = 0;
pub const GETZCNT: c_int = 0;
pub const SETVAL: c_int = 0;
pub const SETALL: c_int = 0;
pub const SEM_UNDO: c_int = 0;
pub const SEM_STAT: c_int = 0;
pub const SEM_INFO: c_int = 0;
pub const SHM_RDONLY: c_int = 0;
pub const SHM_RND: c_int = 0;
pub const SHM_REMAP: c_int = 0;
pub const SHM_EXEC: c_int = 0;
pub const SHM_HUGETLB: c_int = 0;

// ctest compares where they are. Their parameters are compared by the C compiler, which sees ours
// beside those of the system (`tests/header.rs`).
unsafe extern "C" {
    pub fn msgctl();
    pub fn msgget();
    pub fn msgrcv();
    pub fn msgsnd();
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
    pub fn semctl();
    pub fn semget();
    pub fn semop();
    pub fn semtimedop();
    pub fn shmget();
    pub fn shmat();
    pub fn shmdt();
    pub fn shmctl();
}
