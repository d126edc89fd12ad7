//! What the kernel and the C library offer. Nothing in here accesses an object, or
//! knows how one is laid out.
//!
//! | module | |
//! |---|---|
//! | `bare` | system calls without the C library |
//! | `cancel` | no cancellation while Rust is on the stack |
//! | `clock` | clocks, and points in time on them |
//! | `concern` | whether the process has descriptors that concern the library |
//! | `cpu` | the processor that the thread runs on |
//! | `credentials` | users, groups and capabilities of the calling thread |
//! | `description` | marks on open descriptions |
//! | `descriptors` | the descriptors of the process, as /proc shows them |
//! | `directory` | whether entries of a directory have come or gone |
//! | `epoll` | what is in the set of an epoll |
//! | `errand` | a call that a child makes, with limits of its own |
//! | `errno` | error numbers as values |
//! | `file` | status and identity of files, by bare system calls |
//! | `file_size` | files that RLIMIT_FSIZE forbids |
//! | `filter` | which system calls a seccomp filter may kill for |
//! | `fork` | locks around fork(2) |
//! | `futex` | futex(2): wakes, short sleeps, and whether a thread lives |
//! | `growing` | a list for the length of a call |
//! | `handled` | whether a signal handler has run |
//! | `lines` | the lines of a file of the kernel's |
//! | `lock` | locks on bytes of files |
//! | `maps` | what processes have mapped |
//! | `membarrier` | barriers in the threads of other processes |
//! | `namespace` | the PID namespace of the process |
//! | `open` | files that are open for the length of a call |
//! | `own` | numbers that the child of a fork does not inherit |
//! | `process` | which process this is, also after a fork |
//! | `publication` | a changed copy of two areas, and the exchange that publishes it |
//! | `random` | random numbers |
//! | `readable` | reading memory that may not be mapped |
//! | `reserve` | memory for a process whose heap is used up |
//! | `reserved` | descriptors of the library's own |
//! | `restartable` | restartable sequences (rseq(2)) |
//! | `robust` | the robust list of the thread |
//! | `scratch` | memory for the length of a call |
//! | `set_once` | a value that is set once, also from a signal handler |
//! | `settings` | the environment variables |
//! | `signals` | blocking all signals for a moment |
//! | `sleep` | sleeps until a word is woken, which C makes |
//! | `spawn` | threads that the C library does not know |
//! | `stopped` | whether a thread is stopped |
//! | `threads` | how many threads the process has |
//! | `user` | the memory that the program gives to a call, read and written as the kernel does it |
//! | `valgrind` | whether the program runs under valgrind |
//! | `wiped` | memory that the kernel wipes in the child of a fork |

pub mod errno;

#[cfg(not(loom))]
pub mod bare;
#[cfg(not(loom))]
pub mod cancel;
#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
pub mod concern;
#[cfg(not(loom))]
pub mod cpu;
#[cfg(not(loom))]
pub mod credentials;
#[cfg(not(loom))]
pub mod description;
#[cfg(not(loom))]
pub mod descriptors;
#[cfg(not(loom))]
pub mod directory;
#[cfg(not(loom))]
pub mod epoll;
#[cfg(not(loom))]
pub mod errand;
#[cfg(not(loom))]
pub mod file;
#[cfg(not(loom))]
pub mod file_size;
#[cfg(not(loom))]
pub mod filter;
#[cfg(not(loom))]
pub mod fork;
#[cfg(not(loom))]
pub mod futex;
pub mod growing;
#[cfg(not(loom))]
pub mod handled;
#[cfg(not(loom))]
pub mod lines;
#[cfg(not(loom))]
pub mod lock;
#[cfg(not(loom))]
pub mod maps;
#[cfg(not(loom))]
pub mod membarrier;
#[cfg(not(loom))]
pub mod namespace;
#[cfg(not(loom))]
pub mod open;
#[cfg(not(loom))]
pub mod own;
#[cfg(not(loom))]
pub mod process;
pub mod publication;
#[cfg(not(loom))]
pub mod random;
#[cfg(not(loom))]
pub mod readable;
pub mod reserve;
#[cfg(not(loom))]
pub mod reserved;
#[cfg(not(loom))]
pub mod restartable;
#[cfg(not(loom))]
pub mod robust;
#[cfg(not(loom))]
pub mod scratch;
#[cfg(not(loom))]
pub mod set_once;
#[cfg(not(loom))]
pub mod settings;
#[cfg(not(loom))]
pub mod signals;
#[cfg(not(loom))]
pub mod sleep;
#[cfg(not(loom))]
pub mod spawn;
#[cfg(not(loom))]
pub mod stopped;
#[cfg(not(loom))]
pub mod threads;
#[cfg(not(loom))]
pub mod user;
#[cfg(not(loom))]
pub mod valgrind;
#[cfg(not(loom))]
pub mod wiped;

pub use errno::{Errno, Result};
