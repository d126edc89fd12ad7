//! What semaphore sets, message queues and segments of System V have in common, whether they are
//! ours or the kernel's: keys, ids, and what ipcs(1) tells of them.

use rsipc_core::sysv::family::Family;
use rsipc_core::sysv::header::Life;
use rsipc_core::sysv::permission::Permission;

use super::state::{Kind, State};
use crate::processes::Pid;

/// An object as ipcs(1) tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub kind: Kind,
    /// 0 = IPC_PRIVATE.
    pub key: i32,
    pub id: i32,
    /// User and group.
    pub owner: (u32, u32),
    /// User and group of the creator.
    pub creator: (u32, u32),
    /// Permission bits, and flags above them.
    pub mode: u32,
    /// In seconds since 1970; 0 = never. Of a set the last operation, and 0; of a queue the last
    /// message sent and received; of a segment the last attach and detach.
    pub times: [u64; 2],
    /// Of the making, or the last change by a `ctl` call.
    pub changed: u64,
    pub contents: Contents,
}

/// What is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    Set { semaphores: u64 },
    Queue { messages: u64, bytes: u64, last_sender: Pid, last_receiver: Pid },
    Segment { bytes: u64, attached: u64, creator: Pid, last_user: Pid },
}

/// `SHM_DEST` of linux/shm.h: it goes when the last one detaches it.
const TO_BE_REMOVED: u32 = 0o1000;

impl Account {
    /// Its key if it has one, or its id.
    pub fn name(&self) -> String {
        name(self.key, self.id)
    }

    pub fn is_to_be_removed(&self) -> bool {
        matches!(self.contents, Contents::Segment { .. }) && self.mode & TO_BE_REMOVED != 0
    }

    /// In seconds since 1970: of the last operation; 0 = never.
    pub fn last_use(&self) -> u64 {
        self.times[0].max(self.times[1])
    }
}

/// As users know an object: by its key if it has one, or by its id.
pub fn name(key: i32, id: i32) -> String {
    shown_key(key).unwrap_or_else(|| id.to_string())
}

/// `0x0000beef`. None: it was made with IPC_PRIVATE.
pub fn shown_key(key: i32) -> Option<String> {
    (key != libc::IPC_PRIVATE).then(|| format!("0x{key:08x}"))
}

/// How often a segment is attached, ours or the kernel's. `is_known`: there may be no more that
/// could not be seen.
pub fn shown_attachments(count: u64, is_known: bool) -> String {
    match (count, is_known) {
        (0, false) => "? att".to_owned(),
        (count, false) => format!("{count}? att"),
        (count, true) => format!("{count} att"),
    }
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
        // `parse` would take a sign, too.
        let has_digits = |text: &str| text.starts_with(|first: char| first.is_ascii_hexdigit());
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => {
                let digits = Some(digits).filter(|digits| has_digits(digits))?;
                u32::from_str_radix(digits, 16).ok().map(|key| Self::Key(key.cast_signed()))
            }
            None => Some(text).filter(|text| has_digits(text))?.parse::<i32>().ok().map(Self::Id),
        }
    }

    /// For clap: a message queue, which may have its kind in front. An argument that is neither
    /// key nor id is wrong usage.
    pub fn parse_queue(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix("msg:").or_else(|| text.strip_prefix("svmsg:"));
        let bare = bare.unwrap_or(text);
        let is_none = || "give an id, which is a number, or a key such as 0xbeef".to_owned();
        Self::read(bare.as_bytes()).filter(|_| !bare.starts_with('/')).ok_or_else(is_none)
    }

    /// Whether an object with this key and this id is meant.
    pub fn means(self, key: i32, id: i32) -> bool {
        match self {
            Self::Key(wanted) => wanted == key && key != libc::IPC_PRIVATE,
            Self::Id(wanted) => wanted == id,
        }
    }

    pub fn shown(self) -> String {
        match self {
            Self::Key(key) => format!("0x{key:08x}"),
            Self::Id(id) => id.to_string(),
        }
    }
}

/// What the file of an object of ours begins with.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    pub family: Family,
    pub id: i32,
    pub key: i32,
    pub permission: Permission,
    life: Life,
    is_half_done: bool,
    /// A segment that is attached goes on when it has been removed.
    is_attached: bool,
}

impl Common {
    pub fn name(&self) -> String {
        name(self.key, self.id)
    }

    pub fn is_removed(&self) -> bool {
        self.life == Life::Removed
    }

    /// What is wrong with one that is there but cannot be used.
    pub fn trouble(&self) -> Option<&'static str> {
        match (self.life, self.is_half_done) {
            (Life::Removed, _) if self.is_attached => None,
            (Life::Removed, _) => Some("removed, its file is left"),
            (Life::Lives, true) => Some("the process that removed it was killed"),
            (Life::Unborn, true) => Some("the process that created it was killed"),
            (Life::Unborn | Life::Lives, false) => None,
        }
    }
}

/// Of an object of ours that may be read.
pub fn common(state: &State) -> Option<Common> {
    Some(match state {
        State::Set(Ok(set)) => Common {
            family: Family::Semaphores,
            id: set.id,
            key: set.key,
            permission: set.permission,
            life: set.life,
            is_half_done: set.is_half_done,
            is_attached: false,
        },
        State::Messages(Ok(queue)) => Common {
            family: Family::Queues,
            id: queue.description.id,
            key: queue.description.key,
            permission: queue.description.permission,
            life: queue.life,
            is_half_done: queue.is_half_done,
            is_attached: false,
        },
        State::Segment(Ok(segment)) => Common {
            family: Family::Memory,
            id: segment.id,
            key: segment.key,
            permission: segment.permission,
            life: segment.life,
            is_half_done: segment.is_half_done,
            is_attached: !segment.attached.is_empty(),
        },
        _ => return None,
    })
}

/// Of an object of ours that may be read, as ipcs(1) would tell of it.
pub fn account(kind: Kind, state: &State) -> Option<Account> {
    let Common { id, key, permission, .. } = common(state)?;
    let (times, changed, flags, contents) = match state {
        State::Set(Ok(set)) => {
            let semaphores = set.members.len() as u64;
            ([set.otime, 0], set.ctime, 0, Contents::Set { semaphores })
        }
        State::Messages(Ok(queue)) => {
            let [sent, received, changed] = queue.description.times;
            let [last_sender, last_receiver] = queue.description.pids.map(u32::cast_signed);
            let amount = queue.description.amount;
            let (messages, bytes) = (amount.messages, amount.bytes);
            let contents = Contents::Queue { messages, bytes, last_sender, last_receiver };
            ([sent, received], changed, 0, contents)
        }
        State::Segment(Ok(segment)) => {
            let contents = Contents::Segment {
                bytes: segment.size,
                attached: segment.attached.len() as u64,
                creator: segment.creator.cast_signed(),
                last_user: segment.last.cast_signed(),
            };
            let flags = if segment.life == Life::Removed { TO_BE_REMOVED } else { 0 };
            ([segment.atime, segment.dtime], segment.ctime, flags, contents)
        }
        _ => return None,
    };
    Some(Account {
        kind,
        key,
        id,
        owner: (permission.uid, permission.gid),
        creator: (permission.cuid, permission.cgid),
        mode: u32::from(permission.mode) | flags,
        times,
        changed,
        contents,
    })
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
}
