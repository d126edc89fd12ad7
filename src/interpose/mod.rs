//! Interposed calls of the C library: those that may be given the descriptor of a queue, those that
//! change credentials, and those that change what is mapped.
//!
//! | module | |
//! |---|---|
//! | `control` | `fcntl` and `ioctl` |
//! | `credentials` | `setuid` and the others, after which rights are checked anew |
//! | `epoll_sets` | what is put into the set of an epoll |
//! | `file` | a descriptor as a file: `fstat`, `fchmod`, `read`, `write` |
//! | `memory` | `munmap` and the others, after which memory is looked at anew |
//! | `poll` | `poll`, `select`, `epoll_wait` |
//! | `socket` | `sendmsg`, which may send a descriptor |
//! | `unistd` | `close`, `dup` and the others that close or duplicate descriptors |
//! | `untold` | what `poll`, `select` and `epoll_wait` should have reported |
//! | `vectors` | `readv`, `pwrite` and the other forms of `read` and `write` |

mod control;
mod credentials;
mod epoll_sets;
mod file;
mod memory;
mod poll;
mod socket;
mod unistd;
mod untold;
mod vectors;
