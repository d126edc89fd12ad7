//! `librsipc_watch.so`: stands in front of the IPC calls of a program, and forwards each to the
//! library behind it, which is librsipc or the C library.
//!
//! It is preloaded in front of that one; librsipc itself knows nothing of it. `docs/checking.md`
//! tells how it is made, and why so.
//!
//! | module | |
//! |---|---|
//! | `book` | what is known of objects, and of their use by processes |
//! | `call` | a call while it is made |
//! | `chaos` | delays, interruptions and a death, from a seed |
//! | `check` | judges calls |
//! | `entry` | the exported names |
//! | `frames` | the calls that a thread is in |
//! | `heirs` | what the child of a fork has of its parent |
//! | `hooks` | before and after each call |
//! | `life` | load, forks and the end of a process |
//! | `line` | text without allocation |
//! | `maps` | what is mapped where |
//! | `memory` | what a thread remembers |
//! | `next` | the functions behind ours |
//! | `peek` | memory of the program that may not be there |
//! | `processes` | what is known of processes |
//! | `records` | where findings and traced calls go |
//! | `run` | the tables of the run, and their lock |
//! | `slots` | threads that are in a call |
//! | `stack` | the call stack of a call |
//! | `system` | system calls that are no cancellation points |
//! | `trace` | a call as text |
//! | `who` | which process and thread this is |

mod book;
mod call;
mod chaos;
mod check;
mod entry;
mod frames;
mod heirs;
mod hooks;
mod life;
mod line;
mod maps;
mod memory;
mod next;
mod peek;
mod processes;
mod records;
mod run;
mod slots;
mod stack;
mod system;
mod trace;
mod who;
