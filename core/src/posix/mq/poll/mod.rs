//! Makes the descriptor of a queue pollable: it is a FIFO, and the packets in it tell the kernel
//! the state of the queue.
//!
//! | module | |
//! |---|---|
//! | `answer` | corrects what poll(2) has answered |
//! | `closed` | descriptors that are closed while an epoll reports them |
//! | `fifo` | the system calls on the FIFO |
//! | `level` | when packets are put in and taken out |
//! | `nested` | the epolls that this process has in sets of epolls |
//! | `pollers` | which processes poll, and what is done for them |
//! | `polling` | how this process polls through one description |
//! | `raise` | tells pollers of what is about to be there |
//! | `readiness` | the words in shared memory: which events are polled for, how many packets |
//! | `reasons` | why a call that polls does not sleep |
//! | `untold` | what the kernel should have reported and has not |
//! | `interest` | the queues that this process has in sets of epoll |

#[cfg(not(loom))]
pub mod answer;
#[cfg(not(loom))]
pub mod closed;
#[cfg(not(loom))]
pub mod fifo;
#[cfg(not(loom))]
mod interest;
pub mod level;
#[cfg(not(loom))]
pub mod nested;
#[cfg(not(loom))]
pub mod pollers;
#[cfg(not(loom))]
pub mod polling;
#[cfg(not(loom))]
mod raise;
pub mod readiness;
#[cfg(not(loom))]
pub mod reasons;
#[cfg(not(loom))]
pub mod untold;
