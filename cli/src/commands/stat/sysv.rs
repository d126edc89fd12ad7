//! What all of System V have, and message queues and segments, in words.

use super::description::{Description, count};
use crate::objects::Object;
use crate::objects::messages::{self, Snapshot as Queue};
use crate::objects::segment::{self, Snapshot as Segment};
use crate::output::{time, user};
use crate::processes::Pid;
use crate::survey::Survey;

/// Types of messages that are told of; `--json` has the others.
const SHOWN: usize = 16;

/// Before what is in it.
pub fn begin(object: &Object, out: &mut Description) {
    let Some(common) = object.common() else { return };
    out.line("id", common.id.to_string());
    if let Some(trouble) = common.trouble() {
        out.line("state", format!("{trouble}: `rsipc clean` removes it"));
    } else if common.is_removed() {
        out.line("state", "removed: it lives until the last process detaches it");
    }
}

/// Behind what is in it.
pub fn end(object: &Object, out: &mut Description) {
    let Some(account) = object.account() else { return };
    if account.owner != account.creator {
        let (user, group) = user::names(account.creator);
        out.line("creator", format!("{user}, group {group}"));
    }
    out.line("changed", format!("{}: made, or changed by a ctl call", ago(account.changed)));
}

/// `5s ago`, or `never`.
pub fn ago(seconds: u64) -> String {
    match seconds {
        0 => "never".to_owned(),
        _ => format!("{} ago", time::short(time::since_unix(seconds))),
    }
}

/// Who did something last, at this time at the latest, and whether that process has ended.
/// `is_at_home`: its number is one of this PID namespace.
pub fn past(pid: Pid, then: u64, is_at_home: bool, survey: &Survey) -> String {
    match pid {
        0 => "nobody".to_owned(),
        _ if !is_at_home => format!("process {pid} of another PID namespace"),
        _ => match survey.has_ended(pid, then) {
            Some(true) => format!("{pid}, which has ended"),
            Some(false) => process(pid, survey),
            None => format!("process {pid}"),
        },
    }
}

pub fn process(pid: Pid, survey: &Survey) -> String {
    match pid {
        0 => "nobody".to_owned(),
        // It has ended, or is of another PID namespace.
        _ if !survey.knows(pid) => format!("process {pid}"),
        _ => format!("{} {pid}", survey.shown_program(pid)),
    }
}

pub fn describe_queue(queue: &Queue, survey: &Survey, out: &mut Description) {
    let described = &queue.description;
    let (amount, bound) = (described.amount, described.bound);
    let messages = count(amount.messages, "message", "messages");
    out.line("messages", format!("{messages}, {} of {bound} bytes", amount.bytes));
    let types = messages::by_type(queue);
    for (kind, number) in types.iter().take(SHOWN) {
        out.line("type", format!("{kind}: {}", count(*number as u64, "message", "messages")));
    }
    if types.len() > SHOWN {
        out.line("types", format!("{}; --json has the others", types.len()));
    }
    out.line("longest", format!("{} bytes may be in a message", described.longest));
    let [sent, received, _] = described.times;
    let [sender, receiver] = described.pids.map(u32::cast_signed);
    let by = |pid, time| past(pid, time, queue.is_at_home, survey);
    out.line("sent", format!("{}, by {}", ago(sent), by(sender, sent)));
    out.line("received", format!("{}, by {}", ago(received), by(receiver, received)));
}

pub fn describe_segment(segment: &Segment, survey: &Survey, out: &mut Description) {
    let locked = if segment.is_locked { ", locked (SHM_LOCK)" } else { "" };
    out.line("bytes", format!("{}{locked}", segment.size));
    let pids = segment::attached_by(segment);
    let by: Vec<String> = pids.iter().map(|pid| process(*pid, survey)).collect();
    let by = if by.is_empty() { String::new() } else { format!(", by {}", by.join(", ")) };
    let times = count(segment.attached.len() as u64, "time", "times");
    out.line(
        "attached",
        match (pids.is_empty(), survey.is_complete()) {
            (_, true) => format!("{times}{by}"),
            (false, false) => format!("at least {times}{by}"),
            (true, false) => "by no process that could be inspected".to_owned(),
        },
    );
    out.line("attach", ago(segment.atime));
    out.line("detach", ago(segment.dtime));
    let by = |pid: u32, time| past(pid.cast_signed(), time, segment.is_at_home, survey);
    out.line("maker", by(segment.creator, segment.ctime));
    out.line("last user", by(segment.last, segment.atime.max(segment.dtime)));
}
