//! An object of the kernel as programs read it.

use serde::Serialize;

use super::owner::Owner;
use crate::objects::Kind;
use crate::objects::kernel::{self, Contents, Object};
use crate::objects::sysv::shown_key;
use crate::processes::Pid;
use crate::survey::Survey;

#[derive(Serialize)]
pub struct KernelReport {
    kind: Kind,
    id: i32,
    key: Option<String>,
    owner: Owner,
    creator: Owner,
    mode: String,
    last_use: Option<u64>,
    changed: u64,
    to_be_removed: bool,
    /// Of a queue: when it was sent to and received from last. Of a segment: when it was attached
    /// and detached last. Of a set: when it was operated on last. Null: never.
    times: [Option<u64>; 2],
    semaphores: Option<u64>,
    /// Of a set that may be read: its first semaphores.
    values: Option<Vec<Member>>,
    messages: Option<u64>,
    /// Of all messages together, or of the segment.
    bytes: Option<u64>,
    attached: Option<u64>,
    /// Of a queue: who sent and received last. Of a segment: who made it, and who attached or
    /// detached it last.
    pids: Option<[Pid; 2]>,
    /// Processes that were seen to have the segment attached.
    attached_by: Option<Vec<Pid>>,
}

/// A semaphore of a set.
#[derive(Serialize)]
struct Member {
    value: u64,
    /// Null: nobody yet.
    last_pid: Option<Pid>,
    waiting_for_increase: u64,
    waiting_for_zero: u64,
}

fn values(id: i32, semaphores: u64) -> Option<Vec<Member>> {
    let value = |member: kernel::Member| Member {
        value: member.value,
        last_pid: Some(member.pid).filter(|pid| *pid != 0),
        waiting_for_increase: member.increase,
        waiting_for_zero: member.zero,
    };
    Some(kernel::members(id, semaphores)?.into_iter().map(value).collect())
}

impl KernelReport {
    pub fn of(object: &Object, survey: &Survey) -> Self {
        let (mut semaphores, mut messages, mut bytes, mut attached) = (None, None, None, None);
        let mut pids = None;
        match object.contents {
            Contents::Set { semaphores: count } => semaphores = Some(count),
            Contents::Queue { messages: count, bytes: size, last_sender, last_receiver } => {
                (messages, bytes) = (Some(count), Some(size));
                pids = Some([last_sender, last_receiver]);
            }
            Contents::Segment { bytes: size, attached: count, creator, last_user } => {
                (bytes, attached) = (Some(size), Some(count));
                pids = Some([creator, last_user]);
            }
        }
        Self {
            kind: object.kind,
            id: object.id,
            key: shown_key(object.key),
            owner: Owner::of(object.owner),
            creator: Owner::of(object.creator),
            mode: format!("{:04o}", object.mode & 0o777),
            last_use: Some(object.last_use()).filter(|time| *time != 0),
            changed: object.changed,
            to_be_removed: object.is_to_be_removed(),
            times: object.times.map(|time| Some(time).filter(|time| *time != 0)),
            semaphores,
            values: semaphores.and_then(|count| values(object.id, count)),
            messages,
            bytes,
            attached,
            pids,
            attached_by: attached.map(|_| survey.attached(object)),
        }
    }
}
