//! What is in a System V message queue: the only place that knows how the library lays one out.

use std::fs::File;
use std::io;

use rsipc_core::os::Errno;
use rsipc_core::sysv::msg::Selector;
use rsipc_core::sysv::msg::snapshot;
pub use rsipc_core::sysv::msg::snapshot::{Message, Snapshot, Waiter, Wanted};

use super::purpose::Purpose;
use super::queue::Passage;
use crate::failure::from_errno;

/// Reads, and does not map: a mapping would count as a use of the object.
pub fn read(file: &File) -> io::Result<Box<Snapshot>> {
    Snapshot::at(file).map(Box::new).map_err(failed)
}

/// The body of a message. None: it is gone.
pub fn body(file: &File, message: &Message) -> io::Result<Option<Vec<u8>>> {
    Snapshot::body(file, message).map_err(failed)
}

/// What passes through it. A wait for a message counts as one that was sent.
pub fn passage(file: &File) -> io::Result<Passage> {
    let (sent, messages) = snapshot::passage(file).map_err(failed)?;
    Ok(Passage { sent, messages: usize::try_from(messages).unwrap_or(usize::MAX) })
}

fn failed(error: Errno) -> io::Error {
    match error {
        Errno::EINVAL => io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is not a System V message queue, or one of another version of librsipc",
        ),
        other => from_errno(other),
    }
}

pub fn purpose(waiter: &Waiter) -> Purpose {
    match waiter.wanted {
        Wanted::Message { .. } => Purpose::Message,
        Wanted::Space(_) => Purpose::Space,
    }
}

/// Behind what a waiter waits for: ` of type 5`, ` for 100 bytes`.
pub fn shown_wanted(wanted: Wanted) -> String {
    match wanted {
        Wanted::Message { selector: Selector::Any, .. } => " of any type".to_owned(),
        Wanted::Message { selector: Selector::Type(kind), .. } => format!(" of type {kind}"),
        Wanted::Message { selector: Selector::Except(kind), .. } => {
            format!(" of another type than {kind}")
        }
        Wanted::Message { selector: Selector::Lowest(bound), .. } => {
            format!(" of the lowest type up to {bound}")
        }
        Wanted::Space(1) => " for 1 byte".to_owned(),
        Wanted::Space(bytes) => format!(" for {bytes} bytes"),
    }
}

/// As the third argument of msgrcv(2) has it, and whether with MSG_EXCEPT.
pub fn argument(selector: Selector) -> (i64, bool) {
    match selector {
        Selector::Any => (0, false),
        Selector::Type(kind) => (kind, false),
        Selector::Except(kind) => (kind, true),
        Selector::Lowest(bound) => (bound.wrapping_neg(), false),
    }
}

/// The types of the messages, with how many there are of each, in the order of the types.
pub fn by_type(queue: &Snapshot) -> Vec<(i64, usize)> {
    let mut types = std::collections::BTreeMap::new();
    for message in &queue.messages {
        *types.entry(message.kind).or_insert(0) += 1;
    }
    types.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_lead_back_to_the_arguments_of_the_call() {
        const EXCEPT: i32 = 0o20_000;
        for (wanted, flags) in [(0, 0), (5, 0), (5, EXCEPT), (-5, 0)] {
            assert_eq!(argument(Selector::new(wanted, flags)), (wanted, flags != 0));
        }
    }
}
