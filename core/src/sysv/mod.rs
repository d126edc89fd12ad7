//! System V interprocess communication.
//!
//! | module | |
//! |---|---|
//! | `attached` | the objects that a process has mapped |
//! | `family` | the three families, and the names of their files |
//! | `header` | what every object's file begins with |
//! | `permission` | who may do what |
//! | `registry` | finding, making and removing objects |
//! | `sem` | semaphore sets |
//! | `verdict` | what a process was last found to be allowed |

#[cfg(not(loom))]
mod attached;
#[cfg(not(loom))]
pub mod family;
#[cfg(not(loom))]
pub mod header;
#[cfg(not(loom))]
pub mod permission;
#[cfg(not(loom))]
pub mod registry;
pub mod sem;
mod verdict;
