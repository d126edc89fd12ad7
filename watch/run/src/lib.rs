//! A watched run: what the library in its processes (`librsipc_watch.so`) and the command that
//! started it share.
//!
//! | module | |
//! |---|---|
//! | `calls` | the watched calls, and what their arguments are |
//! | `finding` | what can be wrong, and the manual page that says why |
//! | `suspect` | what looks like a mistake, until later events tell |
//! | `tables` | the memory that all processes of a run have in common |

pub mod calls;
pub mod finding;
pub mod suspect;
pub mod tables;

/// The environment variable that names the directory of a run.
pub const DIRECTORY: &str = "RSIPC_WATCH";
/// In that directory: the memory of the run, and the records, a line of JSON each.
pub const TABLES_FILE: &str = "run";
/// See [`TABLES_FILE`].
pub const RECORDS_FILE: &str = "records";
/// In the environment of the process that looks, at the end of a run, at what is left of it.
pub const END: &str = "RSIPC_WATCH_END";
