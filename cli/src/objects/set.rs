//! What is in a System V semaphore set: the only place that knows how the library lays one out.

use std::fmt::Write;
use std::fs::File;
use std::io;

use rsipc_core::os::Errno;
use rsipc_core::sysv::sem::Operation;
use rsipc_core::sysv::sem::snapshot;
pub use rsipc_core::sysv::sem::snapshot::{Adjustment, Snapshot, Waiter};

use super::purpose::Purpose;
use crate::failure::from_errno;

/// Reads, and does not map: a mapping would count as a use of the object.
pub fn read(file: &File) -> io::Result<Box<Snapshot>> {
    Snapshot::at(file).map(Box::new).map_err(failed)
}

/// How often the set has changed.
pub fn changes(file: &File) -> io::Result<u64> {
    snapshot::changes(file).map_err(failed)
}

fn failed(error: Errno) -> io::Error {
    match error {
        Errno::EINVAL => io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is not a semaphore set, or one of another version of librsipc",
        ),
        other => from_errno(other),
    }
}

/// An operation as the console takes it: `0:-1:SEM_UNDO`.
pub fn shown_operation(operation: Operation) -> String {
    let Operation { member, amount, .. } = operation;
    let mut text = match amount {
        0 => format!("{member}:0"),
        _ => format!("{member}:{amount:+}"),
    };
    let mut separator = ':';
    for (is_set, name) in
        [(operation.must_not_wait(), "IPC_NOWAIT"), (operation.is_undone(), "SEM_UNDO")]
    {
        if is_set {
            // Writing to a String cannot fail.
            let _ = write!(text, "{separator}{name}");
            separator = '|';
        }
    }
    text
}

/// All of an array, with blanks between them.
pub fn shown_operations(operations: &[Operation]) -> String {
    operations.iter().copied().map(shown_operation).collect::<Vec<_>>().join(" ")
}

pub fn purpose(waiter: &Waiter) -> Purpose {
    if waiter.for_zero { Purpose::Zero } else { Purpose::Increase }
}

/// As many values as find room in so many columns.
pub fn shown_values(set: &Snapshot, width: usize) -> String {
    const MORE: &str = ",…";
    let mut text = String::new();
    for (number, member) in set.members.iter().enumerate() {
        let value = member.value.to_string();
        let is_last = number + 1 == set.members.len();
        let room = if is_last { width } else { width - MORE.chars().count() };
        let comma = usize::from(number > 0);
        if number > 0 && text.len() + comma + value.len() > room {
            return text + MORE;
        }
        if number > 0 {
            text.push(',');
        }
        text.push_str(&value);
    }
    text
}

/// What is to be undone of processes that live, or may.
pub fn living(set: &Snapshot) -> impl Iterator<Item = &Adjustment> {
    set.adjustments.iter().filter(|adjustment| !adjustment.has_ended)
}

/// The value of a semaphore when everything of processes that have ended is undone.
pub fn value(set: &Snapshot, number: usize) -> i32 {
    let dead = set.adjustments.iter().filter(|adjustment| adjustment.has_ended);
    let owed: i32 = dead
        .filter(|adjustment| usize::from(adjustment.member) == number)
        .map(|adjustment| i32::from(adjustment.amount))
        .sum();
    set.members.get(number).map_or(0, |member| i32::from(member.value) + owed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_as_the_console_takes_them() {
        let shown = |member, amount, flags| shown_operation(Operation { member, amount, flags });
        assert_eq!(shown(3, -1, 0x1000 | 0o4000), "3:-1:IPC_NOWAIT|SEM_UNDO");
        assert_eq!((shown(0, 2, 0), shown(1, 0, 0)), ("0:+2".into(), "1:0".into()));
    }
}
