//! The files of a queue.
//!
//! | module | |
//! |---|---|
//! | `name` | from the name of a queue to that of its data file |
//! | `data` | the data file: opened, made, mapped |
//! | `parts` | more data files, where one may not be long enough |
//! | `fifo` | the FIFO, which a descriptor really is: its name, made, opened |
//! | `fifo_open` | the FIFO of a queue: found and verified, or made anew |
//! | `unlink` | all removed |
//! | `find` | data files by something else than their name |
//! | `access` | files that others may have put there, opened and changed |
//!
//! Queue `/NAME` is the data file `rsipc-mq.NAME`; if that is too long, the file is
//! `rsipc-mqh.HASH`, with a hash of the name, and the header holds the name in full. Beside it lies
//! the FIFO `rsipc-mqf.INODE.NONCE`.
//!
//! **Which FIFO belongs to a queue.** Other users may write to the directory, and all users of a
//! queue may write to its header. So neither a name nor a header is trusted by itself. The name of
//! the FIFO contains the inode of the data file, and only the owner of a file can have given it its
//! name. The FIFO must have the same owner as the data file. And the header holds the inode of the
//! FIFO, which keeps out other files of that owner that another user has linked to the name. So a
//! user of a queue can make its FIFO lost, but cannot replace it, and each FIFO leads to its own
//! queue alone. The nonce is random, so that no user can take the name beforehand.
//!
//! Nothing is changed or removed by a path unless the owner of what is there is the owner of the
//! queue: in a sticky directory no other user can replace it then.

mod access;
mod data;
mod fifo;
mod fifo_open;
mod find;
mod name;
mod parts;
mod unlink;

pub use data::{Data, create, exists, has_name, open, reopen, reopen_as_path};
pub use fifo::{FIFO_PREFIX, Fifo, fifo_path};
pub use fifo_open::open_fifo;
pub use find::{geometry_of, is_data_name, is_of_fifo, open_of_fifo};
pub use name::{HASHED_PREFIX, Name, PREFIX};
pub use parts::{PART_PREFIX, Reader, first_part_of, parts_of};
pub use unlink::{remove_fifo, take_back, unlink};
