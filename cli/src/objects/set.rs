//! What is in a System V semaphore set: the only place that knows how the library lays one out.

use std::fmt::Write;
use std::fs::File;
use std::io;

use rsipc_core::os::Errno;
use rsipc_core::sysv::family::Family;
use rsipc_core::sysv::header::Life;
use rsipc_core::sysv::registry;
use rsipc_core::sysv::sem::Operation;
use rsipc_core::sysv::sem::snapshot;
pub use rsipc_core::sysv::sem::snapshot::{Adjustment, Role, Snapshot, Waiter};

use super::purpose::Purpose;
use crate::failure::from_errno;

/// What a file is to a set.
pub fn classify(file_name: &[u8]) -> Role {
    snapshot::role(file_name)
}

/// Reads, and does not map: that would make a holder of the one who looks.
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
            "the file is no semaphore set, or one of another version of librsipc",
        ),
        other => from_errno(other),
    }
}

/// Takes the names of its key away, of a set that nobody has and nobody can open.
pub fn unlink_key(set: &Snapshot) {
    registry::unlink_key(Family::Semaphores, set.key, set.id);
}

/// As users know an object: by its key if it has one, or by its id.
pub fn name(key: i32, id: i32) -> String {
    shown_key(key).unwrap_or_else(|| id.to_string())
}

/// `0x0000beef`. None: it was made with IPC_PRIVATE.
pub fn shown_key(key: i32) -> Option<String> {
    (key != libc::IPC_PRIVATE).then(|| format!("0x{key:08x}"))
}

/// What was typed for an object of System V.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    Key(i32),
    Id(i32),
}

impl Typed {
    /// `0xbeef` is a key, a decimal number is an id. A slash in front does not matter.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?.trim_start_matches('/');
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => {
                u32::from_str_radix(digits, 16).ok().map(|key| Self::Key(key.cast_signed()))
            }
            None => text.parse().ok().filter(|id: &i32| *id >= 0).map(Self::Id),
        }
    }

    /// Whether an object with this key and this id is meant.
    pub fn means(self, key: i32, id: i32) -> bool {
        match self {
            Self::Key(wanted) => wanted == key && key != libc::IPC_PRIVATE,
            Self::Id(wanted) => wanted == id,
        }
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

/// What is wrong with a set that is there but cannot be used.
pub fn trouble(set: &Snapshot) -> Option<&'static str> {
    match (set.life, set.is_half_done) {
        (Life::Removed, _) => Some("removed, its file is left"),
        (Life::Lives, true) => Some("its remover was killed"),
        (Life::Unborn, true) => Some("its maker was killed"),
        (Life::Unborn | Life::Lives, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_ids_as_they_are_typed() {
        assert_eq!(Typed::read(b"/0xBEEF"), Some(Typed::Key(0xbeef)));
        assert_eq!(Typed::read(b"0xffffffff"), Some(Typed::Key(-1)));
        assert_eq!(Typed::read(b"1234567"), Some(Typed::Id(1_234_567)));
        for other in [&b"/s"[..], b"-1", b"0x", b"0x1ffffffff", b""] {
            assert_eq!(Typed::read(other), None);
        }
        assert!(!Typed::Key(0).means(0, 5), "0 is no key");
    }

    #[test]
    fn operations_as_the_console_takes_them() {
        let shown = |member, amount, flags| shown_operation(Operation { member, amount, flags });
        assert_eq!(shown(3, -1, 0x1000 | 0o4000), "3:-1:IPC_NOWAIT|SEM_UNDO");
        assert_eq!((shown(0, 2, 0), shown(1, 0, 0)), ("0:+2".into(), "1:0".into()));
    }
}
