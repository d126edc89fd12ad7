//! Message queues of System V.
//!
//! | module | |
//! |---|---|
//! | `arrivals` | sequence numbers, and looks at slots that others fill meanwhile |
//! | `asleep` | what a thread that waits sleeps on |
//! | `blocks` | what the blocks of a file are used for |
//! | `body` | storage for bodies |
//! | `brief` | sleeps that nobody may end |
//! | `call` | `msgsnd`, `msgrcv` |
//! | `control` | `msgctl` |
//! | `count` | what is in use, counted |
//! | `deaths` | whether threads have died in the middle of an operation |
//! | `find` | `msgget` |
//! | `flag` | whether any thread may wait |
//! | `floor` | how old the messages of a block can be |
//! | `image` | a copy of a queue's file, for an observer that does not map it |
//! | `kinds` | sets of types that have nothing to do with the others |
//! | `layout` | where everything lies in a file |
//! | `limits` | the limits of new queues |
//! | `long` | the search in a queue with several blocks of slots |
//! | `message` | a message |
//! | `model` | the models of the protocols |
//! | `occupied` | where messages may be |
//! | `oldest` | what a search for the oldest message is told |
//! | `outlook` | what a waiter finds before it sleeps |
//! | `owner` | which message a piece of storage belongs to |
//! | `place` | where a wait takes place |
//! | `queue` | a mapped queue |
//! | `quiet` | looks during which no message came |
//! | `receiver` | a waiter for a message |
//! | `record` | a waiter |
//! | `records` | all records of a queue |
//! | `regions` | where the regions of a queue are mapped |
//! | `registering` | how a thread says in a record that it waits, or no longer waits |
//! | `removal` | a message that is on its way when its queue is removed |
//! | `reserve` | a free slot for a message |
//! | `search` | the message that a receiver gets next |
//! | `selector` | which message a receiver wants |
//! | `snapshot` | a queue as an observer sees it |
//! | `standing` | which message is for which waiter |
//! | `store` | the slots of messages: claim, commit, release |
//! | `task` | an action of a thread that may have to wait |
//! | `tell` | waking waiters |
//! | `transfer` | sending and receiving without a wait |
//! | `under_way` | operations that may not know of a waiter |
//! | `usage` | what is in use, in one word |
//! | `wait` | a wait for a message, or for space |

mod arrivals;
mod deaths;
mod flag;
mod floor;
mod kinds;
mod message;
#[cfg(all(test, loom))]
mod model;
mod occupied;
mod oldest;
mod owner;
mod quiet;
mod receiver;
mod record;
mod selector;
mod standing;
mod under_way;
mod usage;

#[cfg(not(loom))]
mod asleep;
#[cfg(not(loom))]
mod blocks;
#[cfg(not(loom))]
mod body;
#[cfg(not(loom))]
mod brief;
#[cfg(not(loom))]
mod call;
#[cfg(not(loom))]
mod control;
#[cfg(not(loom))]
mod count;
#[cfg(not(loom))]
mod find;
#[cfg(not(loom))]
mod image;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod limits;
#[cfg(not(loom))]
mod long;
#[cfg(not(loom))]
mod outlook;
#[cfg(not(loom))]
mod place;
#[cfg(not(loom))]
mod queue;
#[cfg(not(loom))]
mod records;
#[cfg(not(loom))]
mod regions;
#[cfg(not(loom))]
mod registering;
#[cfg(not(loom))]
mod removal;
#[cfg(not(loom))]
mod reserve;
#[cfg(not(loom))]
mod search;
#[cfg(not(loom))]
pub mod snapshot;
#[cfg(not(loom))]
mod store;
#[cfg(not(loom))]
mod task;
#[cfg(not(loom))]
mod tell;
#[cfg(not(loom))]
mod transfer;
#[cfg(not(loom))]
mod wait;

#[cfg(not(loom))]
pub use call::{Outcome, copy, is_too_long, receive_or_wait, send_or_wait};
#[cfg(not(loom))]
pub use control::{
    Change, Description, Totals, describe, highest, id_of_index, remove, set, totals,
};
#[cfg(not(loom))]
pub use find::get;
#[cfg(not(loom))]
pub use limits::{Limits, of_new_queues};
#[cfg(not(loom))]
pub use place::CallStorage;
#[cfg(not(loom))]
pub use queue::Queue;
#[cfg(not(loom))]
pub use selector::Selector;
#[cfg(not(loom))]
pub use task::{Done, Incoming, Outgoing};
#[cfg(not(loom))]
pub use usage::Amount;
#[cfg(not(loom))]
pub use wait::Waiting;
