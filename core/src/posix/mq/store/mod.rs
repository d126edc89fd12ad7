//! Where the messages are: keys, slots, and the index that finds the best of them.
//!
//! | module | |
//! |---|---|
//! | `age` | which message is the oldest, and how many there are |
//! | `commit` | the store that makes a message be there, or be gone |
//! | `held` | what is done to slots that a process keeps beyond a call |
//! | `holders` | which processes keep slots, and how others learn of their deaths |
//! | `index` | which slot has the best message, which one is free |
//! | `key` | the word that says whether there is a message, and which one comes first |
//! | `run` | several messages, or free slots, one after the other |
//! | `scan` | the largest of some keys |
//! | `slots` | claims and releases, in what order |
//! | `straight` | claiming a slot where nothing is in the way |
//! | `summary` | what a node of the index tells |

mod age;
mod commit;
mod held;
pub mod holders;
pub mod index;
pub mod key;
pub mod run;
mod scan;
pub mod slots;
mod straight;
mod summary;
