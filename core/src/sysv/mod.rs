//! System V interprocess communication.
//!
//! | module | |
//! |---|---|
//! | `absent` | keys that no object has |
//! | `attached` | the objects that a process has mapped |
//! | `enter` | how an operation begins; removals that were left half done |
//! | `family` | the three families, and the names of their files |
//! | `find` | finding, making and removing objects of any family |
//! | `header` | what every object's file begins with |
//! | `msg` | message queues |
//! | `indices` | the indices under which SEM_STAT and its like know all objects |
//! | `object` | what the families have in common |
//! | `permission` | which user may do what |
//! | `registry` | the directory of objects |
//! | `role` | what a file in it is, by its name |
//! | `sem` | semaphore sets |
//! | `shm` | segments of shared memory |
//! | `verdict` | what a process was last found to be allowed |

#[cfg(not(loom))]
mod absent;
#[cfg(not(loom))]
mod attached;
#[cfg(not(loom))]
mod enter;
#[cfg(not(loom))]
pub mod family;
#[cfg(not(loom))]
pub mod find;
#[cfg(not(loom))]
pub mod header;
#[cfg(not(loom))]
pub mod indices;
pub mod msg;
#[cfg(not(loom))]
pub mod object;
#[cfg(not(loom))]
pub mod permission;
#[cfg(not(loom))]
pub mod registry;
#[cfg(not(loom))]
pub mod role;
pub mod sem;
#[cfg(not(loom))]
pub mod shm;
mod verdict;
