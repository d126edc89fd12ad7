//! Message queues and segments of System V as programs read them.

use serde::Serialize;

use super::owner::Owner;
use crate::objects::messages::{self, Wanted};
use crate::objects::segment::{self, Snapshot as Segment};
use crate::objects::sysv::{Account, Common, shown_key};
use crate::processes::Pid;

/// What all objects of System V have.
#[derive(Serialize)]
pub struct Sysv {
    id: i32,
    /// `0x…`; null for IPC_PRIVATE.
    key: Option<String>,
    creator: Owner,
    changed: u64,
    removed: bool,
    /// Why it cannot be used, or null.
    trouble: Option<&'static str>,
}

#[derive(Serialize)]
pub struct MessageQueue {
    messages: u64,
    bytes: u64,
    max_bytes: u64,
    message_size: u64,
    types: Vec<OfType>,
    /// Null: never.
    sent: Option<u64>,
    received: Option<u64>,
    last_sender: Option<u32>,
    last_receiver: Option<u32>,
}

/// How many messages of one type there are.
#[derive(Serialize)]
struct OfType {
    r#type: i64,
    messages: usize,
}

#[derive(Serialize)]
pub struct SharedSegment {
    bytes: u64,
    /// Attachments that were seen.
    attached: usize,
    attached_by: Vec<Pid>,
    locked: bool,
    /// Null: never.
    attach: Option<u64>,
    detach: Option<u64>,
    creator_pid: u32,
    last_pid: Option<u32>,
}

/// What a waiter wants of a System V queue.
#[derive(Serialize)]
pub struct Want {
    /// Of one that receives: as msgrcv(2) is told.
    r#type: Option<i64>,
    except: bool,
    /// Of one that sends: the length of its message. Of one that receives: its room, or null if a
    /// longer message would be cut.
    bytes: Option<u64>,
}

fn known<T: PartialEq + Default>(number: T) -> Option<T> {
    (number != T::default()).then_some(number)
}

impl Sysv {
    pub fn of(common: &Common, account: &Account) -> Self {
        Self {
            id: common.id,
            key: shown_key(common.key),
            creator: Owner::of(account.creator),
            changed: account.changed,
            removed: common.is_removed(),
            trouble: common.trouble(),
        }
    }
}

impl MessageQueue {
    pub fn of(queue: &messages::Snapshot) -> Self {
        let described = &queue.description;
        let [sent, received, _] = described.times;
        let [last_sender, last_receiver] = described.pids;
        let types = messages::by_type(queue).into_iter();
        Self {
            messages: described.amount.messages,
            bytes: described.amount.bytes,
            max_bytes: described.bound,
            message_size: described.longest,
            types: types.map(|(r#type, messages)| OfType { r#type, messages }).collect(),
            sent: known(sent),
            received: known(received),
            last_sender: known(last_sender),
            last_receiver: known(last_receiver),
        }
    }
}

impl SharedSegment {
    pub fn of(segment: &Segment) -> Self {
        Self {
            bytes: segment.size,
            attached: segment.attached.len(),
            attached_by: segment::attached_by(segment),
            locked: segment.is_locked,
            attach: known(segment.atime),
            detach: known(segment.dtime),
            creator_pid: segment.creator,
            last_pid: known(segment.last),
        }
    }
}

impl From<Wanted> for Want {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Message { selector, capacity } => {
                let (r#type, except) = messages::argument(selector);
                Self { r#type: Some(r#type), except, bytes: capacity }
            }
            Wanted::Space(bytes) => Self { r#type: None, except: false, bytes: Some(bytes) },
        }
    }
}
